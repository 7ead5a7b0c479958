import type { AccountId, LogEvent, NewEvent, PersonId, WorkspaceId } from '#model';
import { Database, type Sql } from '#platform';
import { Injectable } from '@nestjs/common';
import { eventLogStore as store } from './event-log.store.js';
import { Signals } from './signals.js';

/** Who reads: events whose audience is the person or one of these accounts. */
export interface ReaderScope {
  readonly person: PersonId;
  readonly accounts: ReadonlySet<AccountId>;
}

/** Further data-modifying CTEs in the same statement as the append. */
export interface Alongside {
  /**
   * `from` is the number of the first free parameter. The text begins with a CTE's name, without a comma before it.
   * It may read the CTE `numbered(ord int, id uuid, subject uuid, type text, sequence bigint)`, `ord` from 1 in the
   * order the events were given. It runs under the head's lock: rows that it changes are new, or the transaction has
   * locked them before, or two transactions could wait for each other.
   */
  ctes(from: number): string;
  readonly params: readonly unknown[];
}

/** The numbers that the events got, both ends included; `last < first` when there were none. */
export interface Appended {
  readonly first: bigint;
  readonly last: bigint;
}

/** There is no such workspace, or no more. */
export class UnknownWorkspace extends Error {
  override readonly name = 'UnknownWorkspace';

  constructor(readonly workspace: WorkspaceId) {
    super(`workspace ${workspace} has no log`);
  }
}

/** Makes the log of a new workspace, in the transaction that makes the workspace. */
export async function createHead(sql: Sql, workspace: WorkspaceId): Promise<void> {
  await store.createHead(sql, workspace);
}

/** The channel on which a workspace says that its log has grown. */
export function logChannel(workspace: WorkspaceId): string {
  return `log:${workspace}`;
}

/** Rows per statement: some tens of milliseconds, since on the embedded engine everybody else waits meanwhile. */
const slice = 1_000;

/**
 * One log per workspace, numbered without holes. Nobody sees N+1 before N: a number is taken by updating the head's row,
 * whose lock is held until the transaction has committed, so numbers become visible in their order; and a transaction
 * that rolls back gives its numbers back.
 */
@Injectable()
export class EventLog {
  constructor(
    private readonly database: Database,
    private readonly signals: Signals,
  ) {}

  /**
   * Numbers and stores events in the order given, together with what goes alongside, in one statement. It takes the
   * head of the workspace, which everybody who writes there waits for: the last statement of its transaction.
   * After the commit call `committed`.
   * @throws UnknownWorkspace
   */
  async append(
    sql: Sql,
    workspace: WorkspaceId,
    events: readonly NewEvent[],
    alongside?: Alongside,
  ): Promise<Appended> {
    if (events.length === 0) {
      if (alongside) await store.alone(sql, alongside);
      return { first: 1n, last: 0n };
    }
    const numbers = await store.append(sql, workspace, events, alongside);
    if (!numbers) throw new UnknownWorkspace(workspace);
    return numbers;
  }

  /** Wakes the readers of the workspace, here and in the other processes. `last` as `append` gave it. */
  committed(workspace: WorkspaceId, last: bigint): void {
    if (last > 0n) this.signals.publish(logChannel(workspace));
  }

  /**
   * The number of the last event, and the number up to which events have been let go.
   * @throws UnknownWorkspace
   */
  async head(workspace: WorkspaceId): Promise<{ readonly sequence: bigint; readonly floor: bigint }> {
    const head = await store.head(this.database, workspace);
    if (!head) throw new UnknownWorkspace(workspace);
    return head;
  }

  /**
   * The next events after a number that the reader may see, oldest first. What retention let go is not told here: ask
   * for the `head` afterwards, since the floor rises before rows go.
   */
  async page(workspace: WorkspaceId, after: bigint, limit: number, who: ReaderScope): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (let window = 1_000; events.length < limit; window *= 4) {
      const page = await store.page(this.database, workspace, after, limit - events.length, window, who);
      events.push(...page.events);
      after = page.reached;
      if (page.reached >= page.head) break;
    }
    return events;
  }

  /**
   * Lets go of events older than that, in all workspaces, in slices: first the floor, so that readers know, then the
   * rows. Stops before the first younger event and before what a durable reader has not read.
   */
  async retain(olderThan: Date): Promise<void> {
    let after: WorkspaceId | undefined;
    for (;;) {
      const workspaces = await store.workspaces(this.database, after, 100);
      for (const workspace of workspaces) await this.#retain(workspace, olderThan);
      after = workspaces.at(-1);
      if (after === undefined) return;
    }
  }

  async #retain(workspace: WorkspaceId, olderThan: Date): Promise<void> {
    for (let more = true; more;) {
      const outdated = await store.outdated(this.database, workspace, olderThan, slice);
      const floor = outdated && (await store.raiseFloor(this.database, workspace, outdated.upTo));
      // Also what a run that was cut off between the two left behind.
      while ((await store.prune(this.database, workspace, slice)) === slice);
      more = outdated?.more === true && floor === outdated.upTo;
    }
  }
}
