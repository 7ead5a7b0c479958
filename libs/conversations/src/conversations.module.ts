import { Module } from '@nestjs/common';
import { RosterModule } from '#roster';
import { AccountRequests, AccountRequestsController } from './account-requests.js';
import { ChangeStore } from './change.store.js';
import { ConversationViews } from './conversation.views.js';
import { ConversationsController } from './conversations.controller.js';
import { ConversationsService } from './conversations.service.js';
import { Erasure } from './erasure.js';
import { FileSight } from './file-sight.js';
import { FilesController } from './files.controller.js';
import { History } from './history.service.js';
import { IntakeStore } from './intake.store.js';
import { LinkRequests } from './link-requests.js';
import { Marks } from './marks.service.js';
import { MarksElsewhere } from './marks-elsewhere.js';
import { MessageViews } from './message.views.js';
import { MessagesController } from './messages.controller.js';
import { Participants } from './participants.service.js';
import { Past } from './past.service.js';
import { Places } from './places.js';
import { Search } from './search.service.js';
import { Sight } from './sight.js';

/** What the rooms above call. */
const offered = [
  ChangeStore,
  ConversationViews,
  FileSight,
  History,
  IntakeStore,
  LinkRequests,
  MarksElsewhere,
  MessageViews,
  Participants,
  Places,
  Sight,
];

/**
 * What was said where, and how a person reads it. Messages come in through `IntakeStore`, in the transactions of the
 * rooms above. Needs the files' and the accounts' modules and, bound by the server for everybody, `Fates`.
 */
@Module({
  imports: [RosterModule],
  controllers: [AccountRequestsController, ConversationsController, FilesController, MessagesController],
  providers: [...offered, AccountRequests, ConversationsService, Erasure, Marks, Past, Search],
  exports: offered,
})
export class ConversationsModule {}
