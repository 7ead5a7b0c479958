import { Injectable } from '@nestjs/common';
import type { Alongside } from '#bus';
import type { EnvelopeId, MessageId, PersonId, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import type { EntryKind } from './meter.store.js';

export interface EntryRow {
  readonly sequence: bigint;
  readonly kind: EntryKind;
  readonly amount: bigint;
  readonly balance: bigint;
  readonly envelope_id: EnvelopeId | null;
  readonly message_id: MessageId | null;
  readonly person_id: PersonId | null;
  readonly note: string | null;
  readonly at: Date;
}

const READ =
  'SELECT sequence, kind, amount, balance, envelope_id, message_id, person_id, note, at FROM ledger WHERE workspace_id = $1';

/** Reads the ledger, and writes what stands alone: entries of sends go with their events. */
@Injectable()
export class LedgerStore {
  /** The latest first, from before a sequence on. */
  async page(
    sql: Sql,
    workspace: WorkspaceId,
    before: bigint | undefined,
    limit: number,
  ): Promise<EntryRow[]> {
    return await sql.query<EntryRow>(
      `${READ} AND sequence < coalesce($2::bigint, 9223372036854775807) ORDER BY sequence DESC LIMIT $3`,
      [workspace, before ?? null, limit],
    );
  }

  async bySequence(sql: Sql, workspace: WorkspaceId, sequence: bigint): Promise<EntryRow> {
    const [row] = await sql.query<EntryRow>(`${READ} AND sequence = $2`, [workspace, sequence]);
    if (!row) throw new Error('an entry that was just made is not there');
    return row;
  }

  /** What a client has entered under a name of its own. */
  async byKey(
    sql: Sql,
    workspace: WorkspaceId,
    principal: string,
    key: string,
  ): Promise<EntryRow | undefined> {
    const [row] = await sql.query<EntryRow>(`${READ} AND principal = $2 AND key = $3`, [
      workspace,
      principal,
      key,
    ]);
    return row;
  }

  /** Writes entries that no event tells of. */
  async write(sql: Sql, written: Alongside | undefined): Promise<void> {
    if (written) await sql.query(`WITH ${written.ctes(1)} SELECT 1`, written.params);
  }
}
