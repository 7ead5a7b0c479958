import { Injectable } from '@nestjs/common';
import {
  Access,
  AccountLinks,
  decodeAfter,
  encodeAfter,
  noAccount,
  type Principal,
  type QueryOf,
} from '#accounts';
import type { OptOut, Routes, SetOptOutBody } from '#api';
import { Audit } from '#audit';
import { EventLog } from '#bus';
import { AddressError } from '#connector';
import { IntakeStore, Sight } from '#conversations';
import { Clock, Database, Problem } from '#platform';
import { Charges } from './charges.js';
import { Dispatcher } from './dispatcher.js';
import { optedOut, OptOutStore, type OptOutRow } from './opt-out.store.js';
import { Settler } from './settler.js';

/** Who may not be written to, for people: to look at, and to put down what was said elsewhere (on the telephone, in a letter). */
@Injectable()
export class OptOuts {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: OptOutStore,
    private readonly intake: IntakeStore,
    private readonly settler: Settler,
    private readonly dispatcher: Dispatcher,
    private readonly charges: Charges,
    private readonly access: Access,
    private readonly links: AccountLinks,
    private readonly sight: Sight,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem 404 for the account, 422 for a `next` that is none of ours */
  async page(
    caller: Principal,
    { account, address, optedOut, next, limit }: QueryOf<Routes['listOptOuts']>,
  ): Promise<{ items: OptOut[]; next?: string }> {
    const { accounts } = await this.sight.of(caller);
    if (account !== undefined && !accounts.has(account)) throw noAccount();
    const filter = { accounts: account === undefined ? [...accounts] : [account], address, optedOut };
    const rows = await this.store.page(this.database, filter, placeAfter(next), limit + 1);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const items = page.map(viewOf);
    if (rows.length <= limit || !last) return { items };
    return { items, next: encodeAfter('opt-outs', `${last.account} ${last.address}`) };
  }

  /**
   * Puts down whether somebody may be written to. What waits to go to them fails at once.
   * @throws Problem 404 for the account, 422 `invalid` for an address that is none there
   */
  async set(caller: Principal, body: SetOptOutBody): Promise<OptOut> {
    const { id: account } = await this.access.mustSee(caller, body.account);
    const address = await this.addressOf(body);
    const row: OptOutRow = {
      account,
      address,
      optedOut: body.optedOut,
      person: caller.person,
      reason: body.reason ?? null,
      at: new Date(this.clock.now()),
    };
    const done = await this.database.transaction(async (sql) => {
      const conversation = await this.store.conversationAt(sql, account, address);
      const locked = await this.intake.lock(sql, conversation === undefined ? [] : [conversation]);
      const told = await this.store.save(sql, [row]);
      const waiting = row.optedOut ? await this.store.waiting(sql, [...locked.keys()]) : [];
      const { events, settled } = await this.settler.apply(
        sql,
        waiting.map((envelope) => ({ envelope, whole: { state: 'failed', failure: optedOut } })),
      );
      await this.audit.record(sql, {
        workspace: caller.workspace,
        person: caller.person,
        action: 'opt-out.changed',
        subject: account,
        facts: { address, optedOut: row.optedOut, failed: waiting.length },
      });
      const all = [...told, ...events];
      if (all.length === 0) return { last: undefined, settled };
      const metered = await this.charges.alongside(sql, caller.workspace, all);
      return { last: (await this.events.append(sql, caller.workspace, all, metered)).last, settled };
    });
    if (done.last !== undefined) this.events.committed(caller.workspace, done.last);
    this.dispatcher.settled(done.settled);
    return viewOf(row);
  }

  /** @throws Problem 404, 422 */
  private async addressOf({ account, address }: SetOptOutBody): Promise<string> {
    const link = await this.links.of(account);
    if (!link) throw noAccount();
    try {
      return link.connector.addresses.parse(address, link.settings).value;
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new Problem(422, 'invalid', error.message, {
        errors: [{ pointer: '/address', detail: error.message }],
      });
    }
  }
}

function placeAfter(next: string | undefined): { account: string; address: string } | undefined {
  const [, account, address] = /^([0-9a-f-]{36}) (.*)$/s.exec(decodeAfter('opt-outs', next) ?? '') ?? [];
  return account === undefined || address === undefined ? undefined : { account, address };
}

function viewOf({ account, address, optedOut, person, message, reason, at }: OptOutRow): OptOut {
  return {
    account,
    address,
    optedOut,
    person: person ?? null,
    message: message ?? null,
    reason: reason ?? null,
    at: at.toISOString(),
  };
}
