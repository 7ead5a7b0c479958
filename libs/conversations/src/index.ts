export { ChangeStore, type MessageChange } from './change.store.js';
export {
  conversationKey,
  Positions,
  type ConversationAsk,
  type LockedConversation,
  type NewMessage,
} from './intake.js';
export {
  conversationChanged,
  IntakeStore,
  remoteKey,
  type RemoteIdRow,
  type RoomFacts,
} from './intake.store.js';
export { Places, type Place } from './places.js';
