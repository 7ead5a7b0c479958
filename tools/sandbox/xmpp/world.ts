/* What the server knows: its people, its rooms, and who is connected. */
import { Account } from './account.js';
import { jid } from './addresses.js';
import type { Element } from './element.js';
import {
  allFeatures,
  type Mischief,
  type SandboxXmppAccount,
  type SandboxXmppFeature,
  type SandboxXmppOptions,
} from './options.js';
import type { Room } from './room.js';
import type { Session } from './session.js';

/** Why whoever comes is sent away: a stream error. */
export interface Refusal {
  readonly condition: string;
  /** What the condition holds: the other host of `see-other-host`. */
  readonly detail?: string;
  readonly words?: string;
}

export class World {
  readonly options: SandboxXmppOptions;
  readonly domain: string;
  readonly roomDomain: string;
  readonly accounts = new Map<string, Account>();
  readonly rooms = new Map<string, Room>();
  readonly features: Set<SandboxXmppFeature>;
  /** What clients understand, by the hash that they give (XEP-0115). */
  readonly caps = new Map<string, readonly string[]>();
  mischief: Mischief = {};
  refusal: Refusal | undefined;
  /** Takes a stanza with its `from` to where it belongs. */
  route: (stanza: Element, sender?: Session) => void = () => undefined;
  #made = 0;

  /** @param before the server before its restart: its people and rooms are kept, and nobody is connected. */
  constructor(options: SandboxXmppOptions, before?: World) {
    this.options = options;
    this.domain = options.domain ?? 'xmpp.sandbox';
    this.roomDomain = `rooms.${this.domain}`;
    this.features =
      before?.features ?? new Set(allFeatures.filter((one) => options.without?.includes(one) !== true));
    if (before === undefined) {
      for (const account of options.accounts ?? []) this.addAccount(account);
      return;
    }
    this.mischief = before.mischief;
    this.refusal = before.refusal;
    this.#made = before.#made;
    for (const [name, account] of before.accounts) {
      account.sessions.clear();
      this.accounts.set(name, account);
    }
    for (const [address, room] of before.rooms) {
      room.occupants.clear();
      this.rooms.set(address, room);
    }
  }

  has(feature: SandboxXmppFeature): boolean {
    return this.features.has(feature);
  }

  /** Of one stanza. */
  get mostCharacters(): number {
    return this.options.mostCharacters ?? 262_144;
  }

  now(): number {
    return this.options.now?.() ?? Date.now();
  }

  /** An id that was not given before. Those made later sort later. */
  nextId(prefix = ''): string {
    return `${prefix}${String(++this.#made).padStart(9, '0')}`;
  }

  addAccount({ name, password }: SandboxXmppAccount): Account {
    const account = new Account(name.toLowerCase(), this.domain, password);
    this.accounts.set(account.name, account);
    return account;
  }

  /** The account of an address, with or without a resource. */
  account(address: string): Account | undefined {
    const found = jid(address);
    return found?.domain === this.domain ? this.accounts.get(found.local) : undefined;
  }

  session(full: string): Session | undefined {
    const found = jid(full);
    return found && this.account(full)?.sessions.get(found.resource);
  }
}
