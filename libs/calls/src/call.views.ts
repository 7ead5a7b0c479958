import { Injectable } from '@nestjs/common';
import type { Call } from '#api';
import type { AccountId } from '#model';
import { Database } from '#platform';
import { readCalls } from './call.store.js';

/** More calls than this that ring or are spoken in are not in a snapshot. */
const MOST_OPEN = 1_000;

/** Calls as REST and the stream show them. Whether the reader may see them is the caller's business. */
@Injectable()
export class CallViews {
  constructor(private readonly database: Database) {}

  async byIds(ids: readonly string[]): Promise<Map<string, Call>> {
    if (ids.length === 0) return new Map();
    return new Map((await readCalls(this.database, { ids })).map((call) => [call.id, call]));
  }

  /** The calls of these accounts that are not over, the latest first. */
  async open(accounts: readonly AccountId[]): Promise<Call[]> {
    return await readCalls(this.database, { open: accounts, most: MOST_OPEN });
  }
}
