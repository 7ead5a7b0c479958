import { Injectable } from '@nestjs/common';
import type { Account } from '#api';
import { Database } from '#platform';
import { accountViewRows, type AccountViewRow } from './account.store.js';

/** Accounts as REST and the streams show them. */
@Injectable()
export class AccountViews {
  constructor(private readonly database: Database) {}

  /** By id; what is gone is not in it. Whether the reader may see them is the caller's business. */
  async byIds(ids: readonly string[]): Promise<Map<string, Account>> {
    if (ids.length === 0) return new Map();
    const rows = await accountViewRows(this.database, ids);
    return new Map(rows.map((row) => [row.id, accountView(row)]));
  }
}

function accountView(row: AccountViewRow): Account {
  return {
    id: row.id,
    connector: row.connector,
    label: row.label,
    network: row.network,
    localAddress: row.localAddress,
    link: row.link,
    holder: row.holder,
    people: [...row.people],
    settings: row.settings,
    secretNames: [...row.secretNames],
    wanted: row.wanted,
    session: { ...row.session, at: row.sessionAt.toISOString() },
    capabilities: row.capabilities,
    onUnknown: row.onUnknown,
    createdAt: row.createdAt.toISOString(),
    version: row.version,
  };
}
