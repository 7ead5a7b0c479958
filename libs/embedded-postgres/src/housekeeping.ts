import { clearTimeout, setTimeout } from 'node:timers';
import type { Broker } from './broker.js';
import type { Engine } from './engine.js';
import { checkpointAfterMegabytes } from './parameters.js';

/** How often it looks, in ms. It looks only when something has run since. */
const every = 1_000;
/** Maintenance waits for a second without a batch, but not for longer than this, in ms. */
const patience = 120_000;

const sinceCheckpoint = 'SELECT pg_current_wal_insert_lsn() - redo_lsn FROM pg_control_checkpoint()';

/*
 * The rule of PostgreSQL's own autovacuum with its default thresholds ("The Autovacuum Daemon", 24.1.6), worst first.
 * A table is frozen at half the age that the daemon allows, so that transaction ids never run out.
 */
const mostDue = `
  SELECT name, dead, old FROM (
    SELECT format('%I.%I', schemaname, s.relname) AS name,
      n_dead_tup > 50 + 0.2 * greatest(reltuples, 0) OR n_ins_since_vacuum > 1000 + 0.2 * greatest(reltuples, 0) AS dead,
      age(relfrozenxid) > 100000000 AS old,
      n_mod_since_analyze > 50 + 0.1 * greatest(reltuples, 0) AS changed,
      n_dead_tup + n_ins_since_vacuum + n_mod_since_analyze AS work
    FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE relkind IN ('r', 'm') AND relpersistence <> 't') t
  WHERE dead OR old OR changed ORDER BY old DESC, work DESC LIMIT 8`;

/**
 * What a server's checkpointer and autovacuum daemon do, which this engine runs without: bounds the write-ahead log
 * (and with it the time of a recovery), removes dead rows, keeps the planner's statistics true and transaction ids
 * from running out. One statement at a time, between batches, and where it can wait in a quiet second.
 */
export class Housekeeping {
  checkpoints = 0;
  vacuums = 0;
  #seen = 0;
  #dirty = true;
  #dueSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Tables that could not be cleaned: left alone until the next start. */
  readonly #failed = new Set<string>();

  constructor(
    private readonly engine: Engine,
    private readonly broker: Broker,
    /** Told before and after what may take long: the watchdog must not end it, or it would be tried for ever. */
    private readonly longWork: (on: boolean) => void,
    /** When it cannot go on, the engine cannot either. */
    private readonly died: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer = setTimeout(() => {
      this.broker
        .exclusively(() => this.#look())
        .then(() => {
          this.start();
        }, this.died);
    }, every);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { batches } = this.broker.stats;
    const quiet = batches === this.#seen;
    this.#seen = batches;
    this.#dirty ||= !quiet;
    if (!quiet) await this.#checkpoint();
    if (!this.#dirty) return;
    if (quiet) {
      await this.#clean();
      return;
    }
    this.#dueSince ??= performance.now();
    if (performance.now() - this.#dueSince > patience) await this.#clean();
  }

  async #checkpoint(): Promise<void> {
    const [row] = (await this.engine.ask(sinceCheckpoint)).rows;
    if (Number(row?.[0]) < checkpointAfterMegabytes * 2 ** 20) return;
    await this.engine.ask('CHECKPOINT');
    this.checkpoints++;
  }

  /** Cleans the one table that needs it most, and comes back for the next. */
  async #clean(): Promise<void> {
    const { rows } = await this.engine.ask(mostDue);
    const due = rows.find(([name]) => name !== null && name !== undefined && !this.#failed.has(name));
    if (due === undefined) {
      this.#dirty = false;
      this.#dueSince = undefined;
      return;
    }
    const [name, dead, old] = due;
    const command = old === 't' ? 'VACUUM (FREEZE, ANALYZE)' : dead === 't' ? 'VACUUM (ANALYZE)' : 'ANALYZE';
    this.longWork(true);
    const { reply } = await this.engine.ask(`${command} ${name ?? ''}`);
    this.longWork(false);
    if (reply.error !== undefined) this.#failed.add(name ?? '');
    this.vacuums++;
  }
}
