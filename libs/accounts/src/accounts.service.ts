import { Injectable } from '@nestjs/common';
import type { Account, AnswerAccountBody, CreateAccountBody, UpdateAccountBody } from '#api';
import { Audit, type AuditAction, type AuditFacts } from '#audit';
import { EventLog, NoResponder, RequestRefused, Requests, RequestTimeout } from '#bus';
import { newId, type AccountId, type LinkId, type NewEvent, type PersonId } from '#model';
import { Database, Problem, type Sql } from '#platform';
import { Access, noAccount } from './access.js';
import { AccessChanges } from './access-changes.js';
import { accessChanged, accountChanged, accountRemoved } from './account.events.js';
import { deleteAccounts, insertAccount, updateAccount, type ManagedAccount } from './account.store.js';
import { AccountViews } from './account-views.js';
import { mustBeHere, mustManage } from './account.rights.js';
import { IngressAddresses } from './ingress-addresses.js';
import { LinkBook } from './link-book.js';
import { invalid } from './link-settings.service.js';
import { everOnline, findLink, insertLink, updateLink } from './link.store.js';
import { LinkPlans, type LinkPlan, type LinkTurn } from './link-plans.service.js';
import { afterOf, pageOf, type Page } from './paging.js';
import { stayingPeople } from './people.store.js';
import type { Principal } from './principal.js';

const answerMs = 5_000;

/** People's accounts: added, changed, connected, removed. Whoever holds one manages it. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly requests: Requests,
    private readonly audit: Audit,
    private readonly access: Access,
    private readonly changes: AccessChanges,
    private readonly links: LinkBook,
    private readonly plans: LinkPlans,
    private readonly views: AccountViews,
    private readonly ingresses: IngressAddresses,
  ) {}

  /** The accounts that the caller may see. */
  async list(caller: Principal, query: { limit: number; next?: string }): Promise<Page<Account>> {
    const after = afterOf(query);
    const seen = [...(await this.access.accountsOf(caller.workspace, caller.person))].sort();
    const ids = seen.filter((id) => after === undefined || id > after).slice(0, query.limit + 1);
    const views = await this.views.byIds(ids);
    return pageOf([...views.values()], query.limit, (view) => view);
  }

  /** @throws Problem 404 `not-found` */
  async get(caller: Principal, id: AccountId): Promise<Account> {
    await this.access.mustSee(caller, id);
    return this.view(id);
  }

  /**
   * Adds an account, with a link of its own or (an admin, for whom they like) on a shared one, and shares it with these
   * people.
   * @throws Problem 422 with every mistake, 403 for a target that is refused (law 9)
   */
  async create(caller: Principal, body: CreateAccountBody, address: string): Promise<Account> {
    const plan = await this.plans.forAccount(caller, body);
    const { workspace, person } = caller;
    const id = newId<'AccountId'>();
    const holder = body.holder ?? person;
    const people = [...new Set([holder, ...(body.people ?? [])])];
    const last = await this.database.transaction(async (sql) => {
      await this.mustStay(sql, caller, holder, body.people ?? []);
      await this.makeRoom(sql, caller, plan, address);
      await insertAccount(
        sql,
        {
          id,
          workspace,
          link: plan.link,
          holder,
          connector: plan.connector,
          label: body.label,
          network: plan.network,
          localAddress: plan.localAddress,
          wanted: body.wanted ?? true,
          onUnknown: body.onUnknown ?? 'ask',
          ingress: this.ingresses.make(plan.connector, id),
        },
        people,
      );
      const facts = { connector: plan.connector, link: plan.link, people };
      await this.note(sql, caller, 'account.created', id, address, facts);
      return this.append(sql, caller, [
        ...people.map((one) => accessChanged(id, one, true)),
        accountChanged(id, 1),
      ]);
    });
    this.changes.changed(workspace, people);
    this.settle(caller, last, plan.link);
    return this.view(id);
  }

  /**
   * Changes what is given. New settings are the whole of the settings; of the secrets those that are named.
   * @throws Problem 404, 403 `not-holder`, 409 `shared-link`, `other-network` or `changed-meanwhile`, and as `create`
   */
  async update(caller: Principal, id: AccountId, body: UpdateAccountBody, address: string): Promise<Account> {
    const { link, shared } = await mustManage(this.database, caller, id);
    const turned = body.settings !== undefined || body.secrets !== undefined;
    if (shared && turned) {
      throw new Problem(
        409,
        'shared-link',
        'This account is on a shared link; an admin changes the link itself.',
      );
    }
    const sealed = turned ? await findLink(this.database, caller.workspace, link) : undefined;
    if (turned && !sealed) throw noAccount();
    const { settings, secrets } = body;
    const asked = { ...(settings && { settings }), ...(secrets && { secrets }) };
    const replan = sealed && (await this.plans.change(caller, sealed, asked));
    const last = await this.database.transaction(async (sql) => {
      const account = await mustManage(sql, caller, id, true);
      if (sealed && replan) await this.turn(sql, account, sealed.version, replan);
      const version = await updateAccount(sql, id, {
        label: body.label,
        onUnknown: body.onUnknown,
        network: replan?.network,
      });
      await this.note(sql, caller, 'account.changed', id, address, { fields: Object.keys(body) });
      if (replan?.change.privateLeave && !sealed?.privateLeave) {
        await this.note(sql, caller, 'private-target.allowed', link, address);
      }
      return this.append(sql, caller, [accountChanged(id, version)]);
    });
    this.settle(caller, last, link);
    return this.view(id);
  }

  /** Removes an account with its access, its wishes and, if private, its link. */
  async remove(caller: Principal, id: AccountId, address: string): Promise<void> {
    const { last, gone } = await this.database.transaction(async (sql) => {
      const account = await mustManage(sql, caller, id);
      const [gone] = await deleteAccounts(sql, [id]);
      if (!gone) throw noAccount();
      await this.note(sql, caller, 'account.removed', id, address, { connector: account.connector });
      const events = gone.people.map((person) => accountRemoved(id, person));
      return { gone, last: await this.append(sql, caller, events) };
    });
    this.changes.changed(caller.workspace, gone.people);
    this.settle(caller, last, gone.link);
  }

  /** Wants an account connected, or disconnected. Connecting one that is wanted already makes its session try again. */
  async want(caller: Principal, id: AccountId, wanted: boolean, address: string): Promise<Account> {
    const { link } = await mustManage(this.database, caller, id);
    const last = await this.database.transaction(async (sql) => {
      const account = await mustManage(sql, caller, id, true);
      if (account.wanted === wanted) return undefined;
      const version = await updateAccount(sql, id, { wanted });
      await this.note(sql, caller, 'account.changed', id, address, { wanted });
      return this.append(sql, caller, [accountChanged(id, version)]);
    });
    if (last !== undefined) this.log.committed(caller.workspace, last);
    this.links.changed(link, wanted ? id : undefined);
    return this.view(id);
  }

  /**
   * Takes a person's answer to the challenge that the session shows to whoever runs it.
   * @throws Problem 409 `nothing-asked` or with the session's own reason, 503 `not-connected`, 504 `no-answer`
   */
  async answer(caller: Principal, id: AccountId, body: AnswerAccountBody): Promise<Account> {
    const { link, session } = await mustManage(this.database, caller, id);
    if (session.state !== 'needs-person') {
      throw new Problem(409, 'nothing-asked', 'This account does not wait for an answer.');
    }
    try {
      const request = { act: 'answer', account: id, answer: body.answer };
      await this.requests.ask(`link:${link}`, request, answerMs);
    } catch (error) {
      if (error instanceof NoResponder) {
        throw new Problem(503, 'not-connected', 'Nobody is connecting this account at the moment.', {
          retryAfterSeconds: 5,
        });
      }
      if (error instanceof RequestTimeout) {
        throw new Problem(504, 'no-answer', 'The session did not say in time whether it took the answer.');
      }
      if (error instanceof RequestRefused) throw new Problem(409, error.code, error.detail);
      throw error;
    }
    return this.view(id);
  }

  /** Makes the private link of a new account, or holds the shared one that it is put on. */
  private async makeRoom(sql: Sql, caller: Principal, plan: LinkPlan, address: string): Promise<void> {
    if (plan.make === undefined) {
      await this.plans.mustStillShare(sql, caller, plan.link);
      return;
    }
    await insertLink(sql, plan.make);
    if (plan.make.privateLeave) await this.note(sql, caller, 'private-target.allowed', plan.link, address);
  }

  private async turn(sql: Sql, account: ManagedAccount, from: number, plan: LinkTurn): Promise<void> {
    if (
      plan.network !== undefined &&
      plan.network !== account.network &&
      (await everOnline(sql, account.link))
    ) {
      throw otherNetwork(account.network);
    }
    if (!(await updateLink(sql, account.link, from, plan.change))) throw changedMeanwhile();
  }

  /** @throws Problem 422 `invalid` naming each who is not in the workspace */
  private async mustStay(
    sql: Sql,
    { workspace }: Principal,
    holder: PersonId,
    people: readonly PersonId[],
  ): Promise<void> {
    const here = await stayingPeople(sql, workspace, [holder, ...people]);
    mustBeHere(people, here, []);
    if (!here.has(holder)) throw invalid([{ pointer: '/holder', detail: 'is nobody in this workspace' }]);
  }

  private async append(sql: Sql, caller: Principal, events: readonly NewEvent[]): Promise<bigint> {
    return (await this.log.append(sql, caller.workspace, events)).last;
  }

  private note(
    sql: Sql,
    caller: Principal,
    action: AuditAction,
    subject: string,
    address: string,
    facts: AuditFacts = {},
  ): Promise<void> {
    const { workspace, person } = caller;
    return this.audit.record(sql, { workspace, person, action, subject, facts, address });
  }

  private settle(caller: Principal, last: bigint, link: LinkId): void {
    this.log.committed(caller.workspace, last);
    this.links.changed(link);
  }

  private async view(id: AccountId): Promise<Account> {
    const view = (await this.views.byIds([id])).get(id);
    if (!view) throw noAccount();
    return view;
  }
}

export function otherNetwork(network: string): Problem {
  return new Problem(
    409,
    'other-network',
    `This account has been online on ${network}, where its conversations are. Add another account for another network.`,
  );
}

export function changedMeanwhile(): Problem {
  return new Problem(409, 'changed-meanwhile', 'Somebody else changed this at the same time. Look again.');
}
