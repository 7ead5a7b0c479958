/* Somebody who lives on the sandbox's server: what they say, show and hear does not come from the code under test. */
import { randomBytes } from 'node:crypto';
import { summaryOf, type Imdn, type Incoming, type Pidf, type PidfSummary } from '#protocols/sip';
import { until } from '../until.js';
import { asking, plain, readMail, receipt, typing, type Writing } from './mail.js';
import { Phone, type PhoneLine, type PhoneState } from './phone.js';
import { addressIn, headersOf, uriOf } from './requests.js';
import type { Letter } from './outbox.js';
import type { Watching } from './watching.js';

/** What a resident was told in words. */
export interface SipHeard {
  readonly from: string;
  readonly text: string;
  /** Of the body: `text/plain`, `message/cpim`. */
  readonly type: string;
}

/** How a resident is: what is shown to whoever watches. */
export type SipShow = 'available' | 'away' | 'busy' | 'offline';

/** What a resident tells those who ask: nothing, that it arrived, that it was read too. */
export type SipReports = 'nothing' | 'delivered' | 'displayed';

export interface ResidentLine extends PhoneLine {
  readonly user: string;
  /** Has a letter delivered to an account. */
  post(to: string, letter: Letter): void;
  /** Begins to watch an account. */
  watch(address: string): Watching;
  /** What is shown has changed. */
  changed(): void;
}

export class SandboxSipResident {
  readonly address: string;
  /** Told of everything that is heard, as it comes. */
  hears: ((heard: SipHeard) => void) | undefined;
  /** Told when the phone rings. */
  rung: (() => void) | undefined;
  reports: SipReports = 'nothing';
  /** Whether more than plain text is taken; 415 to all else if not. */
  takesCpim = true;
  readonly #line: ResidentLine;
  readonly #phone: Phone;
  readonly #heard: SipHeard[] = [];
  readonly #receipts: Imdn[] = [];
  readonly #typing = new Set<string>();
  readonly #watches = new Map<string, Watching>();
  #shown: Pidf;

  constructor(line: ResidentLine) {
    this.#line = line;
    this.address = line.address;
    this.#phone = new Phone(line);
    this.#shown = this.#pidf('available', undefined);
  }

  // ---- words ----

  /** Says something to an account: at once, or as soon as it is there. */
  say(to: string, text: string, how: { readonly as?: 'plain' | 'cpim' } = {}): void {
    const id = randomBytes(9).toString('base64url');
    this.#post(to, how.as === 'cpim' ? asking(this.address, to, text, id) : plain(text));
  }

  /** Sends a body of any type, as it is. */
  send(to: string, type: string, body: Buffer): void {
    this.#post(to, { fields: { 'content-type': type }, body });
  }

  types(to: string, isActive: boolean): void {
    this.#post(to, typing(isActive));
  }

  /** What was said to them, in order. */
  heard(): readonly SipHeard[] {
    return this.#heard;
  }

  /** Waits until these words were heard. */
  async hearing(words: string, deadlineMs?: number): Promise<SipHeard> {
    const look = (): SipHeard | undefined => this.#heard.find(({ text }) => text === words);
    return until(`${this.address} hears “${words.slice(0, 40)}”`, look, deadlineMs);
  }

  /** What was told of what they said with a question (`as: 'cpim'`). */
  receipts(): readonly Imdn[] {
    return this.#receipts;
  }

  /** Whether somebody was last seen to be writing. */
  seesTyping(address: string): boolean {
    return this.#typing.has(address);
  }

  // ---- presence ----

  show(show: SipShow, note?: string): void {
    this.#shown = this.#pidf(show, note);
    this.#line.changed();
  }

  /** As they show themselves. */
  get shown(): Pidf {
    return this.#shown;
  }

  /** Asks to see an account, and goes on asking. */
  watch(address: string): void {
    if (!this.#watches.has(address)) this.#watches.set(address, this.#line.watch(address));
  }

  unwatch(address: string): void {
    this.#watches.get(address)?.end();
    this.#watches.delete(address);
  }

  /** What they see of an account; undefined while they do not know. */
  sees(address: string): PidfSummary | undefined {
    const pidf = this.#watches.get(address)?.pidf;
    return pidf === undefined ? undefined : summaryOf(pidf);
  }

  /** Whether they were told that they may see an account. */
  maySee(address: string): boolean {
    return this.#watches.get(address)?.standing === 'active';
  }

  // ---- calls ----

  get phone(): PhoneState {
    return this.#phone.state;
  }

  ring(address: string): void {
    this.#phone.ring(address);
  }

  pickUp(): void {
    this.#phone.pickUp();
  }

  hangUp(): void {
    this.#phone.hangUp();
  }

  // ---- what comes for them ----

  /** Takes a request that is for them. */
  take(incoming: Incoming): void {
    const { method, headers } = incoming.request;
    const isInside = headers.get('to')?.includes('tag=') === true;
    if (isInside && this.#takesInside(incoming)) return;
    if (isInside) incoming.respond(481);
    else if (method === 'MESSAGE') this.#read(incoming);
    else if (method === 'INVITE') {
      if (this.#phone.take(incoming)) this.rung?.();
    } else
      incoming.respond(405, { headers: { allow: 'MESSAGE, INVITE, ACK, CANCEL, BYE, OPTIONS, NOTIFY' } });
  }

  #takesInside(incoming: Incoming): boolean {
    if (this.#phone.takeInside(incoming)) return true;
    return [...this.#watches.values()].some((watching) => watching.takes(incoming));
  }

  #read(incoming: Incoming): void {
    const from = addressIn(incoming.request.headers.get('from') ?? '');
    const mail = readMail(incoming.request, this.takesCpim);
    if (mail.says === 'nothing') {
      incoming.respond(mail.status, mail.status === 415 ? { headers: { accept: 'text/plain' } } : {});
      return;
    }
    incoming.respond(200);
    if (mail.says === 'receipt') this.#receipts.push(mail.receipt);
    else if (mail.says === 'typing') {
      if (mail.isActive) this.#typing.add(from);
      else this.#typing.delete(from);
    } else {
      this.#typing.delete(from);
      const heard = { from, text: mail.text, type: mail.type };
      this.#heard.push(heard);
      this.#report(from, mail.asks);
      this.hears?.(heard);
    }
  }

  #report(to: string, asks: Extract<ReturnType<typeof readMail>, { says: 'text' }>['asks']): void {
    if (asks === undefined || this.reports === 'nothing') return;
    const about = { messageId: asks.messageId, at: new Date(asks.at), recipient: uriOf(this.address) };
    if (asks.wants.has('positive-delivery')) {
      this.#post(to, receipt(this.address, to, { ...about, kind: 'delivery', status: 'delivered' }));
    }
    if (asks.wants.has('display') && this.reports === 'displayed') {
      this.#post(to, receipt(this.address, to, { ...about, kind: 'display', status: 'displayed' }));
    }
  }

  #post(to: string, { fields, body }: Writing): void {
    this.#line.post(to, { headers: headersOf('MESSAGE', this.address, to, fields), body });
  }

  #pidf(show: SipShow, note: string | undefined): Pidf {
    const timestamp = new Date();
    const activities = show === 'away' || show === 'busy' ? [show] : [];
    return {
      entity: uriOf(this.address),
      tuples: [
        { id: 'phone', basic: show === 'offline' ? 'closed' : 'open', activities: [], notes: [], timestamp },
      ],
      persons: [{ id: 'self', activities, notes: note === undefined ? [] : [{ text: note }], timestamp }],
      notes: [],
    };
  }
}
