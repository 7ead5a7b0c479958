import type { AccountId, LogEvent, NewEvent, PersonId, WorkspaceId } from '#model';
import type { Sql } from './sql.js';

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
   * order the events were given.
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
}

export class EventLog {
  append(
    _sql: Sql,
    _workspace: WorkspaceId,
    _events: readonly NewEvent[],
    _alongside?: Alongside,
  ): Promise<Appended> {
    throw new Error('not built yet');
  }
  committed(_workspace: WorkspaceId, _last: bigint): void {
    throw new Error('not built yet');
  }
  head(_workspace: WorkspaceId): Promise<{ readonly sequence: bigint; readonly floor: bigint }> {
    throw new Error('not built yet');
  }
  page(_workspace: WorkspaceId, _after: bigint, _limit: number, _who: ReaderScope): Promise<LogEvent[]> {
    throw new Error('not built yet');
  }
  retain(_olderThan: Date): Promise<void> {
    throw new Error('not built yet');
  }
}

/** Makes the log of a new workspace, in the transaction that makes the workspace. */
export function createHead(_sql: Sql, _workspace: WorkspaceId): Promise<void> {
  throw new Error('not built yet');
}
