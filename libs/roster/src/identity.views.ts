import { Injectable } from '@nestjs/common';
import type { Identity } from '#api';
import { Database } from '#platform';
import { readIdentities } from './identity.views.store.js';

/** Identities as REST and the stream show them. */
@Injectable()
export class IdentityViews {
  constructor(private readonly database: Database) {}

  /**
   * One statement for any number of ids; an id of nobody is left out. Whether the reader may see them is the
   * caller's to know: an identity belongs to one account.
   */
  async byIds(ids: readonly string[]): Promise<Map<string, Identity>> {
    if (ids.length === 0) return new Map();
    const identities = await readIdentities(this.database, ids);
    return new Map(identities.map((identity) => [identity.id, identity]));
  }
}
