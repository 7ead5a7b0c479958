/*
 * What is said, both ways: envelopes onto the wire, and messages from the wire into the house. What our other devices say
 * and hear comes as copies (XEP-0280), which count from our own account alone.
 */
import { wireIdOf, type OutboundEnvelope, type Place as ReadPlace, type SendOutcome } from '#connector';
import { failure, type Capabilities } from '#model';
import type { Service } from './core/port.js';
import { xml, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { capabilitiesIn, capabilitiesOf, type Offer } from './capabilities.js';
import { placeOf, saidIn, type Circumstances, type KnownRooms } from './from-xmpp.js';
import { Marks } from './marks.js';
import { Sending } from './sending.js';
import { stanzasOf } from './to-xmpp.js';
import { Typing } from './typing.js';
import type { Uploads } from './upload.js';
import { oobNs } from './xep/0066.js';
import { chatState, chatStateIn, chatStatesNs } from './xep/0085.js';
import { receiptsNs } from './xep/0184.js';
import { carbonIn, carbonsNs, enableCarbons, looksLikeCarbon } from './xep/0280.js';
import { correctionNs } from './xep/0308.js';
import { looksLikeResult } from './xep/0313.js';
import { markersNs } from './xep/0333.js';
import { hint } from './xep/0334.js';
import { stanzaIdNs } from './xep/0359.js';
import { stylingNs } from './xep/0393.js';
import { retractionNs } from './xep/0424.js';
import { fallbackNs } from './xep/0428.js';
import { reactionsNs } from './xep/0444.js';
import { fileSharingNs } from './xep/0447.js';
import { replyNs } from './xep/0461.js';
import { bareOf, resourceOf } from './xmpp.addresses.js';

/** Whom talk asks. */
export interface TalkAsks {
  readonly rooms: KnownRooms;
  /** Whether somebody may see our presence: they alone are told whether something came. */
  readonly seesUs: (address: string) => boolean;
  readonly uploads: Pick<Uploads, 'uploaded' | 'isNeeded' | 'limit'>;
  /** Whether our account keeps an archive. */
  readonly archive: () => Promise<boolean>;
  /** Whether our server keeps from us whom we block. */
  readonly blocking: () => Promise<boolean>;
  /** Whether our server copies what our other devices say and hear. */
  readonly copies: () => Promise<boolean>;
}

export class Talk implements Service {
  readonly features = [
    receiptsNs,
    markersNs,
    chatStatesNs,
    correctionNs,
    stanzaIdNs,
    stylingNs,
    retractionNs,
    fallbackNs,
    reactionsNs,
    fileSharingNs,
    replyNs,
    oobNs,
  ];
  readonly #parts: Parts;
  readonly #asks: TalkAsks;
  readonly #sending: Sending;
  readonly #marks: Marks;
  readonly #typing: Typing;
  /** Conversations in which something is being made ready: what is said there after it waits. */
  readonly #lanes = new Map<string, Promise<unknown>>();
  /** What the rooms that we are in can do. */
  readonly #entered = new Map<string, ReadonlySet<string>>();
  #here: Capabilities = {};
  #over = false;

  constructor(parts: Parts, asks: TalkAsks) {
    this.#parts = parts;
    this.#asks = asks;
    const { context, account, port } = parts;
    this.#sending = new Sending(parts, (bare) => asks.rooms.isRoom(bare));
    this.#marks = new Marks({ ...parts, sending: this.#sending, seesUs: asks.seesUs });
    this.#typing = new Typing({
      clock: context.clock,
      tell: (conversation, address, active) => {
        context.typing(account, conversation, address, active);
      },
      show: (to, state) => {
        const type = asks.rooms.isRoom(to) ? 'groupchat' : 'chat';
        port.send(xml('message', { to, type }, chatState(state), hint('no-store')));
      },
    });
  }

  online(how: 'new' | 'resumed'): void {
    if (how === 'resumed') return;
    void this.#copy();
    this.#offer({ uploads: false, archive: false, blocking: false });
    void this.#find();
  }

  ended(): void {
    this.#over = true;
    this.#typing.close();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const { to, content } = envelope;
    const before = this.#lanes.get(to);
    if (before === undefined && !this.#asks.uploads.isNeeded(content)) return this.#say(envelope, signal);
    const made = this.#prepare(envelope, signal, before);
    const lane = made.finally(() => {
      if (this.#lanes.get(to) === lane) this.#lanes.delete(to);
    });
    this.#lanes.set(to, lane);
    const ready = await made;
    return 'outcome' in ready ? ready : ready.said;
  }

  typing(conversation: string, active: boolean): void {
    this.#typing.show(conversation, active);
  }

  markRead(conversation: string, upTo: ReadPlace): void {
    this.#marks.markRead(conversation, this.#asks.rooms.isRoom(conversation), upTo);
  }

  /** A room was entered, or says now what it can do. */
  entered({ address, features }: { readonly address: string; readonly features: ReadonlySet<string> }): void {
    this.#entered.set(address, features);
    this.#offerIn(address, features);
  }

  /** A room was left. */
  exited(room: string): void {
    this.#entered.delete(room);
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message') return false;
    // Results come to who asked, before their answer; one that nobody asked for is nobody's.
    if (looksLikeResult(stanza)) return true;
    if (stanza.attrs['type'] === 'error') return this.#sending.bounced(stanza);
    if (!looksLikeCarbon(stanza)) {
      this.#hear(stanza, false);
      return true;
    }
    const { self } = this.#parts.port;
    const carbon = carbonIn(stanza, (from) => bareOf(from) === self.bare && resourceOf(from) === undefined);
    if (carbon === undefined) return true;
    const from = bareOf(carbon.message.attrs['from'] ?? self.bare);
    // A copy of what was sent is of our own words, and of what was received of somebody's to us.
    const [own, to] = [from === self.bare, bareOf(carbon.message.attrs['to'] ?? self.bare)];
    if (carbon.way === 'sent' ? own : to === self.bare) this.#hear(carbon.message, true);
    return true;
  }

  #hear(message: Element, isCopy: boolean): void {
    const { inlet, moments } = this.#parts;
    const how = this.#circumstances();
    const told = placeOf(message, how);
    if (told === undefined) return;
    const at = moments.heard(told.conversation, told.at, how.now.getTime());
    const place = { ...told, at };
    const { conversation, author, origin, mode } = place;
    const events = saidIn(message, place, how);
    for (const event of events) inlet.push(event);
    const spoke = events.some(({ type }) => type === 'message' || type === 'edit');
    if (spoke) this.#marks.said(message, place);
    this.#marks.hear(message, place);
    if (origin !== 'remote') return;
    // The device that it went to says that it came; ours has only a copy.
    if (spoke && !isCopy) this.#marks.answer(message, place);
    if (mode !== 'live') return;
    const state = chatStateIn(message);
    if (state !== undefined) this.#typing.heard(conversation, author.address, state);
    else if (spoke) this.#typing.spoke(conversation, author.address);
  }

  #circumstances(): Circumstances {
    const { account, port, context } = this.#parts;
    return {
      account,
      self: port.self.bare,
      domain: port.self.domain,
      rooms: this.#asks.rooms,
      mode: 'live',
      now: new Date(context.clock.now()),
    };
  }

  /** Makes an envelope ready behind what went before it, and puts it on the wire in its turn. */
  async #prepare(
    envelope: OutboundEnvelope,
    signal: AbortSignal,
    before: Promise<unknown> | undefined,
  ): Promise<SendOutcome | { readonly said: Promise<SendOutcome> }> {
    const uploaded = await this.#asks.uploads.uploaded(envelope, signal);
    await before;
    if ('outcome' in uploaded) return uploaded;
    // Not awaited: what comes next may leave as soon as this has left.
    return { said: this.#say({ ...envelope, content: uploaded.content }, signal) };
  }

  async #say(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    if (this.#over || signal.aborted) {
      return { outcome: 'later', retryAfterMs: 1_000, failure: failure('timeout', 'It was called off.') };
    }
    const { to, conversationKind, kind } = envelope;
    const inPrivate = resourceOf(to) !== undefined && this.#asks.rooms.isRoom(bareOf(to) ?? '');
    const stanzas = stanzasOf(envelope, { inPrivate, maxBytes: this.#parts.port.maxBytes });
    if ('code' in stanzas) return { outcome: 'refused', failure: stanzas };
    this.#typing.said(to);
    if (conversationKind === 'direct' && kind === 'message') {
      this.#marks.left(
        to,
        stanzas.map((_, part) => wireIdOf(envelope.id, part)),
      );
    }
    return this.#sending.send(envelope, stanzas, signal);
  }

  /** Says what can be done here. */
  #offer(found: Omit<Offer, 'maxBytes'>): void {
    const { context, account, port } = this.#parts;
    this.#here = capabilitiesOf({ maxBytes: port.maxBytes, ...found });
    context.capabilities(account, this.#here);
    for (const [room, features] of this.#entered) this.#offerIn(room, features);
  }

  #offerIn(room: string, features: ReadonlySet<string>): void {
    const { context, account } = this.#parts;
    context.capabilities(account, capabilitiesIn(this.#here, features), room);
  }

  /** Finds out what there is beside the server: files, and an archive. Each is offered when it is found. */
  async #find(): Promise<void> {
    let found = { uploads: false, archive: false, blocking: false };
    const offer = (more: Partial<typeof found>): void => {
      found = { ...found, ...more };
      if (!this.#over) this.#offer(found);
    };
    await Promise.all([
      this.#asks.uploads.limit().then((limit) => {
        if (limit !== undefined) offer({ uploads: true });
      }),
      this.#asks.archive().then((archive) => {
        if (archive) offer({ archive });
      }),
      this.#asks.blocking().then((blocking) => {
        if (blocking) offer({ blocking });
      }),
    ]);
  }

  /** Has our server copy to us what our other devices say and hear, where it can. */
  async #copy(): Promise<void> {
    const { port, context, account } = this.#parts;
    if (!(await this.#asks.copies())) return;
    const answer = await port.iq({ type: 'set', payload: enableCarbons() });
    if (!answer.ok) {
      context.log.info(
        { account, code: answer.failure.code },
        'the server makes no copies for other devices',
      );
    }
  }
}

/** Whether a server says that it copies (XEP-0280 §3). */
export function makesCopies(features: readonly string[]): boolean {
  return features.includes(carbonsNs);
}
