/*
 * How fast we may be on a network: what the settings say, else the usual; as fast as the server reads where it promises
 * to throw nobody out for it (ISUPPORT SAFERATE); and slower for a while where we were thrown out for being too fast.
 */
import type { SessionContext } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import type { AccountId, Failure } from '#model';
import type { IrcSettings } from './irc.settings.js';
import type { Network } from './network.js';

export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const key = 'irc.pace';
/** Where the server throttles by itself we need not; but what waits should wait with us, where it can be withdrawn. */
const safe: Rate = { burst: 50, perSecond: 20 };
/** Each time we are thrown out the rate is halved, down to an eighth, for six hours. */
const slowest = 1 / 8;
const slowMs = 6 * 3_600_000;

export class Pace {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #settings: IrcSettings;
  #share = 1;
  #until = 0;

  constructor(context: SessionContext, account: AccountId, settings: IrcSettings) {
    this.#context = context;
    this.#account = account;
    this.#settings = settings;
  }

  /** Reads what an earlier session has learnt. Never rejects: without it we learn it again. */
  async load(): Promise<void> {
    if (this.#until > 0) return;
    const noted = await readNote(this.#context, this.#account, key);
    const { share, until } = fieldsOf(noted?.value);
    if (typeof share !== 'number' || typeof until !== 'number') return;
    this.#share = Math.min(1, Math.max(slowest, share));
    this.#until = until;
  }

  rate(network: Network): Rate {
    const { burst, linesPerSecond, paced } = this.#settings;
    const share = this.#context.clock.now() < this.#until ? this.#share : 1;
    if (network.safeRate && !paced && share === 1) return safe;
    return { burst: Math.max(1, Math.floor(burst * share)), perSecond: linesPerSecond * share };
  }

  /** A connection has ended: notes to store, if there is something to learn from it. */
  ended(why: Failure | undefined): Notes {
    if (why?.code !== 'rate-limited' || !/flood|recvq|sendq/i.test(why.detail ?? '')) return [];
    const now = this.#context.clock.now();
    this.#share = Math.max(slowest, (now < this.#until ? this.#share : 1) / 2);
    this.#until = now + slowMs;
    return [{ account: this.#account, key, value: { share: this.#share, until: this.#until } }];
  }
}
