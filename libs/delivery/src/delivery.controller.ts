import { Body, Controller, Headers, Param, Query, Res } from '@nestjs/common';
import { Caller, Route, type BodyOf, type Principal, type QueryOf, type Reply } from '#accounts';
import {
  routes,
  type Envelope,
  type Job,
  type Message,
  type QuoteAnswer,
  type Routes,
  type SendMessagesAnswer,
} from '#api';
import { History } from '#conversations';
import type { ConversationId, EnvelopeId, MessageId } from '#model';
import { Problem } from '#platform';
import { Changes } from './changes.service.js';
import { Envelopes } from './envelopes.service.js';
import { Quotes } from './quotes.service.js';
import { SendService } from './send.service.js';

/** Everything that sends or changes messages. */
@Controller()
export class DeliveryController {
  constructor(
    private readonly sender: SendService,
    private readonly quotes: Quotes,
    private readonly changes: Changes,
    private readonly envelopes: Envelopes,
    private readonly history: History,
  ) {}

  @Route(routes.sendMessage)
  async send(
    @Caller() caller: Principal,
    @Param('id') id: ConversationId,
    @Body() body: BodyOf<Routes['sendMessage']>,
    @Headers('idempotency-key') key: unknown,
  ): Promise<Message> {
    return await this.sender.toConversation(caller, id, body, checkedKey(key));
  }

  @Route(routes.sendMessages)
  async sendMany(
    @Caller() caller: Principal,
    @Body() body: BodyOf<Routes['sendMessages']>,
    @Headers('idempotency-key') key: unknown,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<SendMessagesAnswer | Job> {
    const answer = await this.sender.toMany(caller, body, checkedKey(key));
    if (!('job' in answer)) return answer;
    reply.status(202);
    return answer.job;
  }

  @Route(routes.quote)
  async quote(@Caller() caller: Principal, @Body() body: BodyOf<Routes['quote']>): Promise<QuoteAnswer> {
    return await this.quotes.quote(caller, body);
  }

  @Route(routes.editMessage)
  async edit(
    @Caller() caller: Principal,
    @Param('id') id: MessageId,
    @Body() body: BodyOf<Routes['editMessage']>,
  ): Promise<Message> {
    return await this.changes.edit(caller, id, body);
  }

  @Route(routes.deleteMessage)
  async remove(
    @Caller() caller: Principal,
    @Param('id') id: MessageId,
    @Query() query: QueryOf<Routes['deleteMessage']>,
  ): Promise<Message> {
    if (query.scope === 'me') return await this.history.hide(caller, id);
    return await this.changes.retract(caller, id);
  }

  @Route(routes.react)
  async react(
    @Caller() caller: Principal,
    @Param('id') id: MessageId,
    @Param('emoji') emoji: string,
  ): Promise<Message> {
    return await this.changes.react(caller, id, emoji, false);
  }

  @Route(routes.unreact)
  async unreact(
    @Caller() caller: Principal,
    @Param('id') id: MessageId,
    @Param('emoji') emoji: string,
  ): Promise<Message> {
    return await this.changes.react(caller, id, emoji, true);
  }

  @Route(routes.listEnvelopes)
  async list(@Caller() caller: Principal, @Param('id') id: MessageId): Promise<{ items: Envelope[] }> {
    return { items: await this.envelopes.ofMessage(caller, id) };
  }

  @Route(routes.cancelEnvelope)
  async cancel(@Caller() caller: Principal, @Param('id') id: EnvelopeId): Promise<Envelope> {
    return await this.envelopes.cancel(caller, id);
  }

  @Route(routes.resendEnvelope)
  async resend(@Caller() caller: Principal, @Param('id') id: EnvelopeId): Promise<Envelope> {
    return await this.envelopes.resend(caller, id);
  }

  @Route(routes.releaseEnvelope)
  async release(@Caller() caller: Principal, @Param('id') id: EnvelopeId): Promise<Envelope> {
    return await this.envelopes.release(caller, id);
  }

  @Route(routes.refuseEnvelope)
  async refuse(
    @Caller() caller: Principal,
    @Param('id') id: EnvelopeId,
    @Body() body: BodyOf<Routes['refuseEnvelope']>,
  ): Promise<Envelope> {
    return await this.envelopes.refuse(caller, id, body.reason);
  }
}

/** @throws Problem 422 `invalid` */
function checkedKey(key: unknown): string | undefined {
  const parsed = routes.sendMessage.headers.safeParse(key === undefined ? {} : { 'idempotency-key': key });
  if (parsed.success) return parsed.data['idempotency-key'];
  throw new Problem(422, 'invalid', 'The Idempotency-Key cannot be used.', {
    errors: [{ pointer: 'Idempotency-Key', detail: 'must be 1 to 128 visible ASCII characters' }],
  });
}
