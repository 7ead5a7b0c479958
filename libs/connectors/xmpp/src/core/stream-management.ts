/*
 * Stream management (XEP-0198), ours: it acknowledges what is stored, not what was received, and what it sends again is
 * what the house has accepted.
 *
 * Both sides count stanzas, modulo 2^32. Outward, every stanza waits here until the server says how many it has handled.
 * Inward, `handled` is the length of the prefix of which everything is stored. When the stream breaks and is resumed, the
 * server says its count, and what is beyond it goes out again in the old order. What was given up meanwhile (its sender
 * has been told that its fate is unknown) does not: it has not reached the server, which is then known for certain.
 */
import type { Fate } from './port.js';
import { xml, type Element } from './xml.js';

export const managementNamespace = 'urn:xmpp:sm:3';
const modulus = 2 ** 32;
/** Stanzas that the server may leave unacknowledged before we ask; we ask at every lull besides. */
const mostUnasked = 50;

interface Waiting {
  readonly stanza: Element;
  settled: ((fate: Fate) => void) | undefined;
  /** It counts, for the server may have it; but it is not sent again. */
  givenUp?: boolean;
}

/** What a later stream needs to go on with this one. */
export interface Resumable {
  readonly id: string;
  /** How many of the server's stanzas are stored. */
  readonly handled: number;
  /** How many of ours the server has acknowledged. */
  readonly acknowledged: number;
}

export class StreamManagement {
  #waiting: Waiting[] = [];
  /** Of ours, by the server's count. */
  #acknowledged: number;
  /** Of the server's: received, and stored. */
  #received: number;
  #handled: number;
  /** What was last said of `handled`, and whether the server waits for more. */
  #told: number;
  #owes = false;
  #asked = false;
  #unasked = 0;
  readonly id: string | undefined;

  /** @param id of the stream, where it can be resumed. */
  constructor(id: string | undefined, from: Partial<Resumable> = {}) {
    this.id = id;
    this.#acknowledged = from.acknowledged ?? 0;
    this.#handled = this.#received = this.#told = from.handled ?? 0;
  }

  /** How many stanzas of ours the server has not acknowledged. */
  get unacknowledged(): number {
    return this.#waiting.length;
  }

  get handled(): number {
    return this.#handled;
  }

  get resumable(): Resumable | undefined {
    if (this.id === undefined) return undefined;
    return { id: this.id, handled: this.#handled, acknowledged: this.#acknowledged };
  }

  /** Whether everything that came is stored: only then may the stream be resumed, or what is here would come twice. */
  get isSettled(): boolean {
    return this.#handled === this.#received;
  }

  /** A stanza of ours goes onto the wire. */
  sent(stanza: Element, settled?: (fate: Fate) => void): void {
    this.#waiting.push({ stanza, settled });
    this.#unasked++;
  }

  /** What to ask the server now: nothing, while it owes an answer or has answered everything. */
  request(): Element | undefined {
    if (this.#asked || this.#waiting.length === 0) return undefined;
    this.#asked = true;
    this.#unasked = 0;
    return xml('r', { xmlns: managementNamespace });
  }

  /** Whether so much has left since the last question that the next cannot wait for a lull. */
  get isDue(): boolean {
    return this.#unasked >= mostUnasked;
  }

  /** A stanza of theirs has come; what is answered is to be called when everything it led to is stored. */
  received(): () => void {
    const number = (this.#received = (this.#received + 1) % modulus);
    return () => {
      this.#handled = number;
    };
  }

  /** The server asks how far we are. */
  asked(): Element {
    this.#owes = this.#handled !== this.#received;
    return this.#answer();
  }

  /** What to tell the server unasked: that what it asked about is stored by now. */
  progress(): Element | undefined {
    if (!this.#owes || this.#handled === this.#told) return undefined;
    if (this.isSettled) this.#owes = false;
    return this.#answer();
  }

  /** The last word on an orderly end, so that nothing stored is kept for us. */
  farewell(): Element {
    return this.#answer();
  }

  /**
   * The server says how many of ours it has handled.
   * @returns false where it claims more than we have sent: it has lost count (XEP-0198 §4).
   */
  acknowledged(h: string | undefined): boolean {
    const count = countOf(h);
    if (count === undefined) return false;
    const fresh = (count - this.#acknowledged + modulus) % modulus;
    if (fresh > this.#waiting.length) return false;
    this.#asked = false;
    this.#acknowledged = count;
    for (const { settled } of this.#waiting.splice(0, fresh)) settled?.('acknowledged');
    return true;
  }

  /** What goes out again on the resumed stream, after `acknowledged` with the server's count. */
  again(): readonly Element[] {
    this.#asked = false;
    this.#unasked = 0;
    this.#waiting = this.#waiting.filter(({ givenUp }) => givenUp !== true);
    return this.#waiting.map(({ stanza }) => stanza);
  }

  /** Lets go of what has waited for too long over a broken stream: it will not be sent again. */
  giveUp(): void {
    for (const waiting of this.#waiting) {
      const { settled } = waiting;
      waiting.givenUp = true;
      waiting.settled = undefined;
      settled?.('lost');
    }
  }

  #answer(): Element {
    this.#told = this.#handled;
    return xml('a', { xmlns: managementNamespace, h: String(this.#handled) });
  }
}

/** `h` as XML Schema's unsignedInt. */
function countOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const count = Number(text);
  return count < modulus ? count : undefined;
}
