import { Injectable } from '@nestjs/common';
import type { AccountId, PersonId, WorkspaceId } from '#model';
import { Clock, Database, Problem } from '#platform';
import { AccessChanges, concerns, type Concern } from './access-changes.js';
import type { AccountRow } from './account.rows.js';
import { accountIdsOf, findAccount } from './account.store.js';
import type { Principal } from './principal.js';
import { ShortCache } from './short-cache.js';

interface Seen {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly accounts: ReadonlySet<AccountId>;
}

/** A lost signal costs this much. */
const ttlMs = 3_000;

/** Who may see what: people see what their own accounts see, and no more (DESIGN.md, law 11). */
@Injectable()
export class Access {
  readonly #seen: ShortCache<Seen>;

  constructor(
    private readonly database: Database,
    private readonly changes: AccessChanges,
    clock: Clock,
  ) {
    this.#seen = new ShortCache(clock, ttlMs, 10_000);
    changes.listen((concern) => {
      this.#seen.forget((seen) => concerns(concern, seen));
    });
  }

  /** The accounts that a person holds or was given access to. At most a few seconds old. */
  async accountsOf(workspace: WorkspaceId, person: PersonId): Promise<ReadonlySet<AccountId>> {
    const seen = await this.#seen.get(`${workspace} ${person}`, async () => ({
      workspace,
      person,
      accounts: await this.accountsNow(workspace, person),
    }));
    return seen?.accounts ?? new Set();
  }

  /**
   * As `accountsOf`, but read now. For whoever has just read a cursor and shows what is true at it: a change of access
   * that lies before the cursor must be seen, even if its signal has not come yet.
   */
  async accountsNow(workspace: WorkspaceId, person: PersonId): Promise<ReadonlySet<AccountId>> {
    return new Set(await accountIdsOf(this.database, workspace, person));
  }

  /**
   * The account, if the caller may see it.
   * @throws Problem 404 `not-found`, the same for somebody else's account as for one that never was.
   */
  async mustSee(principal: Principal, account: AccountId): Promise<AccountRow> {
    const seen = await this.accountsOf(principal.workspace, principal.person);
    if (!seen.has(account)) throw noAccount();
    const row = await findAccount(this.database, principal.workspace, account);
    if (!row) throw noAccount();
    return row;
  }

  /**
   * Hears that somebody's accounts, role or credentials may have changed, after this cache and the authenticator's have
   * let go of them: ask again, and authenticate streams again.
   */
  onChanged(heard: (concern: Concern) => void): () => void {
    return this.changes.listen(heard);
  }
}

export function noAccount(): Problem {
  return new Problem(404, 'not-found', 'There is no such account.');
}
