import { fold } from './case-mapping.js';
import type { Network } from './network.js';

/** More than this is not remembered: what somebody says may bear the account by itself (account-tag). */
const most = 50_000;

/**
 * Which services account each nick in sight is signed in to, as the network told it: when they came (extended-join),
 * when it changed (account-notify), when it was asked (WHOX). True only as long as changes are told, so it is asked only
 * where they are.
 */
export class AccountsSeen {
  readonly #network: () => Network;
  readonly #accounts = new Map<string, string>();

  constructor(network: () => Network) {
    this.#network = network;
  }

  of(nick: string): string | undefined {
    return this.#accounts.get(this.#fold(nick));
  }

  set(nick: string, account: string | undefined): void {
    const key = this.#fold(nick);
    if (account === undefined) this.#accounts.delete(key);
    else if (this.#accounts.size < most || this.#accounts.has(key)) this.#accounts.set(key, account);
  }

  moved(from: string, to: string): void {
    const account = this.of(from);
    this.set(from, undefined);
    if (account !== undefined) this.set(to, account);
  }

  #fold(nick: string): string {
    return fold(nick, this.#network().caseMapping);
  }
}
