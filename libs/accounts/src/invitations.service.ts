import { Injectable } from '@nestjs/common';
import type { AcceptInvitationBody, Admitted, CreateInvitationBody, Invitation, NewInvitation } from '#api';
import { Audit } from '#audit';
import { newId, type InvitationId } from '#model';
import { Clock, Database, Problem } from '#platform';
import { AccessChanges } from './access-changes.js';
import { scopesOf } from './authenticator.js';
import { hashOf, newSecret } from './codes.js';
import {
  deleteInvitation,
  insertInvitation,
  invitationsTo,
  openInvitation,
  takeInvitation,
  type InvitationRow,
} from './invitation.store.js';
import { emailTaken, MeService } from './me.service.js';
import { afterOf, pageOf, type Page } from './paging.js';
import { Passwords } from './passwords.js';
import { findPersonByEmail, insertMembership, insertPerson } from './people.store.js';
import type { Principal } from './principal.js';
import { SignInLimits } from './sign-in-limits.js';
import { wrongCredentials } from './sign-in.service.js';
import { Tokens } from './tokens.service.js';

const usualLifeMs = 7 * 86_400_000;

/** Ways in for others: a code shown once, hashed, good for one person and seven days. */
@Injectable()
export class Invitations {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
    private readonly limits: SignInLimits,
    private readonly passwords: Passwords,
    private readonly tokens: Tokens,
    private readonly me: MeService,
  ) {}

  async create(caller: Principal, body: CreateInvitationBody, address: string): Promise<NewInvitation> {
    const { workspace, person } = caller;
    const now = this.clock.now();
    const expiresAt = body.expiresAt === undefined ? new Date(now + usualLifeMs) : new Date(body.expiresAt);
    if (expiresAt.getTime() <= now) {
      throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
        errors: [{ pointer: '/expiresAt', detail: 'is in the past' }],
      });
    }
    const code = newSecret();
    const row = await this.database.transaction(async (sql) => {
      const made = await insertInvitation(sql, {
        id: newId<'InvitationId'>(),
        workspace,
        codeHash: hashOf(code),
        role: body.role,
        email: body.email ?? null,
        createdBy: person,
        expiresAt,
      });
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'invitation.created',
        subject: made.id,
        facts: { role: body.role },
        address,
      });
      return made;
    });
    return { ...view(row), code };
  }

  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Invitation>> {
    const rows = await invitationsTo(this.database, caller.workspace, afterOf(query), query.limit + 1);
    return pageOf(rows, query.limit, view);
  }

  /** @throws Problem 404 `not-found` */
  async takeBack(caller: Principal, id: InvitationId, address: string): Promise<void> {
    const { workspace, person } = caller;
    await this.database.transaction(async (sql) => {
      if (!(await deleteInvitation(sql, workspace, id))) {
        throw new Problem(404, 'not-found', 'There is no such open invitation.');
      }
      await this.audit.record(sql, { workspace, person, action: 'invitation.removed', subject: id, address });
    });
  }

  /**
   * Lets somebody in: a new person, or one who is known by that email address and gives the password they have.
   * @throws Problem 404 `no-invitation` for a code that is unknown, used or too old; 401 `wrong-credentials`; 403
   *   `other-email`; 409 `already-here`; 429 `too-many-attempts`
   */
  async accept(code: string, body: AcceptInvitationBody, address: string): Promise<Admitted> {
    const attempt = await this.limits.attempt(undefined, address);
    const invitation = await openInvitation(this.database, hashOf(code), new Date(this.clock.now()));
    if (!invitation) throw noInvitation();
    if (invitation.email !== null && invitation.email !== body.email) {
      throw new Problem(403, 'other-email', 'This invitation is for another email address.', {
        errors: [{ pointer: '/email', detail: 'is not the one that was invited' }],
      });
    }
    const known = await findPersonByEmail(this.database, body.email);
    if (known) await this.prove(body, known.passwordHash, address);
    const passwordHash = known ? known.passwordHash : await this.passwords.hash(body.password);
    const person = known?.id ?? newId<'PersonId'>();
    const { workspace, role } = invitation;
    const token = await this.database.transaction(async (sql) => {
      if (!(await takeInvitation(sql, invitation.id, person, new Date(this.clock.now()))))
        throw noInvitation();
      const { name, email } = body;
      if (!known && !(await insertPerson(sql, { id: person, email, name, passwordHash }))) throw emailTaken();
      if (!(await insertMembership(sql, workspace, person, role))) {
        throw new Problem(409, 'already-here', 'You are already in this workspace.');
      }
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'invitation.accepted',
        subject: invitation.id,
        facts: { role },
        address,
      });
      const label = 'Made at joining';
      return (await this.tokens.issue(sql, { workspace, person, label, scopes: scopesOf(role) }, address))
        .token;
    });
    await attempt.succeeded();
    this.changes.changed(workspace, [person]);
    return { token, me: await this.me.view(workspace, person, scopesOf(role)) };
  }

  private async prove(body: AcceptInvitationBody, passwordHash: string, address: string): Promise<void> {
    const attempt = await this.limits.attempt(body.email, address);
    if (!(await this.passwords.verify(passwordHash, body.password))) throw wrongCredentials();
    await attempt.succeeded();
  }
}

function noInvitation(): Problem {
  return new Problem(404, 'no-invitation', 'This invitation is unknown, used or too old. Ask for another.');
}

function view(row: InvitationRow): Invitation {
  return {
    id: row.id,
    role: row.role,
    email: row.email,
    createdBy: row.createdBy,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    acceptedBy: row.acceptedBy,
    acceptedAt: row.acceptedAt?.toISOString() ?? null,
  };
}
