import { Injectable } from '@nestjs/common';
import type { AccountId, LinkId, WorkerId } from '#model';
import { asJson, type Sql } from '#platform';

/** A link and the epoch under which it is held. */
export interface Held {
  readonly link: LinkId;
  readonly epoch: bigint;
}

/** Workers and leases. All times are the database's own: workers need not agree on a clock. */
@Injectable()
export class LeaseStore {
  /** Enters a worker, or puts off its expiry. */
  async renew(sql: Sql, worker: WorkerId, name: string, forMs: number): Promise<void> {
    await sql.query(
      `INSERT INTO worker (id, name, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
       ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`,
      [worker, name, forMs / 1_000],
    );
  }

  /** How many workers live, this one included. */
  async living(sql: Sql): Promise<number> {
    const [row] = await sql.query<{ count: bigint }>('SELECT count(*) FROM worker WHERE expires_at > now()');
    return Math.max(1, Number(row?.count ?? 1n));
  }

  /** Takes links that nobody else alive holds, at most `most`, each under a new epoch. */
  async take(sql: Sql, worker: WorkerId, links: readonly LinkId[], most: number): Promise<Held[]> {
    if (most <= 0 || links.length === 0) return [];
    return await sql.query<Held>(
      `WITH free AS (
         SELECT l.id FROM link l LEFT JOIN lease e ON e.link_id = l.id LEFT JOIN worker w ON w.id = e.worker_id
         WHERE l.id = ANY($2::uuid[]) AND (w.id IS NULL OR w.id = $1 OR w.expires_at <= now())
         ORDER BY l.id LIMIT $3
       )
       INSERT INTO lease AS e (link_id, worker_id, epoch) SELECT id, $1, 1 FROM free
       ON CONFLICT (link_id) DO UPDATE SET worker_id = excluded.worker_id, epoch = e.epoch + 1
         WHERE e.worker_id = $1
           OR NOT EXISTS (SELECT 1 FROM worker w WHERE w.id = e.worker_id AND w.expires_at > now())
       RETURNING link_id AS link, epoch`,
      [worker, links, most],
    );
  }

  /** Lets links go, in an orderly way: whoever takes them next need not wait. */
  async release(sql: Sql, worker: WorkerId, links: readonly LinkId[]): Promise<void> {
    await sql.query('UPDATE lease SET worker_id = NULL WHERE worker_id = $1 AND link_id = ANY($2::uuid[])', [
      worker,
      links,
    ]);
  }

  /** Takes a worker off the books. */
  async leave(sql: Sql, worker: WorkerId): Promise<void> {
    await sql.query('UPDATE lease SET worker_id = NULL WHERE worker_id = $1', [worker]);
    await sql.query('DELETE FROM worker WHERE id = $1', [worker]);
  }

  /** Whoever holds the data directory is alone: all older leases are void. For the embedded engine only. */
  async voidAll(sql: Sql): Promise<void> {
    await sql.query('UPDATE lease SET worker_id = NULL WHERE worker_id IS NOT NULL');
    await sql.query('DELETE FROM worker');
  }

  /** Forgets workers that have been dead for a day. */
  async bury(sql: Sql): Promise<void> {
    await sql.query(
      `DELETE FROM worker w WHERE w.expires_at < now() - interval '1 day'
       AND NOT EXISTS (SELECT 1 FROM lease e WHERE e.worker_id = w.id)`,
    );
  }

  /** Locks the lease rows that are truly held, in the order of their links, until the transaction ends. */
  async hold(sql: Sql, worker: WorkerId, claims: readonly Held[]): Promise<Set<LinkId>> {
    if (claims.length === 0) return new Set();
    const rows = await sql.query<{ link_id: LinkId }>(
      `SELECT e.link_id FROM lease e
       JOIN json_to_recordset($2::json) AS c(link uuid, epoch bigint) ON c.link = e.link_id AND c.epoch = e.epoch
       WHERE e.worker_id = $1 ORDER BY e.link_id FOR SHARE OF e`,
      [worker, asJson(claims.map(({ link, epoch }) => ({ link, epoch })))],
    );
    return new Set(rows.map((row) => row.link_id));
  }

  /**
   * The same for taking in: locks the leases and answers which of these accounts are still there and ours. An account may
   * have been removed while its session lived.
   */
  async holdAccounts(
    sql: Sql,
    worker: WorkerId,
    claims: readonly Held[],
    accounts: readonly AccountId[],
  ): Promise<{ held: Set<LinkId>; accounts: Set<AccountId> }> {
    const rows = await sql.query<{ link_id: LinkId; account_id: AccountId | null }>(
      `SELECT e.link_id, a.id AS account_id FROM lease e
       JOIN json_to_recordset($2::json) AS c(link uuid, epoch bigint) ON c.link = e.link_id AND c.epoch = e.epoch
       LEFT JOIN account a ON a.link_id = e.link_id AND a.id = ANY($3::uuid[])
       WHERE e.worker_id = $1 ORDER BY e.link_id FOR SHARE OF e`,
      [worker, asJson(claims.map(({ link, epoch }) => ({ link, epoch }))), accounts],
    );
    return {
      held: new Set(rows.map((row) => row.link_id)),
      accounts: new Set(rows.flatMap((row) => row.account_id ?? [])),
    };
  }
}
