import type { EnvelopeSummary } from '#api';
import type { MessageId } from '#model';
import type { Sql } from '#platform';

/** What became of our messages on their way out. Published here, implemented by delivery, bound by the server. */
export abstract class Fates {
  /** One call for any number of messages; a message without envelopes may be left out. */
  abstract of(messages: readonly MessageId[]): Promise<ReadonlyMap<MessageId, EnvelopeSummary[]>>;

  /** Messages are erased in this transaction: what corrections said of them on their way out goes with them. */
  abstract erase(sql: Sql, messages: readonly MessageId[]): Promise<void>;
}
