import type { AccountId, AddressKind, FileId, IdentityId, PresenceState } from '#model';
import type { Sql } from '#platform';
import type { Closing, Holding, Holdings, Making, Opening, Place } from './holdings.js';

interface HoldingRow {
  account_id: AccountId;
  address: string;
  kind: AddressKind;
  identity_id: IdentityId;
  name: string | null;
  stable: string[];
}

/** Presence as a session reports it: of whoever holds the address. */
export interface PresenceRow extends Place {
  readonly presence: PresenceState;
  /** Of the lease under which it was learnt. */
  readonly epoch: bigint;
}

/** Who holds these addresses now: one statement for any number. */
export async function readHoldings(sql: Sql, places: readonly Place[]): Promise<Holding[]> {
  const rows = await sql.query<HoldingRow>(
    `SELECT held.account_id, held.address, held.kind, held.identity_id, identity.name,
       ARRAY(SELECT also.address FROM identity_address also
             WHERE also.identity_id = held.identity_id AND also.kind = 'stable' AND also.held) AS stable
     FROM unnest($1::uuid[], $2::text[]) AS place (account_id, address)
     JOIN identity_address held
       ON held.account_id = place.account_id AND held.address = place.address AND held.held
     JOIN identity ON identity.id = held.identity_id`,
    [places.map((place) => place.account), places.map((place) => place.address)],
  );
  return rows.map((row) => ({
    account: row.account_id,
    address: row.address,
    kind: row.kind,
    identity: row.identity_id,
    stable: row.stable,
    name: row.name ?? undefined,
  }));
}

export interface Written {
  /** The identities that were made: not those which another transaction made first. */
  readonly made: ReadonlySet<IdentityId>;
  /** False where another transaction came first to one of the addresses: read again, decide again. */
  readonly settled: boolean;
}

/** Writes what a batch did to the addresses: at most three statements, usually none. */
export async function writeHoldings(sql: Sql, holdings: Holdings): Promise<Written> {
  const makings = [...holdings.makings.values()];
  const anchors = new Set(makings.map((making) => making.anchor));
  const closed = await closeHoldings(sql, holdings.closings);
  const made = await makeIdentities(sql, makings, holdings.names);
  const others = holdings.openings.filter(
    (opening) =>
      !anchors.has(opening) && (made.has(opening.identity) || !holdings.makings.has(opening.identity)),
  );
  const opened = await openHoldings(sql, others);
  return { made, settled: closed && opened && made.size === makings.length };
}

async function closeHoldings(sql: Sql, closings: readonly Closing[]): Promise<boolean> {
  if (closings.length === 0) return true;
  const rows = await sql.query(
    `UPDATE identity_address held
     SET held = NULL, held_until = greatest(held.held_from, closing.until_at)
     FROM jsonb_to_recordset($1::jsonb) AS closing
       (account_id uuid, address text, identity_id uuid, until_at timestamptz)
     WHERE held.account_id = closing.account_id AND held.address = closing.address AND held.held
       AND held.identity_id = closing.identity_id
     RETURNING held.id`,
    [
      JSON.stringify(
        closings.map((closing) => ({
          account_id: closing.account,
          address: closing.address,
          identity_id: closing.identity,
          until_at: closing.until,
        })),
      ),
    ],
  );
  return rows.length === closings.length;
}

/** Makes the identities whose first address is still free; the others are somebody else's by now and are not made. */
async function makeIdentities(
  sql: Sql,
  makings: readonly Making[],
  names: ReadonlyMap<IdentityId, string>,
): Promise<ReadonlySet<IdentityId>> {
  if (makings.length === 0) return new Set();
  const rows = await sql.query<{ identity_id: IdentityId }>(
    `WITH making AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS making
         (identity_id uuid, account_id uuid, name text, address text, kind text, from_at timestamptz, until_at timestamptz)
     ), anchored AS (
       INSERT INTO identity_address (id, identity_id, account_id, address, kind, held, held_from, held_until)
       SELECT gen_random_uuid(), identity_id, account_id, address, kind,
         CASE WHEN until_at IS NULL THEN true END, from_at, until_at
       FROM making ORDER BY account_id, address
       ON CONFLICT (account_id, address, held) DO NOTHING
       RETURNING identity_id
     ), made AS (
       INSERT INTO identity (id, account_id, name)
       SELECT identity_id, account_id, name FROM making JOIN anchored USING (identity_id)
     )
     SELECT identity_id FROM anchored`,
    [
      JSON.stringify(
        makings.map(({ identity, anchor }) => ({
          ...openingRow(anchor),
          identity_id: identity,
          name: names.get(identity) ?? null,
        })),
      ),
    ],
  );
  return new Set(rows.map((row) => row.identity_id));
}

async function openHoldings(sql: Sql, openings: readonly Opening[]): Promise<boolean> {
  if (openings.length === 0) return true;
  const rows = await sql.query(
    `INSERT INTO identity_address (id, identity_id, account_id, address, kind, held, held_from, held_until)
     SELECT gen_random_uuid(), identity_id, account_id, address, kind,
       CASE WHEN until_at IS NULL THEN true END, from_at, until_at
     FROM jsonb_to_recordset($1::jsonb) AS opening
       (identity_id uuid, account_id uuid, address text, kind text, from_at timestamptz, until_at timestamptz)
     ORDER BY account_id, address
     ON CONFLICT (account_id, address, held) DO NOTHING
     RETURNING id`,
    [JSON.stringify(openings.map(openingRow))],
  );
  return rows.length === openings.length;
}

function openingRow(opening: Opening) {
  return {
    identity_id: opening.identity,
    account_id: opening.account,
    address: opening.address,
    kind: opening.kind,
    from_at: opening.from,
    until_at: opening.until ?? null,
  };
}

/** Gives identities their new names and every one of them its next version. Rows are locked by id, as everywhere. */
export async function touchIdentities(
  sql: Sql,
  identities: readonly IdentityId[],
  names: ReadonlyMap<IdentityId, string>,
): Promise<{ id: IdentityId; account_id: AccountId }[]> {
  if (identities.length === 0) return [];
  return await sql.query(
    `WITH locked AS (
       SELECT identity.id, change.name
       FROM identity JOIN unnest($1::uuid[], $2::text[]) AS change (id, name) ON change.id = identity.id
       ORDER BY identity.id FOR UPDATE OF identity
     )
     UPDATE identity SET name = coalesce(locked.name, identity.name), version = identity.version + 1
     FROM locked WHERE identity.id = locked.id
     RETURNING identity.id, identity.account_id`,
    [identities, identities.map((identity) => names.get(identity) ?? null)],
  );
}

/** Gives identities their avatars. Answers those that had another. */
export async function writeAvatars(
  sql: Sql,
  avatars: ReadonlyMap<IdentityId, FileId | null>,
): Promise<{ id: IdentityId; account_id: AccountId }[]> {
  if (avatars.size === 0) return [];
  return await sql.query(
    `WITH locked AS (
       SELECT identity.id, given.avatar
       FROM identity JOIN unnest($1::uuid[], $2::text[]) AS given (id, avatar) ON given.id = identity.id
       WHERE identity.avatar IS DISTINCT FROM given.avatar
       ORDER BY identity.id FOR UPDATE OF identity
     )
     UPDATE identity SET avatar = locked.avatar, version = identity.version + 1
     FROM locked WHERE identity.id = locked.id
     RETURNING identity.id, identity.account_id`,
    [[...avatars.keys()], [...avatars.values()]],
  );
}

/**
 * Keeps the latest presence of those who have an identity; of others nothing is kept. What an older lease has learnt
 * never replaces what a newer one knows, and what has not changed is not written.
 */
export async function writePresence(sql: Sql, rows: readonly PresenceRow[]): Promise<void> {
  await sql.query(
    `WITH told AS (
       SELECT DISTINCT ON (held.identity_id) held.identity_id, row.presence, row.note, row.since, row.epoch
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[])
         WITH ORDINALITY AS row (account_id, address, presence, note, since, epoch, ord)
       JOIN identity_address held
         ON held.account_id = row.account_id AND held.address = row.address AND held.held
       ORDER BY held.identity_id, row.epoch DESC, row.ord DESC
     ), locked AS (
       SELECT identity.id, told.* FROM identity JOIN told ON told.identity_id = identity.id
       WHERE identity.presence_epoch <= told.epoch
         AND (identity.presence, identity.presence_note, identity.presence_at, identity.presence_epoch)
           IS DISTINCT FROM (told.presence, told.note, told.since, told.epoch)
       ORDER BY identity.id FOR UPDATE OF identity
     )
     UPDATE identity SET presence = locked.presence, presence_note = locked.note,
       presence_at = locked.since, presence_epoch = locked.epoch
     FROM locked WHERE identity.id = locked.id`,
    [
      rows.map((row) => row.account),
      rows.map((row) => row.address),
      rows.map((row) => row.presence.presence),
      rows.map((row) => row.presence.note ?? null),
      rows.map((row) => row.presence.since ?? null),
      rows.map((row) => row.epoch),
    ],
  );
}
