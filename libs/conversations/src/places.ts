import { Injectable } from '@nestjs/common';
import type { AccountId, ConversationId, ConversationKind, WorkspaceId } from '#model';
import { Batcher, Database } from '#platform';

/** What never changes of a conversation: where it belongs. */
export interface Place {
  readonly id: ConversationId;
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  readonly kind: ConversationKind;
}

/** An address of an account. */
interface Spot {
  readonly account: AccountId;
  readonly address: string;
}

/** Enough for every conversation that is busy at a time; some 200 bytes each. */
const MOST = 20_000;

/**
 * Where conversations belong, remembered: each send needs to know, and it never changes. Who may see a place is not
 * said here, and that it still exists is known only under its lock.
 */
@Injectable()
export class Places {
  private readonly known = new Map<ConversationId, Place>();
  private readonly loader = new Batcher<ConversationId, Place | undefined>((ids) => this.load(ids));

  private readonly kinds = new Batcher<Spot, ConversationKind | undefined>((spots) => this.loadKinds(spots));

  constructor(private readonly database: Database) {}

  /** The place of a conversation; undefined where there is none. */
  async of(id: ConversationId): Promise<Place | undefined> {
    return this.known.get(id) ?? (await this.loader.add(id));
  }

  /** What an account knows an address as; undefined where there is no conversation with it. */
  async kindAt(account: AccountId, address: string): Promise<ConversationKind | undefined> {
    return await this.kinds.add({ account, address });
  }

  private async loadKinds(spots: readonly Spot[]): Promise<(ConversationKind | undefined)[]> {
    const rows = await this.database.query<{ at: number; kind: ConversationKind }>(
      `SELECT (spot.at - 1)::int AS at, c.kind
       FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS spot (account_id, address, at)
       JOIN conversation c ON c.account_id = spot.account_id AND c.address = spot.address AND c.held`,
      [spots.map(({ account }) => account), spots.map(({ address }) => address)],
    );
    const kinds = new Map(rows.map(({ at, kind }) => [at, kind]));
    return spots.map((_, at) => kinds.get(at));
  }

  private async load(ids: readonly ConversationId[]): Promise<(Place | undefined)[]> {
    const rows = await this.database.query<{
      id: ConversationId;
      workspace_id: WorkspaceId;
      account_id: AccountId;
      kind: ConversationKind;
    }>('SELECT id, workspace_id, account_id, kind FROM conversation WHERE id = ANY($1::uuid[])', [ids]);
    for (const row of rows) {
      this.known.set(row.id, {
        id: row.id,
        workspace: row.workspace_id,
        account: row.account_id,
        kind: row.kind,
      });
    }
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(oldest);
    }
    return ids.map((id) => this.known.get(id));
  }
}
