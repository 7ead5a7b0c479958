/*
 * Messages, both ways (RFC 3428). What we say has its fate from the final response; what is said to us is answered 200 when
 * it is stored, and 503 when it cannot be.
 */
import type { InboundBatch, OutboundEnvelope, SendOutcome } from '#connector';
import type { Kept } from '#connector/session';
import { parseCSeq, type Answer, type Answered, type Incoming } from '#protocols/sip';
import { outcomeOf } from './failures.js';
import { readMessage } from './from-sip.js';
import { newRequest, type Service } from './line.js';
import type { Manners } from './manners.js';
import type { Parts } from './parts.js';
import type { Receipts } from './receipts.js';
import { chosenId } from './remote-ids.js';
import { domainOf, uriOf } from './sip.addresses.js';
import { messagesOf, type OutgoingMessage } from './to-sip.js';
import type { Typing } from './typing.js';

/** Between two tries to store what nobody can say of whether it is stored. */
const doubtMs = 1_000;
/** For so long its sender waits for our answer at most (timer F, RFC 3261 §17.1.2.2). */
const patienceMs = 30_000;

export class Talk implements Service {
  readonly methods = ['MESSAGE'];
  readonly #parts: Parts;
  readonly #manners: Manners;
  readonly #receipts: Receipts;
  readonly #typing: Typing;
  /** What has no outcome yet. */
  readonly #flying = new Set<Promise<SendOutcome>>();

  constructor(parts: Parts, manners: Manners, receipts: Receipts, typing: Typing) {
    this.#parts = parts;
    this.#manners = manners;
    this.#receipts = receipts;
    this.#typing = typing;
  }

  /** Says what an envelope says, part after part. Never rejects. */
  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const flight = this.#send(envelope, signal);
    this.#flying.add(flight);
    try {
      return await flight;
    } finally {
      this.#flying.delete(flight);
    }
  }

  /** What has been said is answered while somebody listens. */
  async leave(): Promise<void> {
    await Promise.all(this.#flying);
  }

  async #send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    await this.#manners.ready;
    const { settings, line, context } = this.#parts;
    const wants = (): boolean => settings.receipts && this.#manners.takes(envelope.to, 'cpim');
    const messages = (cpim: boolean) =>
      messagesOf(envelope, { from: uriOf(line.self), cpim, now: new Date(context.clock.now()) });
    let cpim = wants();
    let parts = messages(cpim);
    if ('code' in parts) return { outcome: 'refused', failure: parts };
    this.#typing.spoke(envelope.to);
    let sequence = 1;
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at];
      if (part === undefined) break;
      const answer = await this.#say(part, sequence, signal);
      if (cpim && isUnreadable(answer)) {
        this.#manners.refused(envelope.to, 'cpim');
        // Another request of the same call, or it passes for the one that they refused (RFC 3261 §8.1.3.5, §8.2.2.2).
        sequence = (parseCSeq(answer.request.headers.get('cseq') ?? '')?.number ?? sequence) + 1;
        const plain = messages((cpim = false));
        if ('code' in plain) return { outcome: 'refused', failure: plain };
        parts = plain;
        at--;
        continue;
      }
      const outcome = outcomeOf(answer);
      if (outcome === 'sent') {
        if (cpim) this.#manners.asked(envelope.to);
        continue;
      }
      // What has left cannot be called back: the whole is neither sent nor to be sent again.
      if (at > 0 && outcome.outcome !== 'unknown') {
        const detail = `Only ${String(at)} of ${String(parts.length)} parts have left. ${outcome.failure.detail ?? ''}`;
        return { outcome: 'unknown', failure: { ...outcome.failure, detail } };
      }
      return outcome;
    }
    return { outcome: 'sent', parts: parts.map(({ wireId }) => ({ remoteId: chosenId(wireId) })) };
  }

  take(incoming: Incoming): void {
    void this.#hear(incoming);
  }

  async #say(part: OutgoingMessage, sequence: number, signal: AbortSignal): Promise<Answer> {
    const { line } = this.#parts;
    // Call-ID, CSeq and tag are the same at every attempt: whoever gets it twice can tell (RFC 3428 §8).
    const request = newRequest(line, 'MESSAGE', part.to, {
      callId: part.wireId,
      fromTag: part.wireId,
      headers: { ...part.headers, cseq: `${String(sequence)} MESSAGE` },
      body: part.body,
    });
    return line.ask(request, { signal });
  }

  async #hear(incoming: Incoming): Promise<void> {
    const { account, context, line } = this.#parts;
    const { request } = incoming;
    const domain = domainOf(line.self);
    const author = line.authorOf(incoming);
    const now = new Date(context.clock.now());
    const heard = readMessage(request, { account, domain, now, ...(author && { author }) });
    if (author !== undefined) this.#manners.said(author.address, request);
    switch (heard.heard) {
      case 'message': {
        this.#typing.heard(heard.event.conversation, heard.event.author.address);
        this.#manners.spoke(heard.event.author.address);
        const keyValues = heard.ask === undefined ? [] : await this.#receipts.asked(heard.event, heard.ask);
        const kept = await this.#store({ events: [heard.event], ...(keyValues.length > 0 && { keyValues }) });
        this.#answer(incoming, kept);
        if (kept.kept === 'kept' && heard.ask !== undefined) this.#receipts.delivered(heard.ask);
        return;
      }
      case 'receipt':
        if (author !== undefined) this.#manners.told(author.address);
        this.#answer(incoming, await this.#store({ events: [heard.event] }));
        return;
      case 'composing':
        this.#typing.take(heard.conversation, heard.author.address, heard.composing);
        incoming.respond(200);
        return;
      case 'nothing':
        incoming.respond(200);
        return;
      case 'unreadable':
        incoming.respond(heard.status, { reason: heard.reason, headers: heard.headers });
        return;
    }
  }

  /**
   * Stores it, again where nobody can say whether it is stored: its sender's id tells the second from the first, and a
   * retransmission would only find us still busy with it.
   */
  async #store(batch: InboundBatch): Promise<Kept> {
    const { keeper, context } = this.#parts;
    const until = context.clock.monotonic() + patienceMs;
    for (;;) {
      const kept = await keeper.store(batch);
      if (kept.kept !== 'silent' || keeper.isClosed || context.clock.monotonic() > until) return kept;
      await new Promise<void>((done) => {
        context.clock.after(doubtMs, done);
      });
    }
  }

  #answer(incoming: Incoming, kept: Kept): void {
    switch (kept.kept) {
      case 'kept':
        incoming.respond(200);
        return;
      case 'refused':
        incoming.respond(kept.failure.code === 'too-large' ? 413 : 400);
        return;
      case 'not-kept':
        incoming.respond(503, {
          headers: { 'retry-after': String(Math.max(1, Math.ceil(kept.retryAfterMs / 1_000))) },
        });
        return;
      case 'silent':
        // Nobody may say: whoever asks again finds out.
        return;
    }
  }
}

/** Whether they have it and cannot read it: in other words they may. */
function isUnreadable(answer: Answer): answer is Answered {
  return answer.answer === 'response' && [406, 415, 488].includes(answer.response.status);
}
