import { Injectable } from '@nestjs/common';
import type { Alongside } from '#bus';
import type { WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { ChangedRow } from './envelope.store.js';

const MOST = 500;
const COLUMNS = 'e.id, e.account_id, e.conversation_id, e.message_id, e.state';

/** The statements of the sweeps over `due_at` and `expires_at`. */
@Injectable()
export class SweepStore {
  /** Workspaces in which something has become due or has expired. */
  async workspacesDue(sql: Sql, what: 'scheduled' | 'expired'): Promise<WorkspaceId[]> {
    const rows = await sql.query<{ workspace_id: WorkspaceId }>(
      what === 'scheduled'
        ? `SELECT DISTINCT workspace_id FROM envelope
           WHERE state = 'waiting' AND waits_for = 'schedule' AND due_at <= now()`
        : `SELECT DISTINCT workspace_id FROM envelope WHERE state IN ('accepted', 'waiting') AND expires_at <= now()`,
    );
    return rows.map((row) => row.workspace_id);
  }

  /** When the next scheduled envelope will be due. */
  async nextScheduled(sql: Sql): Promise<Date | undefined> {
    const [row] = await sql.query<{ at: Date | null }>(
      `SELECT min(due_at) AS at FROM envelope WHERE state = 'waiting' AND waits_for = 'schedule'`,
    );
    return row?.at ?? undefined;
  }

  /** Scheduled envelopes whose time has come wait for a session from now on; their place is given by `takePlaces`. */
  async scheduleDue(sql: Sql, workspace: WorkspaceId): Promise<ChangedRow[]> {
    const rows = await sql.query<ChangedRow & { due_at: Date }>(
      `UPDATE envelope e SET waits_for = 'session', detail = NULL, version = e.version + 1, changed_at = now()
       WHERE e.id IN (SELECT id FROM envelope WHERE workspace_id = $1 AND state = 'waiting' AND waits_for = 'schedule'
         AND due_at <= now() ORDER BY due_at, id LIMIT ${String(MOST)} FOR UPDATE SKIP LOCKED)
       RETURNING ${COLUMNS}, e.due_at`,
      [workspace],
    );
    return rows.sort((a, b) => a.due_at.getTime() - b.due_at.getTime());
  }

  /** An envelope's place in its lane is the number of the event that says it is due. */
  takePlaces(): Alongside {
    return {
      params: [],
      ctes: () => `placed AS (
          UPDATE envelope e SET lane_order = n.sequence FROM numbered n
          WHERE e.id = n.subject AND n.type = 'envelope.changed' AND e.lane_order IS NULL
        )`,
    };
  }

  /** What has waited past its deadline expires. */
  async expire(sql: Sql, workspace: WorkspaceId): Promise<ChangedRow[]> {
    return await sql.query<ChangedRow>(
      `UPDATE envelope e SET state = 'expired', waits_for = NULL, code = 'timeout', remedy = 'ask-person',
         detail = 'It waited past its deadline.', version = e.version + 1, changed_at = now()
       WHERE e.id IN (SELECT id FROM envelope WHERE workspace_id = $1 AND state IN ('accepted', 'waiting')
         AND expires_at <= now() ORDER BY id LIMIT ${String(MOST)} FOR UPDATE SKIP LOCKED)
       RETURNING ${COLUMNS}, e.charge IS NOT NULL AS recount`,
      [workspace],
    );
  }
}
