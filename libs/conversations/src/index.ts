export { ChangeStore, type MessageChange } from './change.store.js';
export { ConversationViews } from './conversation.views.js';
export { ConversationsModule } from './conversations.module.js';
export { Fates } from './fates.js';
export { FileSight } from './file-sight.js';
export { History } from './history.service.js';
export {
  conversationKey,
  Positions,
  positionsBefore,
  standsBy,
  type ConversationAsk,
  type LockedConversation,
  type NewMessage,
} from './intake.js';
export {
  conversationChanged,
  IntakeStore,
  remoteKey,
  type Bearer,
  type Holder,
  type RemoteIdRow,
  type RoomFacts,
} from './intake.store.js';
export {
  linkAddress,
  LinkRequests,
  mustBeOnline,
  pageOfOccupants,
  type ActRequest,
  type HistoryAnswer,
  type HistoryRequest,
  type LinkRequest,
  type OccupantsAnswer,
  type OccupantsRequest,
  type TypingRequest,
} from './link-requests.js';
export { MarksElsewhere } from './marks-elsewhere.js';
export type { ReadElsewhere } from './marks.store.js';
export { MessageViews } from './message.views.js';
export { Participants } from './participants.service.js';
export { Places, type Place } from './places.js';
export { Sight } from './sight.js';
