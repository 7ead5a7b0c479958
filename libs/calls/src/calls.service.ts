import { Injectable } from '@nestjs/common';
import { Access, afterOf, noAccount, pageOf, type Principal, type QueryOf } from '#accounts';
import type { Call, Routes } from '#api';
import type { CallId } from '#model';
import { Database, Problem } from '#platform';
import { readCalls } from './call.store.js';

/** The calls that a person may see: those of their accounts. */
@Injectable()
export class Calls {
  constructor(
    private readonly database: Database,
    private readonly access: Access,
  ) {}

  /** @throws Problem 404 `not-found` for the account, 422 `invalid` for a `next` that is none of ours */
  async page(
    caller: Principal,
    query: QueryOf<Routes['listCalls']>,
  ): Promise<{ items: Call[]; next?: string }> {
    const mine = await this.access.accountsOf(caller.workspace, caller.person);
    if (query.account !== undefined && !mine.has(query.account)) throw noAccount();
    const rows = await readCalls(this.database, {
      accounts: query.account === undefined ? [...mine] : [query.account],
      state: query.state,
      after: afterOf(query),
      limit: query.limit + 1,
    });
    return pageOf(rows, query.limit, (call) => call);
  }

  /** @throws Problem 404 `not-found` */
  async get(caller: Principal, id: CallId): Promise<Call> {
    const [call] = await readCalls(this.database, { ids: [id] });
    const mine = await this.access.accountsOf(caller.workspace, caller.person);
    if (!call || !mine.has(call.account)) throw new Problem(404, 'not-found', 'There is no such call.');
    return call;
  }
}
