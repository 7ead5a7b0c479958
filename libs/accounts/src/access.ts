import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Signals, type JsonLike } from '#bus';
import type { AccountId, PersonId, WorkspaceId } from '#model';
import { Clock, Database, Problem } from '#platform';
import type { AccountRow } from './account.rows.js';
import { accountIdsOf, findAccount } from './account.store.js';
import type { Principal } from './principal.js';
import { ShortCache } from './short-cache.js';

/** The channel on which a change of somebody's rights is told: `{workspace, person}`. */
export const accessChannel = 'access';

interface Seen {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly accounts: ReadonlySet<AccountId>;
}

/** A lost signal costs this much. */
const ttlMs = 3_000;

/** Who may see what: people see what their own accounts see, and no more (DESIGN.md, law 11). */
@Injectable()
export class Access implements OnModuleInit, OnModuleDestroy {
  readonly #seen: ShortCache<Seen>;
  #unsubscribe: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly signals: Signals,
    clock: Clock,
  ) {
    this.#seen = new ShortCache(clock, ttlMs, 10_000);
  }

  onModuleInit(): void {
    this.#unsubscribe = this.signals.subscribe(accessChannel, (payload) => {
      this.forget(concernOf(payload));
    });
  }

  onModuleDestroy(): void {
    this.#unsubscribe?.();
  }

  /** The accounts that a person holds or was given access to. At most a few seconds old. */
  async accountsOf(workspace: WorkspaceId, person: PersonId): Promise<ReadonlySet<AccountId>> {
    const seen = await this.#seen.get(`${workspace} ${person}`, async () => {
      return { workspace, person, accounts: new Set(await accountIdsOf(this.database, workspace, person)) };
    });
    return seen?.accounts ?? new Set();
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

  /** Call after the commit of a change of somebody's accounts or role: forgets here and tells the other processes. */
  changed(workspace: WorkspaceId, people: Iterable<PersonId>): void {
    for (const person of people) {
      this.forget({ workspace, person });
      this.signals.publish(accessChannel, { workspace, person });
    }
  }

  private forget(concern: Concern): void {
    this.#seen.forget(
      ({ workspace, person }) =>
        concern === 'everybody' || (concern.workspace === workspace && concern.person === person),
    );
  }
}

/** Whom a signal of the access channel is about; everybody, when it does not say. */
export type Concern = 'everybody' | { readonly workspace: string; readonly person: string };

export function concernOf(payload: JsonLike | undefined): Concern {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return 'everybody';
  const { workspace, person } = payload as Readonly<Record<string, JsonLike | undefined>>;
  return typeof workspace === 'string' && typeof person === 'string' ? { workspace, person } : 'everybody';
}

export function noAccount(): Problem {
  return new Problem(404, 'not-found', 'There is no such account.');
}
