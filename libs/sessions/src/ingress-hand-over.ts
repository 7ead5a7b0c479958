/*
 * From the table to the sessions: what providers called with is offered to the session of its account, one item after the
 * other, in the order in which it came. A row goes when the session has taken it; whoever dies in between leaves it to
 * the next holder of the link, whose session finds by its remote ids that it is stored already. A signal says that
 * something came; every few seconds the table is asked anyway.
 */
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DueSweep, Signals } from '#bus';
import type { JsonObject } from '#connector';
import type { AccountId, WorkspaceId } from '#model';
import { Batcher, Clock, Database, logger } from '#platform';
import { INGRESS_CHANNEL } from './ingress.gateway.js';
import { IngressStore, type WaitingItem } from './ingress.store.js';

const log = logger('sessions');

/** Items that one look at the table brings. */
const atOnce = 50;
/** After a session said `later`, or the tables were away. */
const againMs = { first: 250, most: 30_000 } as const;
const forgetMs = 3_600_000;

/** A session that takes in what the provider of one of its accounts says. */
export interface IngressTaker {
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  takeIn(item: JsonObject): Promise<'taken' | 'later'>;
}

/** Hands what waits over to the sessions of this worker. */
@Injectable()
export class IngressHandOver implements OnApplicationBootstrap {
  readonly #lines = new Map<AccountId, Line>();
  readonly #gone: Batcher<bigint, undefined>;
  #forgotAt = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly store: IngressStore,
    private readonly clock: Clock,
    private readonly due: DueSweep,
    private readonly signals: Signals,
  ) {
    this.#gone = new Batcher(async (sequences) => {
      await this.store.taken(this.database, sequences);
      return sequences.map(() => undefined);
    });
  }

  onApplicationBootstrap(): void {
    this.due.add('ingress', () => this.#round());
    this.signals.subscribe(INGRESS_CHANNEL, (hint) => {
      const account = (hint as { account?: AccountId } | undefined)?.account;
      if (account === undefined) for (const line of this.#lines.values()) line.look();
      else this.#lines.get(account)?.look();
    });
  }

  /**
   * Begins to hand over. The answer ends it: nothing more is offered, what is under way is not waited for and will be
   * offered again; it resolves when what was taken is gone.
   */
  open(taker: IngressTaker): () => Promise<void> {
    const line = new Line(taker, {
      waiting: () => this.store.waiting(this.database, taker.account, atOnce),
      taken: (sequence) => this.#gone.add(sequence),
      setAside: (item, detail) => this.store.setAside(this.database, taker, item, detail),
      after: (ms, call) => this.clock.after(ms, call),
    });
    this.#lines.set(taker.account, line);
    line.look();
    return async () => {
      if (this.#lines.get(taker.account) === line) this.#lines.delete(taker.account);
      await line.end();
    };
  }

  async #round(): Promise<undefined> {
    if (this.clock.monotonic() - this.#forgotAt >= forgetMs) {
      await this.store.forget(this.database);
      this.#forgotAt = this.clock.monotonic();
    }
    if (this.#lines.size === 0) return;
    for (const account of await this.store.awaited(this.database, [...this.#lines.keys()])) {
      this.#lines.get(account)?.look();
    }
  }
}

/** What a line needs of the house. */
interface Means {
  waiting(): Promise<readonly WaitingItem[]>;
  taken(sequence: bigint): Promise<unknown>;
  setAside(item: JsonObject, detail: string): Promise<void>;
  after(ms: number, call: () => void): () => void;
}

/** The items of one account on their way to its session. */
class Line {
  #running: Promise<void> | undefined;
  /** Something may have come since the table was last asked. */
  #asked = false;
  readonly #end = new AbortController();
  #holds = 0;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly taker: IngressTaker,
    private readonly means: Means,
  ) {}

  /** Looks for what waits, unless it is known that it has to wait. */
  look(): void {
    if (this.#end.signal.aborted || this.#cancel) return;
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async end(): Promise<void> {
    this.#end.abort();
    this.#cancel?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#asked && !this.#isEnded()) {
        this.#asked = false;
        const waiting = await this.means.waiting();
        if (waiting.length === atOnce) this.#asked = true;
        if (!(await this.#offer(waiting))) this.#hold();
      }
    } catch (err) {
      if (this.#isEnded()) return;
      log.warn({ err, account: this.taker.account }, 'what a provider told could not be handed over yet');
      this.#hold();
    }
  }

  /** Offers what waits, in order; false when the session wants it later. */
  async #offer(waiting: readonly WaitingItem[]): Promise<boolean> {
    const gone: Promise<unknown>[] = [];
    let all = true;
    for (const { sequence, item } of waiting) {
      all = !this.#isEnded() && (await this.#take(item)) === 'taken';
      if (!all) break;
      this.#holds = 0;
      const going = this.means.taken(sequence);
      // Awaited below, when the next items are under way.
      going.catch(() => undefined);
      gone.push(going);
    }
    await Promise.all(gone);
    return all;
  }

  async #take(item: JsonObject): Promise<'taken' | 'later'> {
    const { signal } = this.#end;
    let stop = (): void => undefined;
    const ended = new Promise<'later'>((done) => {
      stop = () => {
        done('later');
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([this.taker.takeIn(item), ended]);
    } catch (error) {
      // A session never rejects: its code is at fault, and would be with the same item for ever.
      log.warn(
        { err: error, account: this.taker.account },
        'what a provider told was set aside: the session broke over it',
      );
      await this.means.setAside(item, error instanceof Error ? error.message : String(error));
      return 'taken';
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Asked anew after every wait: the line may have been ended meanwhile. */
  #isEnded(): boolean {
    return this.#end.signal.aborted;
  }

  #hold(): void {
    this.#asked = false;
    if (this.#isEnded()) return;
    const ms = Math.min(againMs.most, againMs.first * 2 ** this.#holds);
    this.#holds = Math.min(this.#holds + 1, 20);
    this.#cancel = this.means.after(ms, () => {
      this.#cancel = undefined;
      this.look();
    });
  }
}
