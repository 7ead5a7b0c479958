import { Body, Controller, Param, Query, Res } from '@nestjs/common';
import { Caller, Route, type BodyOf, type Principal, type QueryOf, type Reply } from '#accounts';
import {
  routes,
  type Mark,
  type MessagePage,
  type MyConversation,
  type Participant,
  type RequestAnswer,
  type Routes,
} from '#api';
import type { ConversationId } from '#model';
import { ConversationsService } from './conversations.service.js';
import { Erasure } from './erasure.js';
import { History } from './history.service.js';
import { Marks } from './marks.service.js';
import { Participants } from './participants.service.js';

@Controller()
export class ConversationsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly erasure: Erasure,
    private readonly history: History,
    private readonly marks: Marks,
    private readonly participants: Participants,
  ) {}

  @Route(routes.listConversations)
  async list(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['listConversations']>,
  ): Promise<{ items: MyConversation[]; next?: string }> {
    return await this.conversations.list(caller, query);
  }

  @Route(routes.createConversation)
  async open(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['createConversation']>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<MyConversation> {
    const { conversation, made } = await this.conversations.open(caller, body);
    if (!made) reply.status(200);
    return conversation;
  }

  @Route(routes.getConversation)
  async get(@Caller() caller: Principal, @Param('id') id: ConversationId): Promise<MyConversation> {
    return await this.conversations.get(caller, id);
  }

  @Route(routes.updateConversation)
  async update(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['updateConversation']>,
  ): Promise<MyConversation> {
    await this.marks.set(caller, id, body);
    return await this.conversations.get(caller, id);
  }

  @Route(routes.leaveConversation)
  async leave(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Query() query: QueryOf<Routes['leaveConversation']>,
  ): Promise<void> {
    if (query.erase === true) await this.erasure.mustBeAllowed(caller, id);
    await this.conversations.leave(caller, id);
    if (query.erase === true) await this.erasure.erase(caller, id);
  }

  @Route(routes.listParticipants)
  async listParticipants(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Query() query: QueryOf<Routes['listParticipants']>,
  ): Promise<{ items: Participant[]; next?: string }> {
    return await this.participants.page(caller, id, query);
  }

  @Route(routes.request)
  async request(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['request']>,
  ): Promise<RequestAnswer> {
    return await this.participants.request(caller, id, body);
  }

  @Route(routes.listMessages)
  async messages(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Query() query: QueryOf<Routes['listMessages']>,
  ): Promise<MessagePage> {
    return await this.history.page(caller, id, query);
  }

  @Route(routes.setRead)
  async read(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['setRead']>,
  ): Promise<Mark> {
    return await this.marks.read(caller, id, body);
  }

  @Route(routes.setTyping)
  async typing(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['setTyping']>,
  ): Promise<void> {
    await this.participants.typing(caller, id, body.active);
  }

  @Route(routes.setDraft)
  async draft(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['setDraft']>,
  ): Promise<Mark> {
    return await this.marks.draft(caller, id, body);
  }
}
