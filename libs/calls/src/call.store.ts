import type { Call } from '#api';
import type {
  AccountId,
  CallId,
  CallState,
  ConversationId,
  ErrorCode,
  IdentityId,
  LegState,
  PersonId,
  Remedy,
  WorkspaceId,
} from '#model';
import { asJson, type Database, type Sql } from '#platform';
import type { CallTale } from './tale.js';

/** A call as those who write it know it. */
export interface CallRow extends CallTale {
  readonly id: CallId;
  readonly account: AccountId;
  readonly remoteId: string | null;
}

/** A call that is not there yet. */
export interface NewCall extends CallTale {
  readonly id: CallId;
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly identity: IdentityId | null;
  readonly direction: 'in' | 'out';
  readonly remoteId: string | null;
  readonly address: string;
  readonly from: string | null;
  readonly person: PersonId | null;
  readonly at: Date;
  /** In milliseconds from now; undefined once it is over. */
  readonly dueInMs: number | undefined;
  /** The request that placed it. */
  readonly key?: CallKey | undefined;
}

/** A client's own name for a request to place a call. */
export interface CallKey {
  readonly principal: string;
  readonly key: string;
  /** SHA-256 of what was asked, hexadecimal. */
  readonly bodyHash: string;
}

interface TaleColumns {
  state: CallState;
  mine: LegState | null;
  theirs: LegState | null;
  code: ErrorCode | null;
  remedy: Remedy | null;
  detail: string | null;
  answered_at: Date | null;
  ended_at: Date | null;
}

const TALE = 'c.state, c.mine, c.theirs, c.code, c.remedy, c.detail, c.answered_at, c.ended_at';

/** Requests are remembered by their keys for so long. */
const KEY_LIFETIME_DAYS = 7;

function taleOf(row: TaleColumns): CallTale {
  const { mine, theirs, code, remedy, detail } = row;
  return {
    state: row.state,
    legs: mine && theirs ? { mine, theirs } : null,
    failure: code && remedy ? { code, remedy, ...(detail === null ? {} : { detail }) } : null,
    answeredAt: row.answered_at,
    endedAt: row.ended_at,
  };
}

function columnsOf({ state, legs, failure, answeredAt, endedAt }: CallTale): object {
  return {
    state,
    mine: legs?.mine,
    theirs: legs?.theirs,
    code: failure?.code,
    remedy: failure?.remedy,
    detail: failure?.detail,
    answered_at: answeredAt,
    ended_at: endedAt,
  };
}

/** The calls that are named, locked in the order of their ids. */
export async function lockCalls(
  sql: Sql,
  named: readonly { readonly account: AccountId; readonly remoteId?: string; readonly id?: CallId }[],
): Promise<CallRow[]> {
  if (named.length === 0) return [];
  const rows = await sql.query<TaleColumns & { id: CallId; account_id: AccountId; remote_id: string | null }>(
    `SELECT c.id, c.account_id, c.remote_id, ${TALE} FROM call c
     WHERE c.id IN (
       SELECT known.id FROM json_to_recordset($1::json) AS named(account uuid, "remoteId" text, id uuid)
       JOIN call known ON known.account_id = named.account
         AND (known.remote_id = named."remoteId" OR known.id = named.id))
     ORDER BY c.id FOR NO KEY UPDATE`,
    [asJson(named)],
  );
  return rows.map((row) => ({
    id: row.id,
    account: row.account_id,
    remoteId: row.remote_id,
    ...taleOf(row),
  }));
}

/** Makes calls. One whose key was used meanwhile is not made: answers those that are. */
export async function insertCalls(sql: Sql, calls: readonly NewCall[]): Promise<CallId[]> {
  if (calls.length === 0) return [];
  const rows = await sql.query<{ id: CallId }>(
    `INSERT INTO call (id, workspace_id, account_id, conversation_id, identity_id, direction, remote_id, address,
       from_address, person_id, state, mine, theirs, code, remedy, detail, answered_at, ended_at, at, due_at,
       principal, key, body_hash)
     SELECT id, workspace, account, conversation, identity, direction, remote_id, address, from_address, person,
       state, mine, theirs, code, remedy, detail, answered_at, ended_at, at,
       now() + make_interval(secs => due_in), principal, key, decode(body_hash, 'hex')
     FROM json_to_recordset($1::json) AS made(id uuid, workspace uuid, account uuid, conversation uuid, identity uuid,
       direction text, remote_id text, address text, from_address text, person uuid, state text, mine text,
       theirs text, code text, remedy text, detail text, answered_at timestamptz, ended_at timestamptz,
       at timestamptz, due_in float8, principal uuid, key text, body_hash text)
     ON CONFLICT (workspace_id, principal, key) DO NOTHING RETURNING id`,
    [
      asJson(
        calls.map((call) => ({
          ...columnsOf(call),
          id: call.id,
          workspace: call.workspace,
          account: call.account,
          conversation: call.conversation,
          identity: call.identity,
          direction: call.direction,
          remote_id: call.remoteId,
          address: call.address,
          from_address: call.from,
          person: call.person,
          at: call.at,
          due_in: secondsOf(call.dueInMs),
          principal: call.key?.principal,
          key: call.key?.key,
          body_hash: call.key?.bodyHash,
        })),
      ),
    ],
  );
  return rows.map(({ id }) => id);
}

/** Writes how calls stand now; `changed` ones have another version. */
export async function updateCalls(
  sql: Sql,
  calls: readonly (CallTale & {
    readonly id: CallId;
    readonly changed: boolean;
    readonly dueInMs: number | undefined;
  })[],
): Promise<void> {
  if (calls.length === 0) return;
  await sql.query(
    `UPDATE call c SET state = now.state, mine = now.mine, theirs = now.theirs, code = now.code, remedy = now.remedy,
       detail = now.detail, answered_at = now.answered_at, ended_at = now.ended_at,
       due_at = now() + make_interval(secs => now.due_in), version = c.version + now.changed::int
     FROM json_to_recordset($1::json) AS now(id uuid, changed boolean, state text, mine text, theirs text, code text,
       remedy text, detail text, answered_at timestamptz, ended_at timestamptz, due_in float8)
     WHERE c.id = now.id`,
    [
      asJson(
        calls.map((call) => ({
          ...columnsOf(call),
          id: call.id,
          changed: call.changed,
          due_in: secondsOf(call.dueInMs),
        })),
      ),
    ],
  );
}

function secondsOf(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}

/** Calls that are not over are, unless something is heard of them within a time. */
export async function hastenCalls(sql: Database, accounts: readonly AccountId[], ms: number): Promise<void> {
  await sql.query(
    `UPDATE call SET due_at = least(due_at, now() + make_interval(secs => $2))
     WHERE account_id = ANY($1::uuid[]) AND due_at IS NOT NULL`,
    [accounts, ms / 1_000],
  );
}

/** The workspaces in which calls are due. */
export async function workspacesDue(sql: Database): Promise<WorkspaceId[]> {
  const rows = await sql.query<{ workspace_id: WorkspaceId }>(
    'SELECT DISTINCT workspace_id FROM call WHERE due_at <= now()',
  );
  return rows.map((row) => row.workspace_id);
}

/** Some calls that are due, locked. */
export async function lockDue(sql: Sql, workspace: WorkspaceId, most: number): Promise<CallRow[]> {
  const due = await sql.query<{ id: CallId; account: AccountId }>(
    `SELECT id, account_id AS account FROM call WHERE workspace_id = $1 AND due_at <= now()
     ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`,
    [workspace, most],
  );
  return await lockCalls(sql, due);
}

/** Forgets the key of a request that is old enough: then the same key is a new request. */
export async function forgetOldKey(
  sql: Sql,
  workspace: WorkspaceId,
  { principal, key }: CallKey,
): Promise<void> {
  await sql.query(
    `UPDATE call SET principal = NULL, key = NULL, body_hash = NULL
     WHERE workspace_id = $1 AND principal = $2 AND key = $3 AND created_at < now() - make_interval(days => $4)`,
    [workspace, principal, key, KEY_LIFETIME_DAYS],
  );
}

/** The call that a request with this key has placed. */
export async function byKey(
  sql: Sql,
  workspace: WorkspaceId,
  { principal, key }: CallKey,
): Promise<{ readonly id: CallId; readonly bodyHash: string } | undefined> {
  const [row] = await sql.query<{ id: CallId; bodyHash: string }>(
    `SELECT id, encode(body_hash, 'hex') AS "bodyHash" FROM call WHERE workspace_id = $1 AND principal = $2 AND key = $3`,
    [workspace, principal, key],
  );
  return row;
}

/** A call's id on its network; undefined for one that was placed here. */
export async function remoteIdOf(sql: Database, id: CallId): Promise<string | undefined> {
  const [row] = await sql.query<{ remote_id: string | null }>('SELECT remote_id FROM call WHERE id = $1', [
    id,
  ]);
  return row?.remote_id ?? undefined;
}

/**
 * How many calls a person has placed in the last minute. Until the transaction ends, others that ask it of the same person
 * wait: of calls that are placed at once each would else see none of the others.
 */
export async function placedOfLate(sql: Sql, person: PersonId): Promise<number> {
  await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`calls of ${person}`]);
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM call WHERE person_id = $1 AND created_at > now() - interval '1 minute'`,
    [person],
  );
  return row?.count ?? 0;
}

/** Which calls are to be shown. */
export type Shown =
  | { readonly ids: readonly string[] }
  /** Those that are not over. */
  | { readonly open: readonly AccountId[]; readonly most: number }
  | {
      readonly accounts: readonly AccountId[];
      readonly state: CallState | undefined;
      /** Behind this one, the latest first. */
      readonly after: string | undefined;
      readonly limit: number;
    };

/** Calls as people see them, the latest first; who is at the other end as known now. */
export async function readCalls(sql: Sql, shown: Shown): Promise<Call[]> {
  const [which, params] = whichOf(shown);
  const rows = await sql.query<ShownRow>(
    `SELECT c.id, c.account_id, c.conversation_id, c.direction, c.address, c.from_address, c.person_id, c.at,
       c.version, ${TALE}, peer.id AS peer_id, peer.name AS peer_name, peer.version AS peer_version,
       (SELECT place.address FROM identity_address place WHERE place.identity_id = peer.id
        ORDER BY place.held NULLS LAST, place.kind = 'stable', place.held_from DESC, place.address
        LIMIT 1) AS peer_address
     FROM call c LEFT JOIN identity peer ON peer.id = c.identity_id WHERE ${which}`,
    params,
  );
  return rows.map(callOf);
}

function whichOf(shown: Shown): readonly [string, readonly unknown[]] {
  if ('ids' in shown) return ['c.id = ANY($1::uuid[])', [shown.ids]];
  if ('open' in shown) {
    return [
      'c.account_id = ANY($1::uuid[]) AND c.due_at IS NOT NULL ORDER BY c.id DESC LIMIT $2',
      [shown.open, shown.most],
    ];
  }
  const { accounts, state, after, limit } = shown;
  return [
    `c.account_id = ANY($1::uuid[]) AND ($2::text IS NULL OR c.state = $2) AND ($3::uuid IS NULL OR c.id < $3)
     ORDER BY c.id DESC LIMIT $4`,
    [accounts, state ?? null, after ?? null, limit],
  ];
}

interface ShownRow extends TaleColumns {
  id: CallId;
  account_id: AccountId;
  conversation_id: ConversationId;
  direction: 'in' | 'out';
  address: string;
  from_address: string | null;
  person_id: PersonId | null;
  at: Date;
  version: number;
  peer_id: IdentityId | null;
  peer_name: string | null;
  peer_version: number | null;
  peer_address: string | null;
}

function callOf(row: ShownRow): Call {
  const { legs, failure, answeredAt, endedAt, state } = taleOf(row);
  return {
    id: row.id,
    account: row.account_id,
    conversation: row.conversation_id,
    direction: row.direction,
    peer: row.peer_id && {
      identity: row.peer_id,
      name: row.peer_name,
      address: row.peer_address ?? row.address,
      version: row.peer_version ?? 0,
    },
    address: row.address,
    from: row.from_address,
    person: row.person_id,
    state,
    legs: legs && { ...legs },
    failure: failure && { ...failure },
    at: row.at.toISOString(),
    answeredAt: answeredAt?.toISOString() ?? null,
    endedAt: endedAt?.toISOString() ?? null,
    version: row.version,
  };
}
