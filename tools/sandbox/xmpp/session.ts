/* A bound resource: what it has asked for, and what is under way to it. It may outlive its connection (XEP-0198). */
import type { Account } from './account.js';
import { copy, el, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { World } from './world.js';

/** What carries the words of a session: a socket, or nothing but memory. */
export interface Carrier {
  give(element: Element): void;
  /** The session has ended: says why, if it may still be said. */
  ended(condition?: string, words?: string): void;
}

/** XEP-0198 as the server sees it. */
export interface Managed {
  readonly id: string;
  readonly isResumable: boolean;
  /** What the client has sent and we have taken. */
  handled: number;
  /** What we have sent since the beginning. */
  sent: number;
  /** The numbers of what it has not acknowledged, and the stanzas. */
  unacknowledged: { readonly number: number; readonly stanza: Element }[];
  isAsked: boolean;
}

export class Session {
  readonly world: World;
  readonly account: Account;
  readonly resource: string;
  readonly full: string;
  carrier: Carrier | undefined;
  presence: Element | undefined;
  managed: Managed | undefined;
  hasCarbons = false;
  /** It has asked for the roster, for the list of the blocked: it is told of changes. */
  wantsRoster = false;
  wantsBlocked = false;
  isActive = true;
  isEnded = false;
  /** Others who were shown its presence without being asked to (RFC 6121 §4.6). */
  readonly shown = new Set<string>();
  /** Nodes of which it wants to hear (XEP-0163 §4). */
  interests: readonly string[] = [];
  /** Until it can be resumed no more; until it is asked again what it has handled. */
  waitTimer: NodeJS.Timeout | undefined;
  askTimer: NodeJS.Timeout | undefined;
  readonly #answers = new Map<string, (answer: Element) => void>();

  constructor(world: World, account: Account, resource: string, carrier: Carrier) {
    this.world = world;
    this.account = account;
    this.resource = resource;
    this.full = `${account.bare}/${resource}`;
    this.carrier = carrier;
  }

  /** RFC 6121 §4.7.2.3. */
  get priority(): number {
    const written = this.presence?.children.find((one) => typeof one !== 'string' && one.name === 'priority');
    const number = Number(typeof written === 'object' ? written.children[0] : 0);
    return Number.isInteger(number) ? number : 0;
  }

  /** Gives it a stanza, addressed to it; kept until it is acknowledged where that was agreed. */
  deliver(one: Element): void {
    if (this.isEnded) return;
    const { forgeAnswersFrom, doubleMessages } = this.world.mischief;
    const type = one.attrs['type'];
    if (forgeAnswersFrom !== undefined && one.name === 'iq' && (type === 'result' || type === 'error')) {
      this.#give(
        stanza(
          'iq',
          { ...one.attrs, from: forgeAnswersFrom, to: this.full, type: 'result' },
          el('query', { xmlns: ns.roster, ver: 'forged' }, el('item', { jid: 'mallory@xmpp.invalid' })),
        ),
      );
    }
    this.#give(one);
    if (doubleMessages === true && one.name === 'message') this.#give(one);
  }

  #give(one: Element): void {
    const { managed } = this;
    if (managed !== undefined) {
      managed.sent++;
      managed.unacknowledged.push({ number: managed.sent, stanza: one });
    }
    this.carrier?.give(one);
    if (managed !== undefined && !managed.isAsked && this.carrier !== undefined) {
      managed.isAsked = true;
      // Once for all that leaves in this turn.
      setImmediate(() => {
        this.carrier?.give(el('r', ns.sm));
      });
    }
  }

  /** Asks the client; the answer is given to the function. */
  ask(content: Element, answered: (answer: Element) => void): void {
    const id = this.world.nextId('s');
    this.#answers.set(id, answered);
    this.deliver(stanza('iq', { type: 'get', id, from: this.world.domain, to: this.full }, content));
  }

  /** Takes an answer to a question of the server; false if it asked none. */
  answered(iq: Element): boolean {
    const id = iq.attrs['id'] ?? '';
    const waiting = this.#answers.get(id);
    this.#answers.delete(id);
    waiting?.(iq);
    return waiting !== undefined;
  }
}

/** A stanza for one of many: the same but for whom it is to. */
export function addressed(one: Element, to: string): Element {
  return copy(one, { to });
}
