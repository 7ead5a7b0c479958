/*
 * One engine is one session, and a session is one transaction at a time. The broker lets many connections share it as
 * if each had a backend of its own.
 *
 * It works in batches, the stretch of protocol between two answers of a server. After a batch it looks at the byte in
 * ReadyForQuery: `I` means that nothing is open and anybody may go next, round robin; `T` or `E` mean that this
 * connection has a transaction open and owns the engine until it ends it. (A batch that ends in Flush leaves its
 * connection in the middle of something, so that one owns the engine too.) So isolation is perfect, and dear: whoever
 * idles in a transaction stops everybody. Hence the limit on idling owners, with SQLSTATE 25P03 as a server has it.
 */
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Connection, encryptionRefusal, type Wish } from './connection.js';
import type { Engine } from './engine.js';
import type { SlowOwner, WorkerStats } from './messages.js';
import { nothing, reportedParameters, Session } from './session.js';
import { errorResponse, type Bytes } from './wire.js';

/** Where the broker's words go. */
export interface Outward {
  bytes(connection: number, bytes: Bytes): void;
  end(connection: number): void;
  slowOwner(owner: SlowOwner): void;
  /** The engine is beyond use. */
  died(error: unknown): void;
}

/** For how long the broker works without looking whether anything has arrived, in ms. */
const stretch = 10;

export class Broker {
  readonly #connections = new Map<number, Connection>();
  readonly #queue: Connection[] = [];
  readonly #jobs: (() => Promise<void>)[] = [];
  readonly #session: Session;
  #owner: Connection | undefined;
  #busy = false;
  #working: Promise<void> = Promise.resolve();
  #closing = false;
  #longestBatchMs = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  /** The owner's idling that has been warned of, by when it began. */
  #warned = -1;

  private constructor(
    engine: Engine,
    private readonly outward: Outward,
    private readonly idleTransactionMs: number,
    parameters: ReadonlyMap<string, string>,
  ) {
    this.#session = new Session(engine, parameters, this.#connections, (connection, bytes) => {
      this.#send(connection, bytes);
    });
  }

  /** @param idleTransactionMs how long an owner may idle while others wait. */
  static async over(engine: Engine, outward: Outward, idleTransactionMs: number): Promise<Broker> {
    const parameters = await reportedParameters(engine);
    return new Broker(engine, outward, idleTransactionMs, parameters);
  }

  get stats(): Omit<WorkerStats, 'checkpoints' | 'vacuums'> {
    return {
      connections: this.#connections.size,
      waiting: this.#queue.length,
      owned: this.#owner !== undefined,
      batches: this.#session.batches,
      longestBatchMs: Math.round(this.#longestBatchMs),
      switches: this.#session.switches,
    };
  }

  open(id: number): void {
    const connection = new Connection(id, 10_000 + id, () => {
      this.outward.bytes(id, encryptionRefusal.slice());
    });
    this.#connections.set(id, connection);
  }

  bytes(id: number, bytes: Uint8Array): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    connection.push(bytes);
    const [wish] = connection.wishes;
    if (wish?.kind === 'cancel') {
      // It jumps the queue: what it wants to cancel stands there. Its connection is good for nothing else.
      this.#cancel(wish.process, wish.secret);
      connection.wishes.splice(0, Infinity, nothing);
    }
    this.#enqueue(connection);
  }

  /** The client has gone without a word: what it had open is rolled back, what it had not begun is not begun. */
  end(id: number): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    connection.wishes.length = 0;
    connection.wishes.push(nothing);
    this.#enqueue(connection);
  }

  /** Runs a job of the room's own between batches, while no connection owns the engine. */
  exclusively<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => job().then(resolve, reject));
      this.#wake();
    });
  }

  /** Lets the batch that runs now finish, then ends every connection as a server does that shuts down. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#working;
    clearTimeout(this.#idleTimer);
    for (const connection of [...this.#connections.values()]) {
      this.#fail(connection, '57P01', 'terminating connection due to administrator command');
      await this.#drop(connection);
    }
  }

  #enqueue(connection: Connection): void {
    if (connection.wishes.length === 0) return;
    if (!connection.queued) {
      connection.queued = true;
      this.#queue.push(connection);
    }
    this.#wake();
  }

  #wake(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#working = this.#work().catch((error: unknown) => {
      this.outward.died(error);
    });
  }

  async #work(): Promise<void> {
    clearTimeout(this.#idleTimer);
    let since = performance.now();
    for (;;) {
      const job = this.#owner === undefined && !this.#closing ? this.#jobs.shift() : undefined;
      const connection = job === undefined ? this.#next() : undefined;
      if (job !== undefined) await job();
      else if (connection !== undefined) await this.#turn(connection);
      else break;
      if (performance.now() - since < stretch) continue;
      await nextTurn();
      since = performance.now();
    }
    this.#busy = false;
    this.#watchOwner();
  }

  #next(): Connection | undefined {
    if (this.#closing) return undefined;
    if (this.#owner === undefined) {
      const first = this.#queue.shift();
      if (first !== undefined) first.queued = false;
      return first;
    }
    if (this.#owner.wishes.length === 0) return undefined;
    const place = this.#queue.indexOf(this.#owner);
    if (place >= 0) this.#queue.splice(place, 1);
    this.#owner.queued = false;
    return this.#owner;
  }

  async #turn(connection: Connection): Promise<void> {
    const wish = connection.wishes.shift();
    if (wish === undefined || connection.gone) return;
    const began = performance.now();
    await this.#grant(connection, wish);
    connection.lastActive = performance.now();
    this.#longestBatchMs = Math.max(this.#longestBatchMs, connection.lastActive - began);
    if (connection.wishes.length > 0 && !connection.queued) {
      connection.queued = true;
      this.#queue.push(connection);
    }
  }

  async #grant(connection: Connection, wish: Wish): Promise<void> {
    const inside = this.#owner === connection;
    switch (wish.kind) {
      case 'greet':
        if (!(await this.#session.greet(connection))) await this.#drop(connection);
        return;
      case 'refuse':
        this.#fail(connection, '08P01', wish.why);
        return this.#drop(connection);
      case 'cancelled':
        this.#own(
          connection,
          await this.#session.fail(connection, '57014', 'canceling statement due to user request', inside),
        );
        return;
      case 'cancel':
      case 'terminate':
        return this.#drop(connection);
      case 'query':
      case 'sync':
      case 'flush':
      case 'call':
        this.#own(connection, await this.#session.run(connection, wish, inside));
    }
  }

  #own(connection: Connection, amidst: boolean): void {
    this.#owner = amidst ? connection : undefined;
  }

  /** A running statement cannot be stopped, but one that waits for its turn can. */
  #cancel(process: number, secret: number): void {
    const target = [...this.#connections.values()].find(
      (one) => one.process === process && one.secret === secret,
    );
    const place = target?.wishes.findIndex(({ kind }) => kind === 'query' || kind === 'sync') ?? -1;
    if (place >= 0) target?.wishes.splice(place, 1, { kind: 'cancelled' });
  }

  #watchOwner(): void {
    const owner = this.#owner;
    if (owner === undefined || this.#closing || this.#busy) return;
    const waiting = this.#queue.length;
    const limit = Math.min(
      waiting > 0 ? this.idleTransactionMs : Infinity,
      owner.idleTransactionTimeout ?? Infinity,
    );
    if (limit === Infinity) return;
    const idle = performance.now() - owner.lastActive;
    if (idle >= limit) {
      this.#report(owner, idle, true);
      this.#fail(owner, '25P03', 'terminating connection due to idle-in-transaction timeout');
      this.end(owner.id);
      return;
    }
    const warns = waiting > 0 && this.#warned !== owner.lastActive;
    if (warns && idle >= limit / 2) {
      this.#warned = owner.lastActive;
      this.#report(owner, idle, false);
    }
    const next = warns && idle < limit / 2 ? limit / 2 : limit;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      // What has already arrived goes before the verdict.
      setImmediate(() => {
        this.#watchOwner();
      });
    }, next - idle);
  }

  #report(owner: Connection, idle: number, ended: boolean): void {
    const { applicationName, lastCommand } = owner;
    const waiting = this.#queue.length;
    this.outward.slowOwner({ applicationName, lastCommand, idleMs: Math.round(idle), waiting, ended });
  }

  async #drop(connection: Connection): Promise<void> {
    if (connection.gone) return;
    connection.gone = true;
    connection.wishes.length = 0;
    this.#connections.delete(connection.id);
    if (this.#owner === connection) {
      await this.#session.rollBack();
      this.#owner = undefined;
    }
    await this.#session.closeStatements(connection);
    this.outward.end(connection.id);
  }

  #fail(connection: Connection, code: string, text: string): void {
    this.#send(connection, errorResponse(code, text, { severity: 'FATAL' }));
  }

  #send(connection: Connection, bytes: Bytes): void {
    if (!connection.gone) this.outward.bytes(connection.id, bytes);
  }
}
