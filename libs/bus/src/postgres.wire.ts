import { logger, type Clock, type Database } from '#platform';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { Parcels, toFrames, type Carried } from './postgres-frames.js';
import { Listeners, longestText, Wire } from './wire.js';

const log = logger('bus');

/**
 * One PostgreSQL channel for everything: each process hears all and drops what it does not listen to. A LISTEN per
 * channel of ours would cost a round trip each and a list that the server walks for every notification.
 */
const channel = 'parley';
const reconnectMs = { first: 100, most: 5_000 };
/** A connection that was cut without a word (a firewall, a failover) is found by asking. */
const probe = { everyMs: 10_000, patienceMs: 5_000 };
/** Per parcel, and waiting: beyond it the oldest are lost. */
const limits = { parcel: 256 * 1024, waiting: 4 * 1024 * 1024 };

interface Waiting extends Carried {
  readonly sent: (receivers: number | undefined) => void;
}

/** LISTEN and NOTIFY, for several processes on PostgreSQL alone. One connection, which mends itself. */
export class PostgresWire extends Wire {
  readonly #self = randomUUID();
  readonly #listeners = new Listeners();
  readonly #parcels = new Parcels(this.#self);
  readonly #pool: pg.Pool;
  #client: pg.PoolClient | undefined;
  #waiting: Waiting[] = [];
  #waitingSize = 0;
  readonly #hints = new Set<string>();
  #number = 0;
  #flushing = false;
  #failures = 0;
  #everConnected = false;
  #closed = false;
  #cancelTimer: (() => void) | undefined;

  constructor(
    database: Database,
    private readonly clock: Clock,
  ) {
    super();
    this.#pool = database.pool({
      max: 1,
      application_name: 'parley signals',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    });
    void this.#connect();
  }

  override send(to: string, text: string): Promise<number | undefined> {
    if (!this.#client || this.#closed || text.length > longestText) return Promise.resolve(0);
    if (text === '') {
      // A bare hint that still waits says no more twice than once.
      if (this.#hints.has(to)) return Promise.resolve(undefined);
      this.#hints.add(to);
    }
    return new Promise((sent) => {
      this.#waiting.push({ channel: to, text, sent });
      this.#waitingSize += to.length + text.length;
      while (this.#waitingSize > limits.waiting) this.#drop();
      if (!this.#flushing) {
        this.#flushing = true;
        // What is said in the same turn travels together.
        setImmediate(() => void this.#flush());
      }
    });
  }

  override listen(to: string, receive: (text: string) => void, mended: () => void): () => void {
    return this.#listeners.add(to, receive, mended);
  }

  override async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#release(this.#client);
    await this.#pool.end();
  }

  async #connect(): Promise<void> {
    try {
      const client = await this.#pool.connect();
      if (this.#closed) {
        client.release(true);
        return;
      }
      const broken = (err?: Error): void => {
        this.#broken(client, err);
      };
      client.on('error', broken).on('end', broken);
      client.on('notification', ({ payload }) => {
        for (const { channel: to, text } of this.#parcels.take(payload ?? '')) this.#listeners.hand(to, text);
      });
      this.#client = client;
      await client.query(`LISTEN ${channel}`);
      if (this.#client !== client) return;
      this.#failures = 0;
      if (this.#everConnected) log.info({}, 'signals are back');
      this.#everConnected = true;
      this.#listeners.mended();
      this.#probeLater(client);
    } catch (err) {
      this.#broken(this.#client, err as Error);
    }
  }

  #broken(client: pg.PoolClient | undefined, err?: Error): void {
    if (client !== this.#client) return;
    this.#release(client);
    if (this.#closed) return;
    if (this.#failures++ === 0) log.warn({ err }, 'signals are cut off, the tables are polled');
    const wait = Math.min(reconnectMs.most, reconnectMs.first * 2 ** Math.min(this.#failures, 10));
    this.#cancelTimer?.();
    this.#cancelTimer = this.clock.after(wait, () => void this.#connect());
  }

  #release(client: pg.PoolClient | undefined): void {
    this.#client = undefined;
    while (this.#waiting.length > 0) this.#drop();
    // Never back into the pool: it listens, or it is broken.
    client?.release(true);
  }

  #probeLater(client: pg.PoolClient): void {
    this.#cancelTimer = this.clock.after(probe.everyMs, () => {
      const give = this.clock.after(probe.patienceMs, () => {
        this.#broken(client, new Error('no answer'));
      });
      client.query('SELECT 1').then(
        () => {
          give();
          if (this.#client === client) this.#probeLater(client);
        },
        (err: unknown) => {
          give();
          this.#broken(client, err as Error);
        },
      );
    });
  }

  #drop(): void {
    for (const { sent } of this.#take(1)) sent(0);
  }

  #take(count: number): Waiting[] {
    const taken = this.#waiting.splice(0, count);
    for (const { channel: to, text } of taken) {
      this.#waitingSize -= to.length + text.length;
      if (text === '') this.#hints.delete(to);
    }
    return taken;
  }

  /** One statement at a time; what comes meanwhile goes with the next. */
  async #flush(): Promise<void> {
    for (let client = this.#client; client && this.#waiting.length > 0; client = this.#client) {
      const parcel = this.#takeParcel();
      try {
        await client.query('SELECT pg_notify($1, frame) FROM unnest($2::text[]) AS frame', [
          channel,
          toFrames(this.#self, ++this.#number, parcel),
        ]);
      } catch (err) {
        log.debug({ err, lost: parcel.length }, 'signals were lost');
      }
      // Nobody tells who heard it; and what failed on its way may have arrived.
      for (const { sent } of parcel) sent(undefined);
    }
    this.#flushing = false;
  }

  #takeParcel(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const { channel: to, text } of this.#waiting) {
      size += to.length + text.length;
      if (count > 0 && size > limits.parcel) break;
      count++;
    }
    return this.#take(count);
  }
}
