import { Injectable } from '@nestjs/common';
import type { Account } from '#api';
import { Audit } from '#audit';
import { EventLog } from '#bus';
import type { AccountId } from '#model';
import { Database, Problem } from '#platform';
import { noAccount } from './access.js';
import { accountChanged } from './account.events.js';
import { managesIt, mustManage } from './account.rights.js';
import { managedAccount } from './account.store.js';
import { AccountViews } from './account-views.js';
import { IngressAddresses } from './ingress-addresses.js';
import { changeIngress, ingressSeal } from './ingress.store.js';
import { LinkBook } from './link-book.js';
import type { Principal } from './principal.js';

/** The addresses at which providers call accounts, for the people who tell the providers. */
@Injectable()
export class Ingresses {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly audit: Audit,
    private readonly addresses: IngressAddresses,
    private readonly links: LinkBook,
    private readonly views: AccountViews,
  ) {}

  /**
   * The account with its address, where the caller may know it: who manages the account, with leave to manage accounts.
   * @param base where we are reached, as this request shows it or the configuration says
   */
  async with(caller: Principal, account: Account, base: string): Promise<Account> {
    if (!caller.scopes.has('accounts')) return account;
    const managed = await managedAccount(this.database, caller.workspace, account.id, false);
    if (!managed || !managesIt(caller, managed)) return account;
    const seal = await ingressSeal(this.database, account.id);
    const ingressUrl = seal && this.addresses.url(account.id, seal, base);
    return ingressUrl === undefined ? account : { ...account, ingressUrl };
  }

  /**
   * Gives an account a new address; the old one is dead from then on.
   * @throws Problem 404 `not-found`, 403 `not-holder`, 409 `not-called` where no provider ever calls such an account
   */
  async renew(caller: Principal, id: AccountId, base: string, address: string): Promise<Account> {
    const { connector, link } = await mustManage(this.database, caller, id);
    const secret = this.addresses.make(connector, id);
    if (!secret) throw new Problem(409, 'not-called', 'No provider calls an account of this kind.');
    const last = await this.database.transaction(async (sql) => {
      await mustManage(sql, caller, id, true);
      const version = await changeIngress(sql, id, secret);
      const { workspace, person } = caller;
      const facts = { fields: ['ingressUrl'] };
      await this.audit.record(sql, {
        workspace,
        person,
        action: 'account.changed',
        subject: id,
        facts,
        address,
      });
      return (await this.log.append(sql, workspace, [accountChanged(id, version)])).last;
    });
    this.log.committed(caller.workspace, last);
    this.links.changed(link);
    const view = (await this.views.byIds([id])).get(id);
    if (!view) throw noAccount();
    return this.with(caller, view, base);
  }
}
