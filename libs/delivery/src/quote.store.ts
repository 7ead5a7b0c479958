import { Injectable } from '@nestjs/common';
import type { ConversationId } from '#model';
import type { Sql } from '#platform';

/** Where a conversation leads now. */
export interface PlaceNow {
  readonly address: string;
  /** Whether the address is still that of whom it was begun with. */
  readonly held: boolean;
  /** Whether they have asked not to be written to. */
  readonly silenced: boolean;
}

/** What a quote looks at, without a lock: it may be otherwise a moment later. */
@Injectable()
export class QuoteStore {
  async places(sql: Sql, ids: readonly ConversationId[]): Promise<Map<ConversationId, PlaceNow>> {
    if (ids.length === 0) return new Map();
    const rows = await sql.query<PlaceNow & { id: ConversationId }>(
      `SELECT c.id, c.address, coalesce(c.held, false) AS held, coalesce(o.opted_out, false) AS silenced
       FROM conversation c LEFT JOIN opt_out o ON o.account_id = c.account_id AND o.address = c.address
       WHERE c.id = ANY($1::uuid[])`,
      [ids],
    );
    return new Map(rows.map(({ id, ...place }) => [id, place]));
  }
}
