import { Injectable } from '@nestjs/common';
import { presences } from '#model';
import type { Me, Presence, Scope, SetPresenceBody, UpdateMeBody } from '#api';
import { Audit, type AuditEntry } from '#audit';
import type { JsonObject } from '#connector';
import type { PersonId, WorkspaceId } from '#model';
import { Clock, Database, Problem } from '#platform';
import { AccessChanges } from './access-changes.js';
import { deleteOtherWebSessions } from './credential.store.js';
import { Desires } from './desired.store.js';
import { LinkBook } from './link-book.js';
import { Passwords } from './passwords.js';
import { heldAccounts, meRow, passwordOf, setPresence, updatePerson } from './people.store.js';
import type { Principal } from './principal.js';
import { SignInLimits } from './sign-in-limits.js';
import { isUniqueViolation } from './unique-violation.js';

/** What a person may say of themselves. */
@Injectable()
export class MeService {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
    private readonly passwords: Passwords,
    private readonly limits: SignInLimits,
    private readonly desires: Desires,
    private readonly links: LinkBook,
  ) {}

  /** @throws Problem 401 `not-signed-in` when the person has been taken out meanwhile */
  async view(workspace: WorkspaceId, person: PersonId, scopes: Iterable<Scope>): Promise<Me> {
    const row = await meRow(this.database, workspace, person);
    if (!row) throw new Problem(401, 'not-signed-in', 'You are no longer in this workspace.');
    return {
      id: row.id,
      email: row.email,
      name: row.name,
      role: row.role,
      workspace: { id: row.workspace, name: row.workspaceName },
      scopes: [...scopes],
      presence: presenceFrom(row.presence),
      createdAt: row.createdAt.toISOString(),
      version: row.version,
    };
  }

  /**
   * Changes name, email address or password. A new password ends the person's other web sessions, in every workspace;
   * tokens stay: programs that hold them never knew the password.
   * @throws Problem 403 `wrong-password`, 409 `email-taken`, 429 `too-many-attempts`
   */
  async update(caller: Principal, body: UpdateMeBody, address: string): Promise<Me> {
    const { person, workspace } = caller;
    if (body.currentPassword !== undefined) await this.prove(person, body.currentPassword, address);
    const passwordHash = body.password === undefined ? undefined : await this.passwords.hash(body.password);
    const ended = await this.database
      .transaction(async (sql) => {
        const free = await updatePerson(sql, person, { name: body.name, email: body.email, passwordHash });
        if (!free) throw emailTaken();
        const spared = caller.kind === 'web-session' ? caller.id : undefined;
        const workspaces = passwordHash ? await deleteOtherWebSessions(sql, person, spared) : [];
        const entry = { workspace, person, subject: person, address };
        const fields = (['name', 'email'] as const).filter((field) => body[field] !== undefined);
        const entries: AuditEntry[] = [];
        if (fields.length > 0) entries.push({ ...entry, action: 'person.changed', facts: { fields } });
        if (passwordHash !== undefined) entries.push({ ...entry, action: 'password.changed' });
        await this.audit.record(sql, ...entries);
        return workspaces;
      })
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? emailTaken() : error;
      });
    for (const other of new Set(ended)) this.changes.changed(other, [person]);
    return this.view(workspace, person, caller.scopes);
  }

  /** Has every account that the person holds show this presence, now and whenever it connects. */
  async setPresence(caller: Principal, body: SetPresenceBody): Promise<Presence> {
    const { workspace, person } = caller;
    const shown = {
      presence: body.presence,
      ...(body.note === undefined || body.note === '' ? {} : { note: body.note }),
      since: new Date(this.clock.now()).toISOString(),
    };
    const links = await this.database.transaction(async (sql) => {
      await setPresence(sql, workspace, person, shown);
      const held = await heldAccounts(sql, workspace, person);
      const wishes = held.map(({ id }) => ({ account: id, address: '', options: shown }));
      await this.desires.setAll(sql, 'presence', wishes);
      return held.map(({ link }) => link);
    });
    for (const link of new Set(links)) this.links.changed(link);
    return shown;
  }

  private async prove(person: PersonId, password: string, address: string): Promise<void> {
    const known = await passwordOf(this.database, person);
    const attempt = await this.limits.attempt(known?.email, address);
    if (!(await this.passwords.verify(known?.passwordHash, password))) {
      throw new Problem(403, 'wrong-password', 'The current password is not right.', {
        errors: [{ pointer: '/currentPassword', detail: 'is not right' }],
      });
    }
    await attempt.succeeded();
  }
}

export function emailTaken(): Problem {
  return new Problem(409, 'email-taken', 'Somebody already uses this email address.', {
    errors: [{ pointer: '/email', detail: 'is taken' }],
  });
}

function presenceFrom(stored: JsonObject | null): Presence {
  const presence = presences.find((known) => known === stored?.['presence']);
  if (presence === undefined) return { presence: 'available' };
  const { note, since } = stored ?? {};
  return {
    presence,
    ...(typeof note === 'string' ? { note } : {}),
    ...(typeof since === 'string' ? { since } : {}),
  };
}
