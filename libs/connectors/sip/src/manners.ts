/*
 * What each of our peers takes: some phones answer 415 to CPIM, or to notices that somebody is writing. It is learnt once,
 * kept, and forgotten after a while, for phones change.
 */
import type { JsonObject } from '#connector';
import { fieldsOf, readNote, remember, type Notes } from '#connector/session';
import type { Parts } from './parts.js';

const key = 'sip.manners';
const mostPeers = 500;
/** After so long a peer is tried again. */
const lastsMs = 30 * 86_400_000;

/** What a peer may not take. */
export type Refused = 'cpim' | 'composing';

export class Manners {
  readonly #parts: Parts;
  /** When a peer refused something, by address and what it was. */
  readonly #refused = new Map<string, number>();
  readonly ready: Promise<void>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.ready = readNote(parts.context, parts.account, key).then((noted) => {
      for (const [who, at] of Object.entries(fieldsOf(noted?.value))) {
        if (typeof at === 'number') remember(this.#refused, who, at, mostPeers);
      }
    });
  }

  takes(peer: string, what: Refused): boolean {
    const at = this.#refused.get(`${what} ${peer}`);
    return at === undefined || at + lastsMs < this.#parts.context.clock.now();
  }

  /** A peer has refused something; it is not offered to them again. */
  refused(peer: string, what: Refused): void {
    const { context, account, keeper } = this.#parts;
    remember(this.#refused, `${what} ${peer}`, context.clock.now(), mostPeers);
    const value: JsonObject = Object.fromEntries(this.#refused);
    const keyValues: Notes = [{ account, key, value }];
    void keeper.store({ events: [], keyValues });
  }
}
