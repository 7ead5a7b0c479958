import { Injectable } from '@nestjs/common';
import { newId } from '#model';
import { asJson, type Sql } from '#platform';
import type { KeyValueNote, Unit } from './inbound-units.js';

/** A connector's own notes, and what the tables refused. */
@Injectable()
export class SessionStore {
  /** Writes notes; a null value deletes one. Later notes of the same key stand over earlier ones. */
  async keepNotes(sql: Sql, notes: readonly KeyValueNote[]): Promise<void> {
    if (notes.length === 0) return;
    const latest = new Map(notes.map((note) => [`${note.account} ${note.key}`, note]));
    const kept = [...latest.values()].filter(({ value }) => value !== null);
    const gone = [...latest.values()].filter(({ value }) => value === null);
    if (kept.length > 0) {
      await sql.query(
        `INSERT INTO key_value (account_id, key, value)
         SELECT account, key, value FROM json_to_recordset($1::json) AS g(account uuid, key text, value jsonb)
         ORDER BY account, key
         ON CONFLICT (account_id, key) DO UPDATE SET value = excluded.value, changed_at = now()`,
        [asJson(kept)],
      );
    }
    if (gone.length > 0) {
      await sql.query(
        `DELETE FROM key_value k USING json_to_recordset($1::json) AS g(account uuid, key text)
         WHERE k.account_id = g.account AND k.key = g.key`,
        [asJson(gone)],
      );
    }
  }

  /** One note of a connector. */
  async note(sql: Sql, account: string, key: string): Promise<unknown> {
    const [row] = await sql.query<{ value: unknown }>(
      'SELECT value FROM key_value WHERE account_id = $1 AND key = $2',
      [account, key],
    );
    return row?.value;
  }

  /** Sets an event aside, raw, so that it can be replayed when the fault is mended. */
  async quarantine(sql: Sql, unit: Unit, code: string, detail: string): Promise<void> {
    if (!unit.event) return;
    await sql.query(
      `INSERT INTO quarantine (id, workspace_id, account_id, event, code, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
      [
        newId<'QuarantineId'>(),
        unit.taker.workspace,
        unit.event.account,
        Buffer.from(JSON.stringify(unit.event)),
        code,
        detail.slice(0, 500),
      ],
    );
  }
}
