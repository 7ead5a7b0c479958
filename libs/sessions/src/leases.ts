/*
 * Who runs which link (DESIGN.md §10). A worker is a row with an expiry that it renews; a lease names the worker that
 * holds a link and changes only when the holder does, with a new epoch. Every write of a holder locks its lease row FOR
 * SHARE and checks the epoch, so a worker that was thought dead and comes back writes nothing.
 *
 * A worker reckons its own deadline on its monotonic clock from *before* a renewal was asked for. Past it, it must take
 * itself for dead: it writes and acknowledges nothing until a renewal succeeds, and goes on only with the links whose
 * epoch still stands. Why 10 s and 3 s: a renewal may fail twice without harm, and the accounts of a dead worker move
 * within ten seconds.
 */
import { hostname } from 'node:os';
import { Injectable } from '@nestjs/common';
import { Fence, type Claim } from '#delivery';
import { newId, type AccountId, type LinkId, type WorkerId } from '#model';
import { Clock, Database, logger, type Sql } from '#platform';
import { LeaseStore, type Held } from './lease.store.js';

export const EXPIRY_MS = 10_000;
export const RENEW_MS = 3_000;

const log = logger('sessions');

/** This process's right to run links. */
@Injectable()
export class Leases extends Fence {
  readonly worker: WorkerId = newId<'WorkerId'>();
  private deadline = 0;

  constructor(
    private readonly database: Database,
    private readonly store: LeaseStore,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** Whether this worker may still take itself for alive. */
  get alive(): boolean {
    return this.clock.monotonic() < this.deadline;
  }

  /** Enters the worker. On the embedded engine the lock of the data directory has voided every older lease. */
  async begin(): Promise<void> {
    if (this.database.engine === 'embedded') await this.store.voidAll(this.database);
    await this.renew();
    await this.store.bury(this.database);
  }

  /** Puts off this worker's expiry. */
  async renew(sql: Sql = this.database): Promise<void> {
    const from = this.clock.monotonic();
    await this.store.renew(sql, this.worker, `${hostname()} ${String(process.pid)}`, EXPIRY_MS);
    this.deadline = from + EXPIRY_MS;
  }

  /**
   * Takes free links up to a fair share, which is `wanted` over the workers that live, rounded up.
   * @param links those that do not run here
   * @param held how many run here
   */
  async take(links: readonly LinkId[], held: number, wanted: number): Promise<Held[]> {
    if (links.length === 0) return [];
    const share = Math.ceil(wanted / (await this.store.living(this.database)));
    const taken = await this.database.transaction((sql) =>
      this.store.take(sql, this.worker, links, Math.max(0, share - held)),
    );
    if (taken.length > 0) log.info({ taken: taken.length, held, wanted }, 'took links');
    return taken;
  }

  async release(links: readonly LinkId[]): Promise<void> {
    if (links.length > 0) await this.store.release(this.database, this.worker, links);
  }

  async end(): Promise<void> {
    this.deadline = 0;
    await this.store.leave(this.database, this.worker);
  }

  override async hold(sql: Sql, claims: readonly Claim[]): Promise<ReadonlySet<LinkId>> {
    await this.proveAlive(sql);
    return await this.store.hold(sql, this.worker, claims);
  }

  /** The same for taking in, with the accounts that are still there. */
  async holdAccounts(
    sql: Sql,
    claims: readonly Held[],
    accounts: readonly AccountId[],
  ): Promise<{ held: ReadonlySet<LinkId>; accounts: ReadonlySet<AccountId> }> {
    await this.proveAlive(sql);
    return await this.store.holdAccounts(sql, this.worker, claims, accounts);
  }

  /** A worker past its deadline renews before it writes; whether its epochs still stand is then asked of the rows. */
  private async proveAlive(sql: Sql): Promise<void> {
    if (!this.alive) await this.renew(sql);
  }
}
