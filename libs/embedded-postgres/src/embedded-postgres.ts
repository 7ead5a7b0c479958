import { EventEmitter } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type pg from 'pg';
import { EngineUnavailable, type EmbeddedPostgresOptions } from './options.js';
import { lockDirectory, type DirectoryLock } from './lock.js';
import type { SlowOwner, ToWorker, WorkerOptions, WorkerStats } from './messages.js';
import { VirtualSocket, type SocketHost } from './virtual-socket.js';
import { watch } from './watchdog.js';
import { builtArchive, WorkerLink, type Told } from './worker-link.js';

export interface EngineStats extends WorkerStats {
  /** How often the worker has been started again after a crash. */
  readonly restarts: number;
}

interface Events {
  /** The worker is gone, or could not be started again; the engine tries once more by itself. */
  crash: [error: Error];
  restarted: [];
  /** Somebody idles in a transaction while others wait: once as a warning, once when the connection is ended. */
  'slow-owner': [owner: SlowOwner];
}

type State =
  | { readonly kind: 'starting'; readonly link: WorkerLink; readonly unsent: ToWorker[] }
  | { readonly kind: 'running'; readonly link: WorkerLink }
  | { readonly kind: 'down'; readonly why: Error };

/** A worker that has run for so long has not failed by itself, and is started again at once, in ms. */
const goodWhileMs = 10_000;
/** How long to wait where starting again did not help, in ms: doubled each time, up to the second. */
const firstRetryMs = 500;
const lastRetryMs = 30_000;

/**
 * PostgreSQL inside this process: PGlite in a worker thread, spoken to in PostgreSQL's own protocol through virtual
 * sockets, so that node-postgres and all that is built on it cannot tell the difference.
 *
 * It survives the death of the process at any moment. It does not survive the loss of power: nothing is synced to
 * disk. A running statement cannot be cancelled; only {@link terminate} ends it, with everybody's connection.
 */
export class EmbeddedPostgres extends EventEmitter<Events> implements AsyncDisposable {
  readonly #options: EmbeddedPostgresOptions;
  readonly #workerOptions: WorkerOptions;
  readonly #lock: DirectoryLock | undefined;
  readonly #sockets = new Map<number, VirtualSocket>();
  /** What keeps the process running: connections by number, and work of our own. */
  readonly #holders = new Set<number | symbol>();
  #state: State;
  #opened = false;
  #closing: Promise<void> | undefined;
  #connections = 0;
  #restarts = 0;
  /** Ends of the worker in a row, without a good while between them. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  /** How many ask the watchdog to look away. */
  #patience = 0;
  /** Whether the worker is busy with something of its own that may take long. */
  #longWork = false;

  private constructor(options: EmbeddedPostgresOptions, lock: DirectoryLock | undefined) {
    super();
    const archive = options.archive ?? builtArchive();
    this.#options = options;
    this.#lock = lock;
    this.#workerOptions = {
      dataDir: lock === undefined ? options.dataDir : resolve(options.dataDir),
      idleTransactionMs: options.idleTransactionMs ?? 2_000,
      ...(archive === undefined ? {} : { archive }),
    };
    this.#state = this.#boot();
  }

  /** Opens the database, making it first where there is none. Throws `DataDirectoryLocked`. */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    let lock: DirectoryLock | undefined;
    if (!options.dataDir.startsWith('memory://')) {
      await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
      lock = await lockDirectory(options.dataDir);
    }
    const engine = new EmbeddedPostgres(options, lock);
    try {
      if (engine.#state.kind === 'starting') await engine.#state.link.ready;
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** What `pg.Pool`, `pg.Client` or `PrismaPg` need to connect here; `extra` wins. */
  poolConfig(extra: pg.PoolConfig = {}): pg.PoolConfig {
    const stream = (): VirtualSocket => new VirtualSocket(this.#host);
    return {
      host: 'embedded',
      port: 5432,
      user: 'postgres',
      database: 'postgres',
      ssl: false,
      stream,
      ...extra,
    };
  }

  /** Answered between statements, so perhaps late. Throws {@link EngineUnavailable} while the worker is down. */
  async stats(): Promise<EngineStats> {
    const link = this.#running();
    return { ...(await this.#hold(link.ask('stats'))), restarts: this.#restarts };
  }

  /**
   * A copy of the whole database as it stands, as an archive to start another data directory from. Everybody waits
   * meanwhile. Throws {@link EngineUnavailable} while the worker is down.
   */
  async dump(): Promise<Uint8Array> {
    const link = this.#running();
    const patience = this.allowLongStatements();
    try {
      return await this.#hold(link.ask('dump'));
    } finally {
      patience[Symbol.dispose]();
    }
  }

  /** Holds the watchdog off until disposed: for migrations, whose statements may be long. */
  allowLongStatements(): Disposable {
    this.#patience++;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#patience--;
        held = false;
      },
    };
  }

  /** Ends whatever runs, the hard way: the worker dies, connections get ECONNRESET, the engine recovers and goes on. */
  async terminate(): Promise<void> {
    const state = this.#state;
    this.#failures = 0; // it is not the engine's fault
    if (state.kind === 'running' || state.kind === 'starting')
      await state.link.terminate(new Error('the worker was ended on request'));
  }

  /** Lets the running statement finish, ends every connection (57P01), closes the database, releases the directory. */
  close(): Promise<void> {
    this.#closing ??= this.#hold(this.#close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearTimeout(this.#retry);
    const state = this.#state;
    if (state.kind === 'running' || state.kind === 'starting') {
      await state.link.ready.then(() => state.link.ask('close')).catch(() => undefined); // or it ended by itself
      await state.link.terminate(new Error('the engine is closed'));
    }
    this.#state = { kind: 'down', why: new Error('the engine is closed') };
    await this.#lock?.release();
  }

  /** Starts the worker. What connections say before it is ready waits for it. */
  #boot(): State {
    const link = new WorkerLink(this.#workerOptions, (told) => {
      this.#hear(told);
    });
    const { pingEveryMs = 5_000, pingTimeoutMs = 30_000 } = this.#options;
    let readyAt = Infinity;
    let unwatch = (): void => undefined;
    link.ready.then(
      () => {
        readyAt = performance.now();
        this.#ready(link);
        const held = (): boolean => this.#patience > 0 || this.#longWork;
        unwatch = watch(link, { everyMs: pingEveryMs, timeoutMs: pingTimeoutMs, held });
      },
      () => undefined, // `ended` tells
    );
    void link.ended.then((why) => {
      unwatch();
      this.#ended(why, performance.now() - readyAt);
    });
    return { kind: 'starting', link, unsent: [] };
  }

  #ready(link: WorkerLink): void {
    if (this.#state.kind !== 'starting') return;
    for (const message of this.#state.unsent) link.post(message);
    this.#state = { kind: 'running', link };
    link.hold(this.#holders.size > 0);
    if (this.#opened) {
      this.#restarts++;
      this.emit('restarted');
    }
    this.#opened = true;
  }

  #hear(told: Told): void {
    switch (told.kind) {
      case 'bytes':
        this.#sockets.get(told.id)?.receive(told.bytes);
        return;
      case 'end':
        this.#sockets.get(told.id)?.finish();
        return;
      case 'slow-owner':
        this.emit('slow-owner', told.owner);
        return;
      case 'long-work':
        this.#longWork = told.on;
    }
  }

  /** @param livedMs for how long it has run; negative where it never did. */
  #ended(why: Error, livedMs: number): void {
    const code = livedMs > 0 ? 'ECONNRESET' : 'ECONNREFUSED';
    this.#state = { kind: 'down', why };
    this.#longWork = false;
    for (const socket of [...this.#sockets.values()]) socket.destroy(new EngineUnavailable(code, why));
    if (this.#closing !== undefined || !this.#opened) return;
    this.#failures = livedMs > goodWhileMs ? 1 : this.#failures + 1;
    if (this.#failures === 1) this.#state = this.#boot();
    else {
      const delay = Math.min(lastRetryMs, firstRetryMs * 2 ** (this.#failures - 2));
      this.#retry = setTimeout(() => {
        this.#state = this.#boot();
      }, delay);
      this.#retry.unref();
    }
    this.emit('crash', why);
  }

  #running(): WorkerLink {
    if (this.#state.kind === 'running') return this.#state.link;
    throw new EngineUnavailable('ECONNREFUSED', this.#state.kind === 'down' ? this.#state.why : undefined);
  }

  readonly #host: SocketHost = {
    open: (socket) => {
      const id = ++this.#connections;
      if (this.#state.kind === 'down') {
        const error = new EngineUnavailable('ECONNREFUSED', this.#state.why);
        process.nextTick(() => socket.destroy(error));
        return id;
      }
      this.#sockets.set(id, socket);
      this.#send({ kind: 'open', id });
      return id;
    },
    send: (id, bytes) => {
      if (this.#sockets.has(id)) this.#send({ kind: 'bytes', id, bytes: new Uint8Array(bytes) });
    },
    end: (id) => {
      if (this.#sockets.has(id)) this.#send({ kind: 'end', id });
    },
    forget: (id) => {
      this.#holdBy(id, false);
      this.#sockets.delete(id);
    },
    hold: (id, held) => {
      if (this.#sockets.has(id)) this.#holdBy(id, held);
    },
  };

  #send(message: ToWorker): void {
    switch (this.#state.kind) {
      case 'starting':
        this.#state.unsent.push(message);
        return;
      case 'running':
        this.#state.link.post(message);
        return;
      case 'down':
    }
  }

  /** Keeps the process running while something of our own is awaited. */
  async #hold<T>(work: Promise<T>): Promise<T> {
    const holder = Symbol();
    this.#holdBy(holder, true);
    try {
      return await work;
    } finally {
      this.#holdBy(holder, false);
    }
  }

  #holdBy(holder: number | symbol, held: boolean): void {
    const before = this.#holders.size > 0;
    if (held) this.#holders.add(holder);
    else this.#holders.delete(holder);
    const after = this.#holders.size > 0;
    if (before !== after && this.#state.kind === 'running') this.#state.link.hold(after);
  }
}
