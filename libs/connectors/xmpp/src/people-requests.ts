/*
 * What can be asked of and done to people at once: what they say of themselves (XEP-0054, XEP-0292, XEP-0012), and whom
 * our server keeps from us (XEP-0191). Blocks are the server's, for all of our person's devices: nothing of them is kept
 * here, so nothing has to be brought in line.
 */
import type { JsonObject, JsonValue, RequestOutcome, SessionRequest } from '#connector';
import { failure, type Failure } from '#model';
import type { IqAnswer, IqReply, Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { rolesOf, type Member } from './room.js';
import type { Rooms } from './rooms.js';
import { isOwn } from './roster.js';
import { lastAsk, lastOf } from './xep/0012.js';
import { cardAsk, cardOf, type Card } from './xep/0054.js';
import { itemsAskOf, itemsIn } from './xep/0060.js';
import { blockChangeOf, blocking, blockingNs, blockListAsk, blockListOf } from './xep/0191.js';
import { card4Node, card4Of } from './xep/0292.js';
import { addressOf, bareOf, resourceOf } from './xmpp.addresses.js';

/** What each kind takes, as it is said to whoever gets it wrong. */
const takes: Readonly<Record<string, string>> = {
  whois: 'whois {who}',
  block: 'block {who}; an address or a domain',
  unblock: 'unblock {who}',
  blocks: 'blocks {}',
};

export const peopleRequestKinds: readonly string[] = Object.keys(takes);

const done = (answer: JsonValue = null): RequestOutcome => ({ outcome: 'done', answer });
const refused = (why: Failure): RequestOutcome => ({ outcome: 'refused', failure: why });
const noBlocking = failure('unsupported', 'The server cannot block anybody.');

export class PeopleRequests implements Service {
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #rooms: Rooms;

  constructor(parts: Parts, disco: Disco, rooms: Rooms) {
    this.#parts = parts;
    this.#disco = disco;
    this.#rooms = rooms;
  }

  /** Answers a request of one of `peopleRequestKinds`. Never rejects. */
  async request(
    { kind, conversation, options }: SessionRequest,
    signal: AbortSignal,
  ): Promise<RequestOutcome> {
    if (signal.aborted) return refused(failure('timeout', 'It was called off.'));
    const wrong = refused(
      failure('unsupported', `XMPP takes: ${takes[kind] ?? Object.values(takes).join('; ')}.`),
    );
    if (kind === 'blocks') return this.#blocks(signal);
    const who = whoOf(options, conversation);
    if (who === undefined) return wrong;
    if (kind === 'whois') {
      const member = this.#rooms.room(bareOf(who) ?? '')?.member(resourceOf(who) ?? '');
      return member === undefined ? this.#whois(who, signal) : this.#whoisIn(who, member, signal);
    }
    if (kind === 'block' || kind === 'unblock') return this.#block(kind, who, signal);
    return wrong;
  }

  /** The server tells every device of a change (XEP-0191 §3.3): taken note of, and only from our own account. */
  asked(iq: Element, payload: Element, reply: IqReply): boolean {
    if (iq.attrs['type'] !== 'set' || payload.attrs['xmlns'] !== blockingNs) return false;
    if (!isOwn(iq, this.#parts.port.self)) reply.error('cancel', 'service-unavailable');
    else if (blockChangeOf(payload) === undefined) reply.error('modify', 'bad-request');
    else reply.result();
    return true;
  }

  async #blocks(signal: AbortSignal): Promise<RequestOutcome> {
    if (!(await this.canBlock())) return refused(noBlocking);
    const answer = await this.#parts.port.iq({ type: 'get', payload: blockListAsk(), signal });
    if (!answer.ok) return refused(answer.failure);
    return done({ blocks: (blockListOf(answer.payload) ?? []).flatMap((jid) => addressOf(jid) ?? []) });
  }

  async #block(change: 'block' | 'unblock', who: string, signal: AbortSignal): Promise<RequestOutcome> {
    if (!(await this.canBlock())) return refused(noBlocking);
    const answer = await this.#parts.port.iq({ type: 'set', payload: blocking(change, who), signal });
    return answer.ok ? done() : refused(answer.failure);
  }

  /** Whether our server keeps from us whom we block. */
  async canBlock(): Promise<boolean> {
    return (await this.#disco.server())?.features.includes(blockingNs) === true;
  }

  /** The card in either form, and when somebody was last there where they let us know. */
  async #whois(who: string, signal: AbortSignal): Promise<RequestOutcome> {
    const ask = (payload: Element): Promise<IqAnswer> =>
      this.#parts.port.iq({ type: 'get', to: who, payload, signal });
    const [old, new4, last] = await Promise.all([
      ask(cardAsk()),
      ask(itemsAskOf(card4Node, { latest: 1 })),
      ask(lastAsk()),
    ]);
    const card = old.ok ? cardOf(old.payload) : undefined;
    const card4 = new4.ok ? card4Of(itemsIn(new4.payload, card4Node)?.[0]?.payload) : undefined;
    const activity = last.ok ? lastOf(last.payload) : undefined;
    // Whoever answers nothing at all is not there; a server answers for those who have said nothing of themselves.
    if (!old.ok && card4 === undefined && activity === undefined && !saysNothing(old))
      return refused(old.failure);
    const at = this.#parts.context.clock.now();
    return done({
      who,
      ...(card && profileOf(card)),
      ...(card4 && profileOf(card4)),
      ...(activity && { lastSeen: new Date(at - activity.seconds * 1_000).toISOString() }),
      ...(activity?.note !== undefined && { lastNote: activity.note }),
    });
  }

  /**
   * Somebody in a room, as the room shows them, with the card that it hands out for them. Nothing else is asked: rooms pass
   * that on to the device, which need not answer, and what it says of its own idleness is not when somebody was last there.
   */
  async #whoisIn(who: string, member: Member, signal: AbortSignal): Promise<RequestOutcome> {
    const answer = await this.#parts.port.iq({ type: 'get', to: who, payload: cardAsk(), signal });
    const card = answer.ok ? cardOf(answer.payload) : undefined;
    const address = this.#rooms.partyOf(who).stableAddress;
    return done({
      ...(card && profileOf(card)),
      who,
      nick: member.nick,
      roles: [...rolesOf(member)],
      ...(address !== undefined && { address }),
    });
  }
}

/** There is somebody, without a card. */
function saysNothing(answer: IqAnswer): boolean {
  return !answer.ok && ['item-not-found', 'service-unavailable'].includes(answer.condition ?? '');
}

function whoOf({ who }: JsonObject, conversation: string | undefined): string | undefined {
  const asked = who ?? conversation;
  return typeof asked === 'string' ? addressOf(asked) : undefined;
}

/** A card without its picture, and without what it leaves empty. */
function profileOf(card: Card): JsonObject {
  return Object.fromEntries(
    Object.entries(card).filter(
      ([name, value]) =>
        name !== 'picture' && value !== undefined && (!Array.isArray(value) || value.length > 0),
    ) as [string, JsonValue][],
  );
}
