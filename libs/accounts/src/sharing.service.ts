import { Injectable } from '@nestjs/common';
import type { Account } from '#api';
import { Audit } from '#audit';
import { EventLog } from '#bus';
import type { AccountId, PersonId } from '#model';
import { Database } from '#platform';
import { noAccount } from './access.js';
import { AccessChanges } from './access-changes.js';
import { accessChanged, accountChanged } from './account.events.js';
import { mustBeHere, mustManage, notHolder } from './account.rights.js';
import { grantAccess, revokeAccess, updateAccount } from './account.store.js';
import { AccountViews } from './account-views.js';
import { stayingPeople } from './people.store.js';
import type { Principal } from './principal.js';

/** Who sees an account besides its holder. */
@Injectable()
export class Sharing {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly audit: Audit,
    private readonly changes: AccessChanges,
    private readonly views: AccountViews,
  ) {}

  /**
   * Shares an account with exactly these people and its holder. Only the holder may: whoever else manages it would let
   * themselves in.
   * @throws Problem 404 `not-found`, 403 `not-holder`, 422 `invalid` naming who is nobody here
   */
  async share(
    caller: Principal,
    id: AccountId,
    wanted: readonly PersonId[],
    address: string,
  ): Promise<Account> {
    const done = await this.database.transaction(async (sql) => {
      // People before accounts, as everywhere, though which of them are new is known only after.
      const staying = await stayingPeople(sql, caller.workspace, wanted);
      const account = await mustManage(sql, caller, id, true);
      if (account.holder !== caller.person) throw notHolder();
      const people = new Set([account.holder, ...wanted]);
      const granted = [...people].filter((person) => !account.people.includes(person));
      const revoked = account.people.filter((person) => !people.has(person));
      mustBeHere(wanted, staying, account.people);
      if (granted.length + revoked.length === 0) return undefined;
      await grantAccess(sql, id, granted);
      await revokeAccess(sql, id, revoked);
      const version = await updateAccount(sql, id, {});
      const entry = { workspace: caller.workspace, person: caller.person, subject: id, address };
      if (granted.length > 0)
        await this.audit.record(sql, { ...entry, action: 'access.granted', facts: { people: granted } });
      if (revoked.length > 0)
        await this.audit.record(sql, { ...entry, action: 'access.revoked', facts: { people: revoked } });
      const { last } = await this.log.append(sql, caller.workspace, [
        ...granted.map((person) => accessChanged(id, person, true)),
        ...revoked.map((person) => accessChanged(id, person, false)),
        accountChanged(id, version),
      ]);
      return { last, people: [...granted, ...revoked] };
    });
    if (done) {
      this.changes.changed(caller.workspace, done.people);
      this.log.committed(caller.workspace, done.last);
    }
    const view = (await this.views.byIds([id])).get(id);
    if (!view) throw noAccount();
    return view;
  }
}
