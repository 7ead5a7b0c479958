/*
 * One account's seat on the link of a component: a stream of its own as far as the account's residence sees, made of what
 * is addressed to it and of what it sends, signed with its address. What a server does for a client's account and nobody
 * does here is answered as a server that cannot do it would.
 */
import { remember } from '#connector/session';
import type { Failure } from '#model';
import { clientNamespace } from './core/stream-reader.js';
import type { Ending, Stream, StreamHandler } from './core/stream.js';
import { xml, type Element } from './core/xml.js';
import { stanzaErrorNamespace } from './stanza-failures.js';
import { isPing } from './xep/0199.js';
import { addressOf, fullOf, selfOf, type Jid } from './xmpp.addresses.js';

const bindNamespace = 'urn:ietf:params:xml:ns:xmpp-bind';
/** Every seat has one resource, and one is as good as another. */
const resource = 'parley';
/** Stanzas that wait for a seat that is paused, before the link itself is. */
const mostWaiting = 100;
/** Questions of theirs whose answer must come from the address that was asked. */
const mostAsked = 1_000;

/** What a seat needs of its link. */
export interface SeatLink {
  /** The component's own. */
  readonly domain: string;
  /** What the domain says of itself to a question; undefined where it cannot say. */
  says(payload: Element): Element | undefined;
  readonly secure: boolean;
  readonly backlog: number;
  write(stanza: Element): void;
  /** This seat takes no more for now; and again. */
  hold(seat: Seat): void;
  ease(seat: Seat): void;
  leave(seat: Seat): void;
  /** The server is not there any more. */
  lost(why: Failure): void;
}

export class Seat implements Stream {
  readonly #link: SeatLink;
  readonly bare: string;
  readonly #full: string;
  readonly #waiting: Element[] = [];
  /** The address asked, by who asked and the question's id. */
  readonly #asked = new Map<string, string>();
  #handler: StreamHandler | undefined;
  #paused = false;
  #flowing = false;
  #over = false;

  /** @param jid the account's address under the component. */
  constructor(link: SeatLink, jid: Jid) {
    this.#link = link;
    this.bare = selfOf(jid).bare;
    this.#full = fullOf({ ...jid, resource });
  }

  get secure(): boolean {
    return this.#link.secure;
  }

  get backlog(): number {
    return this.#link.backlog;
  }

  handle(handler: StreamHandler): void {
    this.#handler = handler;
    this.#goOn();
  }

  send(stanza: Element): void {
    if (this.#over) return;
    const { to, type, id } = stanza.attrs;
    const iq = stanza.getName() === 'iq';
    if (iq && (type === 'get' || type === 'set') && this.#isOurs(stanza, addressOf(to))) {
      this.#answer(stanza);
      return;
    }
    // Nobody spreads a presence for a component: it goes to those it names (XEP-0114 §5).
    if (to === undefined) return;
    const question = iq ? key(to, id) : undefined;
    const asked = question === undefined ? undefined : this.#asked.get(question);
    if (question !== undefined) this.#asked.delete(question);
    const from = asked ?? (isSubscription(stanza) ? this.bare : this.#full);
    stanza.attrs = { ...stanza.attrs, from };
    this.#link.write(stanza);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#goOn();
  }

  async close(): Promise<void> {
    this.destroy();
    return Promise.resolve();
  }

  async drop(): Promise<void> {
    return this.close();
  }

  /** The account's own end; where it says why, the server is gone for all of them. */
  destroy(why?: Failure): void {
    if (this.#over) return;
    this.#link.leave(this);
    this.end({ closed: false, ...(why !== undefined && { failure: why }) });
    if (why?.code === 'timeout') this.#link.lost(why);
  }

  /** Takes what is addressed to the account. */
  hear(stanza: Element): void {
    const { from, to, id, type } = stanza.attrs;
    if (
      stanza.getName() === 'iq' &&
      (type === 'get' || type === 'set') &&
      from !== undefined &&
      to !== undefined
    ) {
      remember(this.#asked, key(from, id), to, mostAsked);
    }
    this.#push(stanza);
  }

  lull(): void {
    if (!this.#over) this.#handler?.lull?.();
  }

  drained(): void {
    this.#handler?.drained?.();
  }

  /** The link is over. */
  end(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting.splice(0);
    this.#handler?.ended(ending);
  }

  #push(stanza: Element): void {
    this.#waiting.push(stanza);
    this.#flow();
    if (this.#waiting.length >= mostWaiting) this.#link.hold(this);
  }

  /** What has waited is a burst of its own. */
  #goOn(): void {
    if (this.#flow()) this.lull();
  }

  /** Hands on what waits; whether there was anything. */
  #flow(): boolean {
    if (this.#flowing) return false;
    this.#flowing = true;
    let handed = false;
    while (!this.#isHeld()) {
      const stanza = this.#waiting.shift();
      if (stanza === undefined) break;
      handed = true;
      this.#handler?.element(stanza);
    }
    this.#flowing = false;
    if (this.#waiting.length < mostWaiting) this.#link.ease(this);
    return handed;
  }

  /** Whether a question is for our own account or domain. Pings go round by the server: they say how far it has come. */
  #isOurs(question: Element, to: string | undefined): boolean {
    if (to === undefined || to === this.bare) return true;
    return to === this.#link.domain && !question.getChildElements().some(isPing);
  }

  /** What a client asks its own account or server. */
  #answer(question: Element): void {
    const { id, to = this.bare } = question.attrs;
    const [payload] = question.getChildElements();
    const said = payload && this.#saysTo(payload, to);
    const about = { xmlns: clientNamespace, id, from: to, to: this.#full };
    const refusal = xml(
      'error',
      { xmlns: clientNamespace, type: 'cancel' },
      xml('service-unavailable', { xmlns: stanzaErrorNamespace }),
    );
    const answer = xml('iq', { ...about, type: said === undefined ? 'error' : 'result' }, said ?? refusal);
    setImmediate(() => {
      if (this.#over) return;
      this.#push(answer);
      this.lull();
    });
  }

  #saysTo(payload: Element, to: string): Element | undefined {
    if (payload.getName() === 'bind')
      return xml('bind', { xmlns: bindNamespace }, xml('jid', { xmlns: bindNamespace }, this.#full));
    return to === this.#link.domain ? this.#link.says(payload) : undefined;
  }

  /** Asked anew after every stanza, because whoever hears it may change it. */
  #isHeld(): boolean {
    return this.#paused || this.#handler === undefined || this.#over;
  }
}

function isSubscription(stanza: Element): boolean {
  return stanza.getName() === 'presence' && /subscribe/.test(stanza.attrs['type'] ?? '');
}

function key(who: string, id: string | undefined): string {
  return `${who}\n${id ?? ''}`;
}
