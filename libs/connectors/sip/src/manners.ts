/*
 * What each of our peers takes: some phones answer 415 to CPIM, or to notices that somebody is writing; others answer 200 to
 * CPIM and show it to their people as it is, with its headers. It is learnt once, kept, and forgotten after a while, for
 * phones change.
 */
import type { JsonObject } from '#connector';
import { fieldsOf, readNote, remember, type Notes } from '#connector/session';
import { cpimType, type SipRequest } from '#protocols/sip';
import type { Parts } from './parts.js';

const key = 'sip.manners';
const mostPeers = 500;
/** After so long a peer is tried again. */
const lastsMs = 30 * 86_400_000;

/** Who tells receipts tells them before their person has read a message, and has written an answer. */
const promptMs = 10_000;

const readsCpim: ReadonlySet<string> = new Set([cpimType, 'message/*', '*/*']);

/** What a peer may not take. */
export type Refused = 'cpim' | 'composing';

export class Manners {
  readonly #parts: Parts;
  /** When a peer refused something, by address and what it was. */
  readonly #refused = new Map<string, number>();
  /** Since when a peer owes us a receipt, by address. */
  readonly #owing = new Map<string, number>();
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
    const { context } = this.#parts;
    remember(this.#refused, `${what} ${peer}`, context.clock.now(), mostPeers);
    this.#keep();
  }

  /** A peer says with a message what they take (RFC 3261 §20.1). */
  said(peer: string, { headers }: SipRequest): void {
    const types = headers.tokens('accept').map((one) => one.split(';')[0]?.trim().toLowerCase() ?? '');
    const isRead = types.length === 0 || types.some((one) => readsCpim.has(one));
    if (!isRead && this.takes(peer, 'cpim')) this.refused(peer, 'cpim');
  }

  /** A peer has taken a message that asks to be told when it is delivered. */
  asked(peer: string): void {
    if (!this.#owing.has(peer)) remember(this.#owing, peer, this.#parts.context.clock.now(), mostPeers);
  }

  /** A peer says something: who has still not told what they were asked does not tell it, and may not read CPIM at all. */
  spoke(peer: string): void {
    const since = this.#owing.get(peer);
    if (since === undefined || since + promptMs > this.#parts.context.clock.now()) return;
    this.#owing.delete(peer);
    this.refused(peer, 'cpim');
  }

  /** A peer tells what became of a message of ours. */
  told(peer: string): void {
    this.#owing.delete(peer);
    if (this.#refused.delete(`cpim ${peer}`)) this.#keep();
  }

  #keep(): void {
    const { account, keeper } = this.#parts;
    // What an earlier session noted is kept with it.
    void this.ready.then(() => {
      const value: JsonObject = Object.fromEntries(this.#refused);
      const keyValues: Notes = [{ account, key, value }];
      void keeper.store({ events: [], keyValues });
    });
  }
}
