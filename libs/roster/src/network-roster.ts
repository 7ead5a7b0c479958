import { Injectable } from '@nestjs/common';
import {
  Access,
  AccountLinks,
  answerFrom,
  Connectors,
  contactFrom,
  Desires,
  LinkBook,
  decodeAfter,
  encodeAfter,
  noAccount,
  type AccountRow,
  type Principal,
  type QueryOf,
} from '#accounts';
import type { RosterEntry, Routes, SetRosterEntryBody } from '#api';
import { EventLog } from '#bus';
import { AddressError, type AbilityName, type AddressRules, type JsonObject } from '#connector';
import type { AccountId, Address, AdmissionAnswer, IdentityId, NewEvent } from '#model';
import { Database, Problem, type Sql } from '#platform';
import type { Place } from './holdings.js';
import { Identities, partyKey } from './identities.js';
import { IdentityViews } from './identity.views.js';
import { readRoster, type RosterRow } from './roster-items.store.js';

/** More people on one account's roster than this are not taken: no network watches more. */
export const mostContacts = 5_000;

/** What one account's network has on its roster. The wish is stored; the session brings the network in line with it. */
@Injectable()
export class NetworkRoster {
  constructor(
    private readonly database: Database,
    private readonly log: EventLog,
    private readonly access: Access,
    private readonly connectors: Connectors,
    private readonly spoken: AccountLinks,
    private readonly desires: Desires,
    private readonly links: LinkBook,
    private readonly identities: Identities,
    private readonly views: IdentityViews,
  ) {}

  /** @throws Problem 404 `not-found` for the account, 422 `invalid` for a `next` that is none of ours */
  async page(
    principal: Principal,
    id: AccountId,
    query: QueryOf<Routes['listRoster']>,
  ): Promise<{ items: RosterEntry[]; next?: string }> {
    const account = await this.access.mustSee(principal, id);
    const after = decodeAfter('roster', query.next) ?? '';
    const rows = await readRoster(this.database, id, { after, limit: query.limit + 1 });
    const page = rows.slice(0, query.limit);
    const items = await this.entries(account, page);
    const last = page.at(-1);
    return rows.length > page.length && last
      ? { items, next: encodeAfter('roster', last.address) }
      : { items };
  }

  /** @throws Problem 404 `not-found` for the account or the entry */
  async get(principal: Principal, id: AccountId, raw: string): Promise<RosterEntry> {
    const account = await this.access.mustSee(principal, id);
    return await this.entryOf(account, (await this.addressOf(account, raw, 'not-found')).value);
  }

  /**
   * Puts somebody on the roster, or changes what is said of them there. `made`: they were not on it.
   * @throws Problem 404 `not-found` for the account; 409 `unsupported` where the network has no roster, `too-many`
   *   where this one is full; 422 `invalid` for an address that is nobody's there
   */
  async set(
    principal: Principal,
    id: AccountId,
    raw: string,
    body: SetRosterEntryBody,
  ): Promise<{ entry: RosterEntry; made: boolean }> {
    const account = await this.access.mustSee(principal, id);
    this.mustHave(account, 'has-contacts');
    const address = await this.addressOf(account, raw, 'invalid');
    const made = await this.change(account, async (sql) => {
      const [row] = await readRoster(sql, id, { address: address.value });
      const before = row?.wish ? contactFrom(row.address, row.wish) : undefined;
      if (before === undefined && (await this.desires.countOf(sql, id, 'contact')) >= mostContacts) {
        throw new Problem(409, 'too-many', `A roster has at most ${String(mostContacts)} entries.`);
      }
      const events = await this.meet(sql, account, address);
      const stableAddress =
        before?.stableAddress ?? (await this.identities.stableOf(sql, placeOf(account, address.value)));
      await this.desires.set(sql, id, 'contact', address.value, {
        ...(body.name !== undefined && { name: body.name }),
        groups: [...new Set(body.groups ?? [])],
        ...(stableAddress !== undefined && { stableAddress }),
      });
      return { events, answer: !isListed(row) };
    });
    return { entry: await this.entryOf(account, address.value), made };
  }

  /**
   * Where the network keeps the roster they are off it as soon as it says so; here they are at once.
   * @throws Problem 404 `not-found` for the account or the entry
   */
  async remove(principal: Principal, id: AccountId, raw: string): Promise<void> {
    const account = await this.access.mustSee(principal, id);
    const { value } = await this.addressOf(account, raw, 'not-found');
    const held = (await this.identities.holders(id, [value])).get(value);
    await this.change(account, async (sql) => {
      const [row] = await readRoster(sql, id, { address: value });
      if (!isListed(row)) throw noEntry();
      const events = held === undefined ? [] : await this.identities.touch(sql, [held]);
      if (this.has(account, 'keeps-roster')) {
        await this.desires.set(sql, id, 'contact', value, { groups: [], removed: true });
      } else await this.desires.remove(sql, id, 'contact', value);
      return { events, answer: undefined };
    });
  }

  /**
   * Answers somebody who asks to see this account's presence, or will ask. Done at once, or at the next connect.
   * @throws Problem 404 `not-found` for the account; 409 `unsupported` where nobody asks, `too-many` where too many
   *   answers wait; 422 `invalid` for an address that is nobody's there
   */
  async admit(
    principal: Principal,
    id: AccountId,
    raw: string,
    answer: AdmissionAnswer,
  ): Promise<RosterEntry> {
    const account = await this.access.mustSee(principal, id);
    this.mustHave(account, 'admits');
    const address = await this.addressOf(account, raw, 'invalid');
    await this.change(account, async (sql) => {
      if ((await this.desires.countOf(sql, id, 'admission')) >= mostContacts) {
        throw new Problem(409, 'too-many', `At most ${String(mostContacts)} answers may wait.`);
      }
      const events = await this.meet(sql, account, address);
      await this.desires.set(sql, id, 'admission', address.value, { answer });
      return { events, answer: undefined };
    });
    const [row = nothing(address.value)] = await readRoster(this.database, id, { address: address.value });
    const [entry] = await this.entries(account, [row]);
    if (entry === undefined) throw noEntry();
    return entry;
  }

  private async change<T>(
    account: AccountRow,
    act: (sql: Sql) => Promise<{ readonly events: readonly NewEvent[]; readonly answer: T }>,
  ): Promise<T> {
    const { answer, last } = await this.database.transaction(async (sql) => {
      const done = await act(sql);
      const appended =
        done.events.length === 0
          ? undefined
          : await this.log.append(sql, account.workspace, [...done.events]);
      return { answer: done.answer, last: appended?.last };
    });
    if (last !== undefined) this.log.committed(account.workspace, last);
    this.links.changed(account.link);
    return answer;
  }

  /** Somebody whom the account shall know from now on, with the events that tell of the change to come. */
  private async meet(sql: Sql, account: AccountRow, { value, kind }: Address): Promise<readonly NewEvent[]> {
    const { found, events } = await this.identities.resolve(sql, [{ ...placeOf(account, value), kind }]);
    const identity = found.get(partyKey(account.id, value));
    return events.length > 0 || identity === undefined
      ? events
      : await this.identities.touch(sql, [identity]);
  }

  private async entryOf(account: AccountRow, address: string): Promise<RosterEntry> {
    const [entry] = await this.entries(account, await readRoster(this.database, account.id, { address }));
    if (entry === undefined) throw noEntry();
    return entry;
  }

  private async entries(account: AccountRow, rows: readonly RosterRow[]): Promise<RosterEntry[]> {
    const contacts = rows.map((row) => ({
      row,
      wish: row.wish ? contactFrom(row.address, row.wish) : undefined,
    }));
    const held = await this.identities.holders(
      account.id,
      contacts.flatMap(({ row, wish }) => [
        row.address,
        ...(wish?.stableAddress ? [wish.stableAddress] : []),
      ]),
    );
    const identityOf = ({ row, wish }: (typeof contacts)[number]): IdentityId | undefined =>
      (wish?.stableAddress === undefined ? undefined : held.get(wish.stableAddress)) ?? held.get(row.address);
    const known = await this.views.byIds([...new Set(contacts.flatMap((one) => identityOf(one) ?? []))]);
    const { addresses, settings } = await this.spokenBy(account);
    const keeps = this.has(account, 'keeps-roster');
    return contacts.map((contact): RosterEntry => {
      const { row, wish } = contact;
      const identity = known.get(identityOf(contact) ?? '');
      const wanted = wish?.removed === true ? undefined : wish;
      return {
        account: account.id,
        address: row.address,
        kind: addresses.parse(row.address, settings).kind,
        stableAddress: wish?.stableAddress ?? null,
        name: (wanted ? wanted.name : row.name) ?? null,
        groups: [...(wanted ? wanted.groups : (row.groups ?? []))],
        subscription: row.subscription,
        asks: row.asks ?? false,
        awaited: row.awaited ?? false,
        pending: keeps && ((wish !== undefined && wish.settled !== true) || row.admission !== null),
        answer: row.admission === null ? null : answerFrom(row.admission),
        identity: identity?.id ?? null,
        presence: identity?.presence ?? { presence: 'unknown' },
      };
    });
  }

  /** @throws Problem 404 `not-found` */
  private async spokenBy(
    account: AccountRow,
  ): Promise<{ readonly addresses: AddressRules; readonly settings: JsonObject }> {
    const spoken = await this.spoken.of(account.id);
    if (!spoken) throw noAccount();
    return { addresses: spoken.connector.addresses, settings: spoken.settings };
  }

  private has(account: AccountRow, ability: AbilityName): boolean {
    return this.connectors.get(account.connector).describe().abilities.includes(ability);
  }

  /** @throws Problem 409 `unsupported` */
  private mustHave(account: AccountRow, ability: 'has-contacts' | 'admits'): void {
    if (this.has(account, ability)) return;
    const { name } = this.connectors.get(account.connector).describe();
    throw new Problem(
      409,
      'unsupported',
      ability === 'has-contacts'
        ? `${name} has no roster.`
        : `On ${name} nobody asks to see somebody’s presence.`,
    );
  }

  /** @throws Problem 404 `not-found` or 422 `invalid`, as asked for */
  private async addressOf(
    account: AccountRow,
    raw: string,
    otherwise: 'not-found' | 'invalid',
  ): Promise<Address> {
    const { addresses, settings } = await this.spokenBy(account);
    try {
      const address = addresses.parse(raw, settings);
      if (addresses.kindOf(address.value) !== 'room') return address;
      throw new AddressError(`${addresses.display(address.value)} is the address of a room.`);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      if (otherwise === 'not-found') throw noEntry();
      throw new Problem(422, 'invalid', error.message, {
        errors: [{ pointer: '/address', detail: error.message }],
      });
    }
  }
}

function placeOf({ id }: AccountRow, address: string): Place {
  return { account: id, address };
}

/** Whether somebody is on the roster, as our person wants it or else as the network says. */
function isListed(row: RosterRow | undefined): boolean {
  if (row?.wish) return row.wish['removed'] !== true;
  return row?.listed === true;
}

/** The network has taken the answer already, and nothing is left there. */
function nothing(address: string): RosterRow {
  const none = { wish: null, admission: null, listed: null, name: null, groups: null, subscription: null };
  return { address, ...none, asks: null, awaited: null };
}

function noEntry(): Problem {
  return new Problem(404, 'not-found', 'There is no such entry on the roster.');
}
