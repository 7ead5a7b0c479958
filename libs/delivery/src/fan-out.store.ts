import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import type { Job, SendMessagesBody } from '#api';
import type { FanOutId, WorkspaceId } from '#model';
import { asJson, type Sql } from '#platform';
import type { IdempotencyKey } from './idempotency.store.js';

export interface FanOutRow {
  readonly id: FanOutId;
  readonly request: {
    readonly caller: Omit<Principal, 'scopes'> & {
      readonly scopes: Principal['scopes'] extends ReadonlySet<infer S> ? S[] : never;
    };
    readonly body: SendMessagesBody;
  };
  readonly total: number;
  readonly done: number;
  readonly refused: Job['refused'];
}

const COLUMNS = 'id, request, total, done, refused';

@Injectable()
export class FanOutStore {
  /** Claims a key for a job; answers the job that has it. */
  async claim(
    sql: Sql,
    workspace: WorkspaceId,
    { principal, key, bodyHash }: IdempotencyKey,
    job: FanOutId,
  ): Promise<{ readonly job: FanOutId } | { readonly misused: true }> {
    await sql.query(
      `INSERT INTO idempotency (workspace_id, principal, key, body_hash, status, answer)
       VALUES ($1, $2, $3, decode($4, 'hex'), 202, $5::jsonb) ON CONFLICT DO NOTHING`,
      [workspace, principal, key, bodyHash, asJson({ job })],
    );
    const [row] = await sql.query<{ body_hash: string; job: FanOutId | null }>(
      `SELECT encode(body_hash, 'hex') AS body_hash, answer->>'job' AS job FROM idempotency
       WHERE workspace_id = $1 AND principal = $2 AND key = $3`,
      [workspace, principal, key],
    );
    return row?.job && row.body_hash === bodyHash ? { job: row.job } : { misused: true };
  }

  async insert(
    sql: Sql,
    {
      id,
      caller,
      body,
    }: { readonly id: FanOutId; readonly caller: Principal; readonly body: SendMessagesBody },
  ): Promise<void> {
    await sql.query(
      `INSERT INTO fan_out (id, workspace_id, person_id, request, total, due_at) VALUES ($1, $2, $3, $4::jsonb, $5, now())`,
      [
        id,
        caller.workspace,
        caller.person,
        asJson({ caller: { ...caller, scopes: [...caller.scopes] }, body }),
        body.to.length,
      ],
    );
  }

  /** The next job with recipients left. */
  async next(sql: Sql): Promise<FanOutRow | undefined> {
    const [row] = await sql.query<FanOutRow>(
      `SELECT ${COLUMNS} FROM fan_out WHERE due_at <= now() ORDER BY due_at, id LIMIT 1`,
    );
    return row;
  }

  async byIds(sql: Sql, ids: readonly string[]): Promise<FanOutRow[]> {
    return await sql.query<FanOutRow>(`SELECT ${COLUMNS} FROM fan_out WHERE id = ANY($1::uuid[])`, [ids]);
  }

  /** Notes a slice as done; a slice that somebody else has noted changes nothing. The last one takes the job off, and with it what was said. */
  async advance(sql: Sql, row: FanOutRow, count: number, refused: Job['refused']): Promise<void> {
    await sql.query(
      `UPDATE fan_out SET done = done + $3, refused = refused || $4::jsonb,
         due_at = CASE WHEN done + $3 >= total THEN NULL ELSE due_at END,
         request = CASE WHEN done + $3 >= total THEN '{}'::jsonb ELSE request END
       WHERE id = $1 AND done = $2`,
      [row.id, row.done, count, asJson(refused)],
    );
  }
}
