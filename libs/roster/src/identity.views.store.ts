import type { Identity } from '#api';
import type { AccountId, AddressKind, IdentityId, Presence } from '#model';
import type { Sql } from '#platform';

interface IdentityRow {
  id: IdentityId;
  account_id: AccountId;
  name: string | null;
  avatar: string | null;
  version: number;
  addresses: { address: string; kind: AddressKind }[];
  presence: Presence;
  presence_note: string | null;
  presence_at: Date | null;
  known: boolean;
  asks: boolean;
}

/**
 * Addresses come in the order in which people meet them: the newest first, the stable ones last. Presence is as good as the session that learnt it: what an older lease knew, and what is left of a session that is not
 * online now, reads as unknown. (`lease` is a table of the sessions; its epoch is the only clock that says so.)
 */
export async function readIdentities(sql: Sql, ids: readonly string[]): Promise<Identity[]> {
  const rows = await sql.query<IdentityRow>(
    `SELECT identity.id, identity.account_id, identity.name, identity.avatar, identity.version,
       coalesce((
         SELECT jsonb_agg(jsonb_build_object('address', held.address, 'kind', held.kind)
           ORDER BY held.kind = 'stable', held.held_from DESC, held.address)
         FROM identity_address held WHERE held.identity_id = identity.id AND held.held
       ), '[]'::jsonb) AS addresses,
       identity.presence, identity.presence_note, identity.presence_at,
       coalesce(identity.presence_epoch >= lease.epoch AND account.session ->> 'state' = 'online', false) AS known,
       EXISTS (
         SELECT FROM identity_address held JOIN roster_item item
           ON item.account_id = held.account_id AND item.address = held.address AND item.asks
         WHERE held.identity_id = identity.id AND held.held
       ) AS asks
     FROM identity
     JOIN account ON account.id = identity.account_id
     LEFT JOIN lease ON lease.link_id = account.link_id
     WHERE identity.id = ANY ($1::uuid[])`,
    [ids],
  );
  return rows.map((row) => ({
    id: row.id,
    account: row.account_id,
    name: row.name,
    avatar: row.avatar,
    addresses: row.addresses,
    presence: row.known
      ? {
          presence: row.presence,
          ...(row.presence_note !== null && { note: row.presence_note }),
          ...(row.presence_at !== null && { since: row.presence_at.toISOString() }),
        }
      : { presence: 'unknown' },
    ...(row.asks && { asks: true }),
    version: row.version,
  }));
}
