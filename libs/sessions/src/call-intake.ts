import type { InboundCall } from '#connector';
import type { AccountId, ConversationId, IdentityId, NewEvent, WorkspaceId } from '#model';
import type { Sql } from '#platform';

/** What a session told of a call, with what it is about. */
export interface ToldCall {
  readonly event: InboundCall;
  readonly conversation: ConversationId;
  /** The other end. */
  readonly identity: IdentityId | undefined;
}

/** What sessions tell of calls (a port: the room of calls implements it). */
export abstract class CallIntake {
  /**
   * Takes in what was told, in its order, in the transaction of the batch that it came with: identities and conversations
   * are resolved and locked before. Answers what has changed, for the caller's append.
   */
  abstract take(sql: Sql, workspace: WorkspaceId, told: readonly ToldCall[]): Promise<readonly NewEvent[]>;

  /** Whoever told of these accounts' calls tells no more: those that nobody tells of soon are over. */
  abstract abandon(accounts: readonly AccountId[]): Promise<void>;
}
