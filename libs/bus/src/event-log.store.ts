import { brand, type Audience, type EventType, type LogEvent, type NewEvent, type WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { Alongside, Appended, ReaderScope } from './event-log.js';

/** What one look at the log found: everything in it was true at one moment. */
export interface LogPage {
  readonly events: readonly LogEvent[];
  /** The number of the last event of the workspace, whoever may see it. */
  readonly head: bigint;
  /** Events up to here have been let go. */
  readonly floor: bigint;
  /** Everything up to here that was asked for is in the page. There is more while it is less than the head. */
  readonly reached: bigint;
}

interface EventRow {
  sequence: bigint;
  id: string;
  type: EventType;
  account_id: string | null;
  person_id: string | null;
  subject: string;
  data: LogEvent['data'];
  at: Date;
}
type PageRow = { head: bigint; floor: bigint } & { [K in keyof EventRow]: EventRow[K] | null };

const columns = 'sequence, id, type, account_id, person_id, subject, data, at';

/** The only file that touches `log_head`, `event` and `log_consumer`. */
export const eventLogStore = {
  async createHead(sql: Sql, workspace: WorkspaceId): Promise<void> {
    await sql.query('INSERT INTO log_head (workspace_id) VALUES ($1)', [workspace]);
  },

  /** `undefined` where the workspace has no log. */
  async append(
    sql: Sql,
    workspace: WorkspaceId,
    events: readonly NewEvent[],
    alongside: Alongside | undefined,
  ): Promise<Appended | undefined> {
    const rows = events.map(({ id, type, audience, subject, data }, index) => ({
      ord: index + 1,
      id,
      type,
      account: audience.kind === 'account' ? audience.account : null,
      person: audience.kind === 'person' ? audience.person : null,
      subject,
      data,
    }));
    const [numbers] = await sql.query<Appended>(
      `WITH head AS (
         UPDATE log_head SET sequence = sequence + $3::bigint WHERE workspace_id = $1
         RETURNING sequence - $3::bigint AS base
       ), numbered AS MATERIALIZED (
         SELECT given.*, head.base + given.ord AS sequence
         FROM head, jsonb_to_recordset($2::jsonb)
           AS given(ord int, id uuid, type text, account uuid, person uuid, subject uuid, data jsonb)
       ), inserted AS (
         INSERT INTO event (workspace_id, sequence, id, type, account_id, person_id, subject, data)
         SELECT $1, sequence, id, type, account, person, subject, data FROM numbered ORDER BY ord
       )${alongside ? `, ${alongside.ctes(4)}` : ''}
       SELECT base + 1 AS first, base + $3::bigint AS last FROM head`,
      [workspace, JSON.stringify(rows), events.length, ...(alongside?.params ?? [])],
    );
    return numbers;
  },

  /** The further CTEs alone, for a transaction that has nothing to tell: no head is taken. */
  async alone(sql: Sql, alongside: Alongside): Promise<void> {
    await sql.query(
      `WITH numbered AS (
         SELECT null::int AS ord, null::uuid AS id, null::uuid AS subject, null::text AS type, null::bigint AS sequence
         WHERE false
       ), ${alongside.ctes(1)}
       SELECT 1`,
      alongside.params,
    );
  },

  async head(sql: Sql, workspace: WorkspaceId): Promise<{ sequence: bigint; floor: bigint } | undefined> {
    const [head] = await sql.query<{ sequence: bigint; floor: bigint }>(
      'SELECT sequence, floor FROM log_head WHERE workspace_id = $1',
      [workspace],
    );
    return head;
  },

  async heads(sql: Sql, workspaces: readonly WorkspaceId[]): Promise<Map<WorkspaceId, bigint>> {
    const rows = await sql.query<{ workspace_id: string; sequence: bigint }>(
      'SELECT workspace_id, sequence FROM log_head WHERE workspace_id = ANY($1::uuid[])',
      [workspaces],
    );
    return new Map(rows.map((row) => [brand<'WorkspaceId'>(row.workspace_id), row.sequence]));
  },

  /**
   * What one reader may see, looking at no more than `window` numbers: without statistics, as in a table that has just
   * grown, the planner prefers to fetch and sort everything there is. By audience first: a quiet account in a busy
   * workspace must not cost a walk of its log.
   */
  async page(
    sql: Sql,
    workspace: WorkspaceId,
    after: bigint,
    limit: number,
    window: number,
    who: ReaderScope,
  ): Promise<LogPage> {
    const rows = await sql.query<PageRow>(
      `SELECT log_head.sequence AS head, log_head.floor, page.*
       FROM log_head LEFT JOIN LATERAL (
         SELECT * FROM (
           SELECT own.* FROM unnest($5::uuid[]) AS account(id) CROSS JOIN LATERAL (
             SELECT ${columns} FROM event
             WHERE account_id = account.id AND workspace_id = $1 AND sequence > $2 AND sequence <= $2 + $3
             ORDER BY sequence LIMIT $4
           ) AS own
           UNION ALL (
             SELECT ${columns} FROM event
             WHERE person_id = $6 AND workspace_id = $1 AND sequence > $2 AND sequence <= $2 + $3
             ORDER BY sequence LIMIT $4
           )
         ) AS every ORDER BY sequence LIMIT $4
       ) AS page ON true
       WHERE log_head.workspace_id = $1
       ORDER BY page.sequence`,
      [workspace, after, window, limit, [...who.accounts], who.person],
    );
    return pageOf(rows, after + BigInt(window), limit);
  },

  /** Everything, for the one who hands it on. */
  async everything(sql: Sql, workspace: WorkspaceId, after: bigint, limit: number): Promise<LogPage> {
    const rows = await sql.query<PageRow>(
      `SELECT log_head.sequence AS head, log_head.floor, page.*
       FROM log_head LEFT JOIN LATERAL (
         SELECT ${columns} FROM event
         WHERE workspace_id = $1 AND sequence > $2 AND sequence <= $2 + $3
       ) AS page ON true
       WHERE log_head.workspace_id = $1
       ORDER BY page.sequence`,
      [workspace, after, limit],
    );
    return pageOf(rows, after + BigInt(limit));
  },

  /** Whether what the person may see has changed since. */
  async accessChanged(
    sql: Sql,
    workspace: WorkspaceId,
    after: bigint,
    person: ReaderScope['person'],
  ): Promise<boolean> {
    const rows = await sql.query(
      `SELECT 1 AS found FROM event
       WHERE workspace_id = $1 AND person_id = $3 AND sequence > $2 AND type = 'access.changed' LIMIT 1`,
      [workspace, after, person],
    );
    return rows.length > 0;
  },

  async workspaces(sql: Sql, after: string | undefined, limit: number): Promise<WorkspaceId[]> {
    const rows = await sql.query<{ workspace_id: string }>(
      `SELECT workspace_id FROM log_head WHERE $1::uuid IS NULL OR workspace_id > $1 ORDER BY workspace_id LIMIT $2`,
      [after ?? null, limit],
    );
    return rows.map((row) => brand<'WorkspaceId'>(row.workspace_id));
  },

  /**
   * Of the next events above the floor, the last that may go: older than that and before every event that stays.
   * `more` when the whole slice may go.
   */
  async outdated(
    sql: Sql,
    workspace: WorkspaceId,
    olderThan: Date,
    slice: number,
  ): Promise<{ upTo: bigint; more: boolean } | undefined> {
    const [found] = await sql.query<{ last: bigint | null; stays: bigint | null; count: bigint }>(
      `SELECT max(event.sequence) AS last, min(event.sequence) FILTER (WHERE event.at >= $2) AS stays, count(*) AS count
       FROM event JOIN log_head USING (workspace_id)
       WHERE event.workspace_id = $1 AND event.sequence > log_head.floor AND event.sequence <= log_head.floor + $3`,
      [workspace, olderThan, slice],
    );
    if (!found || found.last === null) return undefined;
    if (found.stays !== null) return { upTo: found.stays - 1n, more: false };
    return { upTo: found.last, more: found.count === BigInt(slice) };
  },

  /** Raises the floor as far as the durable readers allow; gives the floor as it is then. */
  async raiseFloor(sql: Sql, workspace: WorkspaceId, upTo: bigint): Promise<bigint | undefined> {
    const [head] = await sql.query<{ floor: bigint }>(
      `UPDATE log_head SET floor = greatest(floor, least($2,
         (SELECT min(sequence) FROM log_consumer WHERE workspace_id = $1)))
       WHERE workspace_id = $1 RETURNING floor`,
      [workspace, upTo],
    );
    return head?.floor;
  },

  /** Deletes a slice of what lies under the floor; gives how many there were. */
  async prune(sql: Sql, workspace: WorkspaceId, slice: number): Promise<number> {
    const [pruned] = await sql.query<{ count: bigint }>(
      `WITH slice AS (
         SELECT sequence FROM event
         WHERE workspace_id = $1 AND sequence <= (SELECT floor FROM log_head WHERE workspace_id = $1)
         ORDER BY sequence LIMIT $2
       ), pruned AS (
         DELETE FROM event USING slice
         WHERE event.workspace_id = $1 AND event.sequence = slice.sequence RETURNING 1
       )
       SELECT count(*) AS count FROM pruned`,
      [workspace, slice],
    );
    return Number(pruned?.count ?? 0n);
  },
};

function pageOf(rows: readonly PageRow[], end: bigint, limit = Infinity): LogPage {
  const events = rows.flatMap((row) => (row.sequence === null ? [] : [eventOf(row as EventRow)]));
  const head = rows[0]?.head ?? 0n;
  const last = events.length >= limit ? events.at(-1)?.sequence : undefined;
  return { events, head, floor: rows[0]?.floor ?? 0n, reached: last ?? (end < head ? end : head) };
}

function eventOf(row: EventRow): LogEvent {
  return {
    id: brand<'EventId'>(row.id),
    type: row.type,
    audience: audienceOf(row),
    subject: row.subject,
    data: row.data,
    sequence: row.sequence,
    at: row.at,
  };
}

function audienceOf({ account_id: account, person_id: person }: EventRow): Audience {
  return account === null
    ? { kind: 'person', person: brand<'PersonId'>(person ?? '') }
    : { kind: 'account', account: brand<'AccountId'>(account) };
}
