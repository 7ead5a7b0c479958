import { Injectable } from '@nestjs/common';
import type { Person, UpdatePersonBody } from '#api';
import { Audit } from '#audit';
import { EventLog } from '#bus';
import type { PersonId } from '#model';
import { Database, Problem, type Sql } from '#platform';
import { AccessChanges } from './access-changes.js';
import { accountChanged, accountRemoved } from './account.events.js';
import { deleteAccounts } from './account.store.js';
import { deleteInvitationsBy } from './invitation.store.js';
import { LinkBook } from './link-book.js';
import { afterOf, pageOf, type Page } from './paging.js';
import {
  countWorkspaces,
  deleteMembership,
  heldAccounts,
  holdRoles,
  leaveAccounts,
  peopleOf,
  personIn,
  setRole,
  updatePerson,
  type PersonRow,
} from './people.store.js';
import type { Principal } from './principal.js';

/** The people of a workspace. */
@Injectable()
export class People {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
    private readonly links: LinkBook,
  ) {}

  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Person>> {
    const rows = await peopleOf(this.database, caller.workspace, afterOf(query), query.limit + 1);
    return pageOf(rows, query.limit, view);
  }

  /** @throws Problem 404 `not-found` */
  async get(caller: Principal, person: PersonId): Promise<Person> {
    const row = await personIn(this.database, caller.workspace, person);
    if (!row) throw nobody();
    return view(row);
  }

  /**
   * Changes somebody's role or name. A name belongs to the person, so an admin changes it only while the person is in
   * no other workspace. Whoever is no admin any more leaves no open invitations behind.
   * @throws Problem 404 `not-found`, 409 `last-admin` or `in-other-workspaces`
   */
  async update(
    caller: Principal,
    person: PersonId,
    body: UpdatePersonBody,
    address: string,
  ): Promise<Person> {
    const { workspace } = caller;
    const row = await this.database.transaction(async (sql) => {
      const roles = await holdRoles(sql, workspace, person);
      const before = roles.get(person);
      if (before === undefined) throw nobody();
      const entry = { workspace, person: caller.person, subject: person, address };
      if (body.role !== undefined && body.role !== before) {
        if (body.role === 'member') {
          mustStayAdmin(roles);
          await deleteInvitationsBy(sql, workspace, person);
        }
        await setRole(sql, workspace, person, body.role);
        await this.audit.record(sql, {
          ...entry,
          action: 'role.changed',
          facts: { from: before, to: body.role },
        });
      }
      if (body.name !== undefined) {
        if (person !== caller.person && (await countWorkspaces(sql, person)) > 1) {
          throw new Problem(
            409,
            'in-other-workspaces',
            'This person is in other workspaces too; only they may change their name.',
          );
        }
        await updatePerson(sql, person, { name: body.name });
        await this.audit.record(sql, { ...entry, action: 'person.changed', facts: { fields: ['name'] } });
      }
      return personIn(sql, workspace, person);
    });
    this.changes.changed(workspace, [person]);
    if (!row) throw nobody();
    return view(row);
  }

  /**
   * Takes somebody out of the workspace, with their tokens, web sessions and open invitations, the accounts they hold
   * here and their access to others'. Whoever is in no workspace any more is forgotten.
   * @throws Problem 404 `not-found`, 409 `last-admin`
   */
  async remove(caller: Principal, person: PersonId, address: string): Promise<void> {
    const { workspace } = caller;
    const done = await this.database.transaction(async (sql) => {
      const roles = await holdRoles(sql, workspace, person);
      const role = roles.get(person);
      if (role === undefined) throw nobody();
      if (role === 'admin') mustStayAdmin(roles);
      const removed = await this.removeHeld(sql, caller, person);
      const left = await leaveAccounts(sql, workspace, person);
      await deleteInvitationsBy(sql, workspace, person);
      await deleteMembership(sql, workspace, person);
      await this.audit.record(sql, {
        workspace,
        person: caller.person,
        action: 'person.removed',
        subject: person,
        facts: { role, accounts: removed.map(({ id }) => id) },
        address,
      });
      const { last } = await this.log.append(sql, workspace, [
        ...removed.flatMap(({ id, people }) => people.map((one) => accountRemoved(id, one))),
        ...left.map(({ id, version }) => accountChanged(id, version)),
      ]);
      return { last, removed };
    });
    this.changes.changed(workspace, [person, ...done.removed.flatMap(({ people }) => people)]);
    this.log.committed(workspace, done.last);
    for (const { link } of done.removed) this.links.changed(link);
  }

  private async removeHeld(
    sql: Sql,
    { workspace }: Principal,
    person: PersonId,
  ): ReturnType<typeof deleteAccounts> {
    const held = await heldAccounts(sql, workspace, person);
    return held.length === 0
      ? []
      : deleteAccounts(
          sql,
          held.map(({ id }) => id),
        );
  }
}

/** @param roles the admins, the one who is about to be none among them */
function mustStayAdmin(roles: ReadonlyMap<PersonId, string>): void {
  const admins = [...roles.values()].filter((role) => role === 'admin');
  if (admins.length < 2) {
    throw new Problem(409, 'last-admin', 'This is the last admin. Make somebody else an admin first.');
  }
}

function nobody(): Problem {
  return new Problem(404, 'not-found', 'There is no such person here.');
}

function view(row: PersonRow): Person {
  return {
    id: row.id,
    email: row.email,
    name: row.name,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
    version: row.version,
  };
}
