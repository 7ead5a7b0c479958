import type { LogEvent, WorkspaceId } from '#model';
import { logger, type Clock, type Database } from '#platform';
import type { ReaderScope } from './event-log.js';
import { eventLogStore as store, type LogPage } from './event-log.store.js';
import type { Follower, LogTail } from './log-tail.js';

const log = logger('bus');

/**
 * Why a reader must begin again: events that it has not seen were let go; its cursor lies ahead of the log (the database
 * was put back to an older state); or what the person may see has changed.
 */
export type ResetReason = 'retention' | 'ahead' | 'access';

export type LogItem =
  /** `prev` is the number last given to this reader, by an event or a heartbeat: a client can check that it missed none. */
  | { readonly kind: 'event'; readonly event: LogEvent; readonly prev: bigint }
  /** Nothing for this reader up to here that it was not given: a client may resume from this number. */
  | { readonly kind: 'heartbeat'; readonly sequence: bigint }
  /** Always the last item: take a snapshot and open another reader, with the scope as it is then. */
  | { readonly kind: 'reset'; readonly reason: ResetReason };

/** What one reader may see of a log, in order, without holes and without end. Iterate once; disposing ends it. */
export interface LogReader extends AsyncIterable<LogItem>, AsyncDisposable {}

export interface ReaderOptions {
  /** How long an idle reader waits for its heartbeat, in milliseconds. */
  readonly heartbeatMs?: number;
  /** How many events may wait for a slow reader before it goes back to reading the tables. */
  readonly buffer?: number;
}

const pageSize = 200;
/** How many numbers a page may look at: more where few are for this reader, so that a quiet one gets there too. */
const windows = { least: 1_000, most: 1_000_000, step: 4 };
const retriesMs = [100, 300, 1_000, 2_000];

/*
 * A reader goes through three phases.
 *
 * Backfill: it reads pages of its own events from the table, from its number on, as fast as its consumer takes them. It
 * holds one page, however far behind it is.
 *
 * Cutover: a page reached the head, so at that moment it had seen everything. Now it follows the tail,
 * which hands it every event after the tail's position into its buffer. If the tail stood at or before that head, the
 * two overlap and nothing is missing; otherwise one more page is read while the buffer already fills. What comes twice
 * is known by its number and dropped.
 *
 * Live: it gives what is in the buffer and waits. When the consumer is slow and the buffer is full, the buffer is thrown
 * away and the reader is back in backfill, from the number it last gave. So memory is bounded and nothing is lost.
 */
export class TailedReader implements LogReader, Follower {
  /** Everything up to here has been given or is not for this reader. */
  #position: bigint;
  #given: bigint;
  #buffer: LogEvent[] = [];
  #following = false;
  #window = windows.least;
  #closed = false;
  #wake: (() => void) | undefined;
  readonly #items: AsyncGenerator<LogItem, void>;
  readonly #heartbeatMs: number;
  readonly #limit: number;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly tail: LogTail,
    private readonly workspace: WorkspaceId,
    readonly scope: ReaderScope,
    private readonly since: bigint | undefined,
    options: ReaderOptions,
    private readonly closed: () => void,
  ) {
    this.#heartbeatMs = options.heartbeatMs ?? 15_000;
    this.#limit = options.buffer ?? 1_000;
    this.#position = this.#given = since ?? 0n;
    this.#items = this.#read();
  }

  [Symbol.asyncIterator](): AsyncIterator<LogItem, void> {
    return this.#items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#items.return();
  }

  take(event: LogEvent): void {
    if (this.#buffer.push(event) > this.#limit) {
      this.tail.leave(this);
      this.letGo();
    } else {
      this.#wake?.();
    }
  }

  letGo(): void {
    this.#buffer = [];
    this.#following = false;
    this.#wake?.();
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffer = [];
    this.tail.leave(this);
    this.#wake?.();
    this.closed();
  }

  async *#read(): AsyncGenerator<LogItem, void> {
    try {
      if (this.since === undefined) {
        // From now on: the first thing the consumer learns is which number that is.
        const { head } = await this.#page(0);
        this.#position = head;
        yield this.#heartbeat(head);
      } else if (await this.#accessChangedSince(this.since)) {
        yield { kind: 'reset', reason: 'access' };
        return;
      }
      while (!this.#closed) {
        for await (const item of this.#following ? this.#live() : this.#backfill()) {
          yield item;
          if (item.kind === 'reset') return;
        }
      }
    } finally {
      this.#end();
    }
  }

  async *#backfill(): AsyncGenerator<LogItem, void> {
    // The position that the tail had when this reader began to follow it.
    let joined: bigint | undefined;
    for (;;) {
      const { events, head, floor, reached } = await this.#page(pageSize);
      if (this.#closed) return;
      const lost = this.#position < floor ? 'retention' : this.#position > head ? 'ahead' : undefined;
      if (lost !== undefined) {
        yield { kind: 'reset', reason: lost };
        return;
      }
      for (const event of events) yield this.#give(event);
      this.#position = reached;
      if (reached < head) {
        const { least, most, step } = windows;
        this.#window =
          events.length < pageSize
            ? Math.min(most, this.#window * step)
            : Math.max(least, this.#window / step);
        continue;
      }
      if (!this.#following) {
        this.tail.startAt(head);
        joined = this.tail.position ?? head;
        this.tail.follow(this);
        this.#following = true;
      }
      if (joined !== undefined && joined <= head) return;
    }
  }

  async *#live(): AsyncGenerator<LogItem, void> {
    for (;;) {
      const event = this.#buffer.shift();
      if (event) {
        if (event.sequence > this.#position) yield this.#give(event);
      } else if (this.#closed || !this.#following) {
        return;
      } else if (await this.#idle()) {
        const reached = this.tail.position ?? this.#position;
        if (reached > this.#position) this.#position = reached;
        yield this.#heartbeat(this.#position);
      }
    }
  }

  #give(event: LogEvent): LogItem {
    const prev = this.#given;
    this.#position = this.#given = event.sequence;
    if (event.type === 'access.changed' && this.#isForMe(event)) return { kind: 'reset', reason: 'access' };
    return { kind: 'event', event, prev };
  }

  #heartbeat(sequence: bigint): LogItem {
    this.#given = sequence;
    return { kind: 'heartbeat', sequence };
  }

  #isForMe({ audience }: LogEvent): boolean {
    return audience.kind === 'person' && audience.person === this.scope.person;
  }

  /** Waits for something to happen; whether it was only the time for a heartbeat. */
  async #idle(): Promise<boolean> {
    let late = false as boolean;
    await new Promise<void>((wake) => {
      const cancel = this.clock.after(this.#heartbeatMs, () => {
        late = true;
        this.#wake?.();
      });
      this.#wake = () => {
        cancel();
        wake();
      };
    });
    this.#wake = undefined;
    return late && this.#buffer.length === 0 && this.#following && !this.#closed;
  }

  #page(limit: number): Promise<LogPage> {
    return this.#patiently(() =>
      store.page(this.database, this.workspace, this.#position, limit, this.#window, this.scope),
    );
  }

  #accessChangedSince(since: bigint): Promise<boolean> {
    return this.#patiently(() =>
      store.accessChanged(this.database, this.workspace, since, this.scope.person),
    );
  }

  /** A database that is away for a moment ends no stream: the reader is late, that is all. */
  async #patiently<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read();
      } catch (err) {
        if (this.#closed || !this.database.isUnavailable(err)) throw err;
        log.debug({ err, workspace: this.workspace }, 'a reader cannot read the log, trying again');
        await new Promise<void>((again) => {
          const cancel = this.clock.after(retriesMs[attempt] ?? 2_000, again);
          this.#wake = () => {
            cancel();
            again();
          };
        });
      }
    }
  }
}
