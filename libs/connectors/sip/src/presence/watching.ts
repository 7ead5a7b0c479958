/* The presence of our person's contacts: one subscription for each (RFC 3856), begun a few at a time. */
import type { DesiredContact } from '#connector';
import { pidfType, readPidf, type Incoming, type SipRequest } from '#protocols/sip';
import type { Service } from '../line.js';
import type { Parts } from '../parts.js';
import { noPresence, presenceFrom } from '../presence-states.js';
import { Subscription } from './subscription.js';

const expires = 3_600;
/** More people than these are not watched. */
const most = 2_000;
/** Subscriptions that are being begun at a time: a server that sees hundreds at once takes it for an attack. */
const mostAtOnce = 8;
/** Of so many the other side is told when we leave; the others end by themselves. */
const mostFarewells = 100;

export class Watching implements Service {
  readonly methods = ['NOTIFY'];
  readonly #parts: Parts;
  readonly #watched = new Map<string, Subscription>();
  /** Of those that end: their last word is still answered. */
  readonly #ending = new Set<Subscription>();
  #waiting: string[] = [];
  #beginning = 0;
  #online = false;

  constructor(parts: Parts, contacts: readonly DesiredContact[]) {
    this.#parts = parts;
    this.setContacts(contacts);
  }

  /** Whom to watch from now on. */
  setContacts(contacts: readonly DesiredContact[]): void {
    const wanted = new Set(
      contacts
        .filter(({ address, removed }) => removed !== true && address !== this.#parts.line.self)
        .map(({ address }) => address)
        .slice(0, most),
    );
    for (const [address, subscription] of this.#watched) {
      if (wanted.has(address)) continue;
      this.#watched.delete(address);
      void this.#end(subscription);
    }
    for (const address of wanted) {
      if (this.#watched.has(address)) continue;
      this.#watched.set(address, this.#make(address));
      if (this.#online) this.#waiting.push(address);
    }
    this.#begin();
  }

  online(): void {
    this.#online = true;
    this.#waiting = [...this.#watched.keys()];
    this.#begin();
  }

  offline(): void {
    this.#online = false;
    this.#waiting = [];
    for (const subscription of [...this.#watched.values(), ...this.#ending]) subscription.stop();
    this.#ending.clear();
  }

  async leave(): Promise<void> {
    this.#online = false;
    this.#waiting = [];
    const standing = [...this.#watched.values()];
    await Promise.all(standing.slice(0, mostFarewells).map((one) => this.#end(one)));
  }

  takes(incoming: Incoming): boolean {
    return this.#owner(incoming) !== undefined;
  }

  take(incoming: Incoming): void {
    this.#owner(incoming)?.take(incoming);
  }

  #owner(incoming: Incoming): Subscription | undefined {
    for (const one of this.#watched.values()) if (one.owns(incoming)) return one;
    for (const one of this.#ending) if (one.owns(incoming)) return one;
    return undefined;
  }

  #make(target: string): Subscription {
    const tell = (state: Parameters<Parts['context']['presence']>[2]): void => {
      // Whoever is watched no longer is not told of.
      if (this.#watched.get(target) !== subscription || !this.#online) return;
      this.#parts.context.presence(this.#parts.account, target, state);
    };
    const subscription = new Subscription(this.#parts, {
      target,
      event: 'presence',
      accept: pidfType,
      expires,
      heard: (request) => {
        tell(this.#read(request));
      },
      lost: () => {
        tell(noPresence(this.#now()));
      },
    });
    return subscription;
  }

  /** A NOTIFY without a document says that nothing is known, which is not that nobody is there (RFC 3856 §6.6.2). */
  #read({ body }: SipRequest): ReturnType<typeof presenceFrom> {
    const { context, account } = this.#parts;
    if (body.length === 0) return noPresence(this.#now());
    const pidf = readPidf(body);
    if (!('fault' in pidf)) return presenceFrom(pidf, this.#now());
    context.log.info({ account, fault: pidf.fault }, 'a presence document could not be read');
    return noPresence(this.#now());
  }

  #now(): Date {
    return new Date(this.#parts.context.clock.now());
  }

  #begin(): void {
    while (this.#online && this.#beginning < mostAtOnce) {
      const address = this.#waiting.shift();
      if (address === undefined) return;
      const subscription = this.#watched.get(address);
      if (subscription === undefined) continue;
      this.#beginning++;
      void subscription.begin().finally(() => {
        this.#beginning--;
        this.#begin();
      });
    }
  }

  async #end(subscription: Subscription): Promise<void> {
    this.#ending.add(subscription);
    await subscription.end();
    this.#ending.delete(subscription);
  }
}
