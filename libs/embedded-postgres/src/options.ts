export interface EmbeddedPostgresOptions {
  /**
   * Where everything of this engine lives, made with mode 0700 when missing: `cluster/` (the database) and `lock/`.
   * `memory://` keeps the database in memory instead, without a lock; it is lost with the worker.
   */
  readonly dataDir: string;
  /** How long a connection may sit idle inside a transaction while others wait, in ms. Default 2,000. */
  readonly idleTransactionMs?: number;
  /** How often the worker is asked whether it is alive, in ms. Default 5,000; 0 switches the watchdog off. */
  readonly pingEveryMs?: number;
  /**
   * How long the worker may leave a ping unanswered before it is ended, in ms. A statement holds the worker for as
   * long as it runs, so this is also the longest statement that is let live. Default 30,000.
   */
  readonly pingTimeoutMs?: number;
  /**
   * What a new data directory starts from: an archive made by `prepareArchive` or `EmbeddedPostgres.dump`, as
   * bytes or as a path. Default: the one that the build has left in dist, if it is there.
   */
  readonly archive?: Uint8Array | string;
}

/**
 * The connection's other end is gone, or was never there. `cause` says why the engine stopped; its `code` is 53100
 * where the disk was full.
 */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';

  constructor(
    /** As a TCP socket has it: cut while open, or not let in. */
    readonly code: 'ECONNRESET' | 'ECONNREFUSED',
    cause?: Error,
  ) {
    super(`the embedded database is not running${cause ? `: ${cause.message}` : ''}`, { cause });
  }
}
