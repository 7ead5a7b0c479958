import { Injectable } from '@nestjs/common';
import {
  Access,
  Connectors,
  Desires,
  LinkBook,
  decodeAfter,
  encodeAfter,
  type AccountRow,
  type Principal,
  type QueryOf,
} from '#accounts';
import type { RosterEntry, Routes, SetRosterEntryBody } from '#api';
import { EventLog } from '#bus';
import { AddressError, type DesiredContact } from '#connector';
import type { AccountId, Address, IdentityId } from '#model';
import { Database, Problem } from '#platform';
import { Identities, partyKey } from './identities.js';
import { IdentityViews } from './identity.views.js';

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
    const contacts = await this.desires.contacts(
      id,
      decodeAfter('roster', query.next) ?? '',
      query.limit + 1,
    );
    const page = contacts.slice(0, query.limit);
    const items = await this.entries(account, page);
    const last = page.at(-1);
    return contacts.length > page.length && last
      ? { items, next: encodeAfter('roster', last.address) }
      : { items };
  }

  /** @throws Problem 404 `not-found` for the account or the entry */
  async get(principal: Principal, id: AccountId, raw: string): Promise<RosterEntry> {
    const account = await this.access.mustSee(principal, id);
    const address = this.addressOf(account, raw, 'not-found');
    const contact = await this.desires.contact(this.database, id, address.value);
    const [entry] = contact ? await this.entries(account, [contact]) : [];
    if (entry === undefined) throw noEntry();
    return entry;
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
    this.mustHaveRoster(account);
    const address = this.addressOf(account, raw, 'invalid');
    const { made, last } = await this.database.transaction(async (sql) => {
      const before = await this.desires.contact(sql, id, address.value);
      if (before === undefined && (await this.desires.countContacts(sql, id)) >= mostContacts) {
        throw new Problem(409, 'too-many', `A roster has at most ${String(mostContacts)} entries.`);
      }
      const ask = { account: id, address: address.value, kind: address.kind };
      const { found, events } = await this.identities.resolve(sql, [ask]);
      const identity = found.get(partyKey(id, address.value));
      const stableAddress = before?.stableAddress ?? (await this.identities.stableOf(sql, ask));
      await this.desires.set(sql, id, 'contact', address.value, {
        ...(body.name !== undefined && { name: body.name }),
        groups: [...new Set(body.groups ?? [])],
        ...(stableAddress !== undefined && { stableAddress }),
      });
      if (events.length === 0 && identity) events.push(...(await this.identities.touch(sql, [identity])));
      const appended = await this.log.append(sql, account.workspace, events);
      return { made: before === undefined, last: appended.last };
    });
    this.log.committed(account.workspace, last);
    this.links.changed(account.link);
    return { entry: await this.get(principal, id, address.value), made };
  }

  /** @throws Problem 404 `not-found` for the account or the entry */
  async remove(principal: Principal, id: AccountId, raw: string): Promise<void> {
    const account = await this.access.mustSee(principal, id);
    const { value } = this.addressOf(account, raw, 'not-found');
    const held = (await this.identities.holders(id, [value])).get(value);
    const last = await this.database.transaction(async (sql) => {
      if (!(await this.desires.remove(sql, id, 'contact', value))) throw noEntry();
      const events = held === undefined ? [] : await this.identities.touch(sql, [held]);
      return events.length === 0 ? undefined : (await this.log.append(sql, account.workspace, events)).last;
    });
    if (last !== undefined) this.log.committed(account.workspace, last);
    this.links.changed(account.link);
  }

  private async entries(account: AccountRow, contacts: readonly DesiredContact[]): Promise<RosterEntry[]> {
    const held = await this.identities.holders(
      account.id,
      contacts.flatMap(({ address, stableAddress }) => [address, ...(stableAddress ? [stableAddress] : [])]),
    );
    const identityOf = ({ address, stableAddress }: DesiredContact): IdentityId | undefined =>
      (stableAddress === undefined ? undefined : held.get(stableAddress)) ?? held.get(address);
    const known = await this.views.byIds([...new Set(contacts.flatMap((one) => identityOf(one) ?? []))]);
    const { addresses } = this.connectors.get(account.connector);
    return contacts.map((contact): RosterEntry => {
      const identity = known.get(identityOf(contact) ?? '');
      return {
        account: account.id,
        address: contact.address,
        kind: addresses.parse(contact.address).kind,
        stableAddress: contact.stableAddress ?? null,
        name: contact.name ?? null,
        groups: [...contact.groups],
        identity: identity?.id ?? null,
        presence: identity?.presence ?? { presence: 'unknown' },
      };
    });
  }

  private mustHaveRoster(account: AccountRow): void {
    const { abilities, name } = this.connectors.get(account.connector).describe();
    if (abilities.includes('has-contacts')) return;
    throw new Problem(409, 'unsupported', `${name} has no roster.`);
  }

  /** @throws Problem 404 `not-found` or 422 `invalid`, as asked for */
  private addressOf(account: AccountRow, raw: string, otherwise: 'not-found' | 'invalid'): Address {
    const { addresses } = this.connectors.get(account.connector);
    try {
      const address = addresses.parse(raw);
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

function noEntry(): Problem {
  return new Problem(404, 'not-found', 'There is no such entry on the roster.');
}
