import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import {
  encodePosition,
  maxRecipientsAtOnce,
  type Job,
  type Message,
  type Recipient,
  type SendMessageBody,
  type SendMessagesAnswer,
  type SendMessagesBody,
  type SendResult as SendResultShape,
} from '#api';
import { encodeCursor } from '#bus';
import { MessageViews, Sight } from '#conversations';
import { failure, type ConversationId, type Failure, type MessageContent } from '#model';
import { Clock, Problem } from '#platform';
import { Acceptor, type Send, type SendResult, type Stored } from './accept.js';
import { costOf } from './cost.js';
import { FanOuts } from './fan-outs.js';
import { Gate } from './gate.js';
import type { IdempotencyKey } from './idempotency.store.js';
import { refused } from './refusal.js';
import { contentOf, Routing, type Content } from './routing.js';

/** When it is to leave, as the person asks for it. */
type Timing = Pick<SendMessageBody, 'scheduleAt' | 'urgent'>;

/** A send that may be accepted, or why not. */
type Prepared = { readonly send: Send } | { readonly failure: Failure };

/** Takes sends from people: route, gate, acceptance, answer. */
@Injectable()
export class SendService {
  constructor(
    private readonly acceptor: Acceptor,
    private readonly sight: Sight,
    private readonly routing: Routing,
    private readonly gate: Gate,
    private readonly views: MessageViews,
    private readonly fanOuts: FanOuts,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends to one conversation. When it resolves, the message is committed.
   * @throws Problem 404, 409 with a closed code, 422 for a key that was used otherwise
   */
  async toConversation(
    caller: Principal,
    conversation: ConversationId,
    body: SendMessageBody,
    key: string | undefined,
  ): Promise<Message> {
    await this.sight.conversation(caller, conversation);
    const content = await this.routing.attach(caller, contentOf(body), body.attachments);
    const prepared =
      'failure' in content ? content : await this.prepare(caller, { conversation }, content, body, 0);
    if ('failure' in prepared) throw refused(prepared.failure);
    const results = await this.accept(
      caller,
      [prepared.send],
      idempotencyOf(caller, key, ['to', conversation, body]),
    );
    const [result] = results;
    if (!result || 'failure' in result) throw refused(result?.failure ?? failure('internal'));
    return result.message;
  }

  /**
   * Sends one message to many, each with a message and an envelope of its own; up to a hundred at once, more as a job.
   * @throws Problem 422
   */
  async toMany(
    caller: Principal,
    body: SendMessagesBody,
    key: string | undefined,
  ): Promise<SendMessagesAnswer | { readonly job: Job }> {
    const { to } = body;
    const idempotency = idempotencyOf(caller, key, ['many', body]);
    if (to.length > maxRecipientsAtOnce) return { job: await this.fanOuts.begin(caller, body, idempotency) };
    const prepared = await this.prepareAll(caller, body, to, to.length > 1 ? 1 : 0);
    return { results: await this.deliver(caller, to, prepared, idempotency) };
  }

  /** The recipients of a fan-out, a slice at a time. Each slice has a key of its own, so that none is sent twice. */
  async slice(
    caller: Principal,
    body: SendMessagesBody,
    recipients: readonly Recipient[],
    key: string,
  ): Promise<SendResultShape[]> {
    const prepared = await this.prepareAll(caller, body, recipients, 1);
    return await this.deliver(caller, recipients, prepared, idempotencyOf(caller, key, recipients));
  }

  private async prepareAll(
    caller: Principal,
    body: SendMessagesBody,
    to: readonly Recipient[],
    priority: number,
  ): Promise<Prepared[]> {
    const { via, attachments } = body;
    const content = await this.routing.attach(caller, contentOf(body), attachments);
    if ('failure' in content) return to.map(() => content);
    return await Promise.all(
      to.map((recipient) => this.prepare(caller, recipient, content, body, priority, via)),
    );
  }

  private async deliver(
    caller: Principal,
    to: readonly Recipient[],
    prepared: readonly Prepared[],
    key: IdempotencyKey | undefined,
  ): Promise<SendResultShape[]> {
    const sends = prepared.flatMap((one) => ('send' in one ? [one.send] : []));
    const sent = sends.length > 0 ? await this.accept(caller, sends, key) : [];
    let next = 0;
    return to.map((recipient, index): SendResultShape => {
      const one = prepared[index];
      if (one && 'failure' in one) return { to: recipient, failure: one.failure };
      const result = sent[next++] ?? { failure: failure('internal') };
      return { to: recipient, ...result };
    });
  }

  private async accept(
    caller: Principal,
    sends: readonly Send[],
    key: IdempotencyKey | undefined,
  ): Promise<({ message: Message } | { failure: Failure })[]> {
    const answer = await this.acceptor.accept({
      workspace: caller.workspace,
      person: caller.person,
      ...(key ? { key } : {}),
      sends,
    });
    if ('misused' in answer) {
      throw new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.');
    }
    if ('refused' in answer) throw refused(answer.refused);
    if ('accepted' in answer) return answer.accepted.map(shapeOf);
    const scope = await this.sight.of(caller);
    const found = await this.views.byIds(
      answer.replayed.results.flatMap((result) => ('message' in result ? [result.message] : [])),
      scope,
    );
    return answer.replayed.results.map((result) => {
      if ('failure' in result) return result;
      const message = found.get(result.message);
      return message ? { message } : { failure: failure('not-found', 'The message is not there any more.') };
    });
  }

  /** Route, capabilities, gate: everything that is decided before anything is stored. */
  private async prepare(
    caller: Principal,
    recipient: Recipient,
    content: Content,
    { scheduleAt, urgent = false }: Timing,
    priority: number,
    via?: string,
  ): Promise<Prepared> {
    const routed = await this.routing.of(caller, recipient, via);
    if ('failure' in routed) return routed;
    const when = scheduleAt === undefined ? undefined : new Date(scheduleAt);
    if (when && when.getTime() > this.clock.now() + YEAR_MS) {
      return { failure: failure('unsupported', 'A message can be scheduled for at most a year ahead.') };
    }
    const verdict = await this.gate.consider({
      workspace: caller.workspace,
      person: caller.person,
      account: routed.account,
      ...(routed.conversation ? { conversation: routed.conversation } : {}),
      kind: routed.kind,
      address: routed.address,
      content: content,
    });
    const send = {
      to: routed.to,
      link: routed.link,
      content: content as MessageContent,
      urgent,
      priority,
      why: routed.why,
      ...(when && when.getTime() > this.clock.now() ? { scheduleAt: when } : {}),
    };
    switch (verdict.verdict) {
      case 'allow':
        return { send };
      case 'change':
        return { send: { ...send, content: verdict.content } };
      case 'hold':
        return { send: { ...send, held: verdict.why } };
      case 'refuse':
        return { failure: failure(verdict.code, verdict.why) };
    }
  }
}

const YEAR_MS = 366 * 86_400_000;

/** The same request under the same key has the same hash, however its body was spelled. */
function idempotencyOf(
  caller: Principal,
  key: string | undefined,
  request: unknown,
): IdempotencyKey | undefined {
  if (key === undefined) return undefined;
  const bodyHash = createHash('sha256').update(JSON.stringify(request)).digest('hex');
  return { principal: caller.id, key, bodyHash };
}

function shapeOf(result: SendResult): { message: Message } | { failure: Failure } {
  return 'failure' in result ? result : { message: messageOf(result.stored) };
}

/** What was just stored, as a reader would find it: nothing needs to be read again. */
function messageOf({ message, envelope, sequence }: Stored): Message {
  const { content } = message;
  const at = message.at.toISOString();
  return {
    id: message.id,
    conversation: message.conversation,
    account: message.account,
    cursor: encodeCursor(sequence),
    position: encodePosition(BigInt(message.position), sequence),
    author: null,
    person: message.person ?? null,
    origin: 'own',
    mode: 'live',
    kind: 'message',
    text: content.text,
    spans: [...(content.spans ?? [])] as Message['spans'],
    emote: content.emote ?? false,
    notice: content.notice ?? false,
    attachments: [...(content.attachments ?? [])] as Message['attachments'],
    replyTo: content.replyTo ?? null,
    audience: content.audience ?? null,
    reactions: [],
    at,
    storedAt: at,
    editedAt: null,
    retractedAt: null,
    erased: false,
    envelopes: [
      {
        id: envelope.id,
        kind: envelope.kind,
        state: envelope.waitsFor ? 'waiting' : 'accepted',
        waitsFor: envelope.waitsFor ?? null,
        failure: null,
        ...(envelope.detail === undefined ? {} : { why: envelope.detail }),
        ...costOf(envelope.charge),
        version: 1,
      },
    ],
    version: 1,
  };
}
