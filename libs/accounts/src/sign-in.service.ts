import { Injectable } from '@nestjs/common';
import type { Me, SignInBody } from '#api';
import { Audit } from '#audit';
import { newId, type PersonId } from '#model';
import { Clock, Database, logger, Problem } from '#platform';
import { AccessChanges } from './access-changes.js';
import { scopesOf } from './authenticator.js';
import { hashOf, newSecret } from './codes.js';
import { deleteWebSession, insertWebSession } from './credential.store.js';
import { MeService } from './me.service.js';
import { Passwords } from './passwords.js';
import { findPersonByEmail, workspacesOf } from './people.store.js';
import type { Principal } from './principal.js';
import { sessionDays } from './session-cookie.js';
import { SignInLimits } from './sign-in-limits.js';

const log = logger('accounts');

/** Web sessions: opened by email address and password, kept by a cookie, hashed at rest. */
@Injectable()
export class SignIn {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
    private readonly passwords: Passwords,
    private readonly limits: SignInLimits,
    private readonly me: MeService,
  ) {}

  /**
   * Opens a web session, in the workspace asked for or the one that the person has been in longest.
   * @returns the cookie's secret, and who signed in.
   * @throws Problem 401 `wrong-credentials`, the same for an unknown address as for a wrong password; 429
   */
  async open(body: SignInBody, address: string): Promise<{ secret: string; me: Me }> {
    const attempt = await this.limits.attempt(body.email, address);
    const known = await findPersonByEmail(this.database, body.email);
    const right = await this.passwords.verify(known?.passwordHash, body.password);
    if (!known || !right) {
      // Not waited for: the time that writing takes would tell that the address is known.
      if (known) void this.noteRefusal(known.id, address);
      throw wrongCredentials();
    }
    const workspaces = await workspacesOf(this.database, known.id);
    const workspace = body.workspace ? workspaces.find(({ id }) => id === body.workspace) : workspaces[0];
    if (!workspace) throw wrongCredentials();
    await attempt.succeeded();
    const secret = newSecret();
    const id = newId<'WebSessionId'>();
    const now = this.clock.now();
    await this.database.transaction(async (sql) => {
      const expiresAt = new Date(now + sessionDays * 86_400_000);
      const session = { id, workspace: workspace.id, person: known.id, hash: hashOf(secret), expiresAt };
      await insertWebSession(sql, session, new Date(now));
      await this.audit.record(sql, {
        workspace: workspace.id,
        person: known.id,
        action: 'session.opened',
        subject: id,
        address,
      });
    });
    return { secret, me: await this.me.view(workspace.id, known.id, scopesOf(workspace.role)) };
  }

  /** @throws Problem 409 `not-a-web-session` for a token: it is taken back, not signed out. */
  async close(caller: Principal, address: string): Promise<void> {
    if (caller.kind !== 'web-session') {
      throw new Problem(409, 'not-a-web-session', 'A token does not sign out; delete it instead.');
    }
    const { workspace, person, id } = caller;
    await this.database.transaction(async (sql) => {
      await deleteWebSession(sql, id);
      await this.audit.record(sql, { workspace, person, action: 'session.closed', subject: id, address });
    });
    this.changes.changed(workspace, [person]);
  }

  private async noteRefusal(person: PersonId, address: string): Promise<void> {
    try {
      const workspaces = await workspacesOf(this.database, person);
      await this.audit.record(
        this.database,
        ...workspaces.map(({ id }) => ({
          workspace: id,
          action: 'session.refused' as const,
          subject: person,
          address,
        })),
      );
    } catch (err) {
      log.warn({ err }, 'a refused sign-in could not be written down');
    }
  }
}

export function wrongCredentials(): Problem {
  return new Problem(401, 'wrong-credentials', 'The email address or the password is not right.');
}
