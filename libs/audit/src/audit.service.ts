import { Injectable } from '@nestjs/common';
import { newId, type PersonId, type WorkspaceId } from '#model';
import type { Sql } from '#platform';

/** What is written down. Past tense, named by the thing and the act. */
export const auditActions = [
  'workspace.created',
  'session.opened',
  'session.refused',
  'session.closed',
  'password.changed',
  'token.created',
  'token.revoked',
  'invitation.created',
  'invitation.accepted',
  'invitation.removed',
  'person.changed',
  'person.removed',
  'role.changed',
  'link.created',
  'link.changed',
  'link.removed',
  'account.created',
  'account.changed',
  'account.removed',
  'access.granted',
  'access.revoked',
  'private-target.allowed',
  'conversation.erased',
  'prices.changed',
  'caps.changed',
  'meter.changed',
  'ledger.entered',
  'opt-out.changed',
  'call.placed',
] as const;
export type AuditAction = (typeof auditActions)[number];

/** Ids, names of fields, roles and counts. Never a secret, a code, a hash or a message's text. */
export type AuditFacts = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface AuditEntry {
  readonly workspace: WorkspaceId;
  /** The person who acted; absent for Parley itself and for somebody who could not prove who they are. */
  readonly person?: PersonId | undefined;
  readonly action: AuditAction;
  /** The id of what was acted upon. */
  readonly subject?: string | undefined;
  readonly facts?: AuditFacts | undefined;
  /** Where the request came from, as the trusted proxies tell it. */
  readonly address?: string | undefined;
}

/** Who did what: append-only. */
@Injectable()
export class Audit {
  /**
   * Writes entries down in one statement, in the caller's transaction, so that an act and its record stand or fall
   * together. Takes no lock that another writer waits for.
   */
  async record(sql: Sql, ...entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const rows = entries.map((entry) => ({
      id: newId(),
      workspace_id: entry.workspace,
      person_id: entry.person ?? null,
      action: entry.action,
      subject: entry.subject ?? null,
      facts: entry.facts ?? {},
      address: entry.address ?? null,
    }));
    await sql.query(
      `INSERT INTO audit (id, workspace_id, person_id, action, subject, facts, address)
       SELECT id, workspace_id, person_id, action, subject, facts, address
       FROM jsonb_to_recordset($1::jsonb) AS entry
         (id uuid, workspace_id uuid, person_id uuid, action text, subject text, facts jsonb, address text)`,
      [JSON.stringify(rows)],
    );
  }
}
