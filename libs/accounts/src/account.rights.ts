import type { AccountId, PersonId } from '#model';
import { Problem, type Sql } from '#platform';
import { noAccount } from './access.js';
import { managedAccount, type ManagedAccount } from './account.store.js';
import { invalid, isAdmin } from './link-settings.service.js';
import type { Principal } from './principal.js';

/**
 * The account, if the caller may manage it: its holder, and an admin where it is on a shared link.
 * @throws Problem 404 `not-found`; 403 `not-holder` for somebody it is shared with
 */
export async function mustManage(
  sql: Sql,
  caller: Principal,
  id: AccountId,
  lock = false,
): Promise<ManagedAccount> {
  const account = await managedAccount(sql, caller.workspace, id, lock);
  if (!account) throw noAccount();
  if (managesIt(caller, account)) return account;
  if (!account.people.includes(caller.person)) throw noAccount();
  throw notHolder();
}

/** Its holder, and an admin where it is on a shared link. */
export function managesIt(caller: Principal, account: ManagedAccount): boolean {
  return account.holder === caller.person || (account.shared && isAdmin(caller));
}

export function notHolder(): Problem {
  return new Problem(403, 'not-holder', 'Only the person who holds this account may do this.');
}

/** @throws Problem 422 `invalid` naming each of the wanted who is neither here nor known to have been */
export function mustBeHere(
  wanted: readonly PersonId[],
  here: ReadonlySet<PersonId>,
  known: readonly PersonId[],
): void {
  const errors = wanted.flatMap((person, at) =>
    here.has(person) || known.includes(person)
      ? []
      : [{ pointer: `/people/${String(at)}`, detail: 'is nobody in this workspace' }],
  );
  if (errors.length > 0) throw invalid(errors);
}
