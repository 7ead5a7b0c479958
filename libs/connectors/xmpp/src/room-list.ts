/*
 * The rooms of a service (XEP-0045 §6.3), perhaps thousands, page by page (XEP-0059). A list has names alone; how many
 * people are in and what a room is about is asked of those that fit, a bounded number of them.
 */
import type { JsonObject, JsonValue, RequestOutcome } from '#connector';
import { failure } from '#model';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { infoAsk, infoOf, itemsAsk, itemsOf } from './xep/0030.js';
import { roomInfoOf } from './xep/0045.js';
import { bareOf, roomAddress } from './xmpp.addresses.js';

const pageSize = 200;
/** Rooms that are looked through, whatever a service says it has. */
const mostSeen = 10_000;
/** Rooms that are asked for more than their name, and so many at a time. */
const mostAsked = 200;
const atOnce = 10;

interface Wanted {
  readonly search: string;
  readonly minMembers: number;
  readonly limit: number;
}

interface Listed {
  readonly address: string;
  readonly name: string;
  readonly members: number;
  readonly topic: string;
}

/** The rooms that fit, the largest first; undefined for options that make no sense. */
export async function listRooms(
  parts: Parts,
  disco: Disco,
  options: JsonObject,
  signal: AbortSignal,
): Promise<RequestOutcome | undefined> {
  const wanted = wantedIn(options);
  const service = await serviceOf(disco, options['service']);
  if (wanted === undefined || service === undefined) return undefined;
  if (service === 'none') {
    return {
      outcome: 'refused',
      failure: failure('not-found', 'The server has no rooms; name another service.'),
    };
  }
  const found: { readonly address: string; readonly name: string }[] = [];
  let seen = 0;
  let after: string | undefined;
  do {
    const page = { max: pageSize, ...(after !== undefined && { after }) };
    const answer = await parts.port.iq({
      type: 'get',
      to: service,
      payload: itemsAsk(undefined, page),
      signal,
    });
    if (!answer.ok) {
      if (seen > 0) break;
      return { outcome: 'refused', failure: answer.failure };
    }
    const read = itemsOf(answer.payload);
    const items = read?.items ?? [];
    for (const { jid, name } of items) {
      seen++;
      const address = roomAddress(jid);
      if (address === undefined || !fits(wanted, address, name)) continue;
      found.push({ address, name: nameOf(name, address) });
    }
    const last = items.length === 0 ? undefined : read?.page?.last;
    // A service that does not move on is not asked again.
    after = last === after ? undefined : last;
  } while (after !== undefined && seen < mostSeen);
  const rooms = await lookAt(parts, found.slice(0, mostAsked), signal);
  const listed = [...rooms, ...found.slice(mostAsked).map((room) => ({ ...room, members: 0, topic: '' }))]
    .filter(({ members }) => members >= wanted.minMembers)
    .sort((a, b) => b.members - a.members || (a.address < b.address ? -1 : 1))
    .slice(0, wanted.limit);
  return { outcome: 'done', answer: { rooms: listed.map((room) => ({ ...room })), seen } };
}

async function lookAt(
  { port }: Parts,
  rooms: readonly { readonly address: string; readonly name: string }[],
  signal: AbortSignal,
): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  for (let from = 0; from < rooms.length; from += atOnce) {
    const answers = await Promise.all(
      rooms.slice(from, from + atOnce).map(async (room) => {
        const answer = await port.iq({ type: 'get', to: room.address, payload: infoAsk(), signal });
        const info = answer.ok ? infoOf(answer.payload) : undefined;
        const about = info && roomInfoOf(info);
        return {
          ...room,
          name: about?.name ?? room.name,
          members: about?.occupants ?? 0,
          topic: (about?.subject ?? about?.description ?? '').slice(0, 500),
        };
      }),
    );
    listed.push(...answers);
  }
  return listed;
}

function wantedIn({ search, minMembers, limit }: JsonObject): Wanted | undefined {
  if (search !== undefined && (typeof search !== 'string' || search.length > 100)) return undefined;
  const least = minMembers === undefined ? 0 : countOf(minMembers, 10_000_000);
  const most = limit === undefined ? 100 : countOf(limit, 1_000);
  if (least === undefined || most === undefined || most === 0) return undefined;
  return { search: search?.trim().toLowerCase() ?? '', minMembers: least, limit: most };
}

async function serviceOf(disco: Disco, named: JsonValue | undefined): Promise<string | undefined> {
  if (named === undefined) return (await disco.service('conference', 'text'))?.jid ?? 'none';
  return typeof named === 'string' ? bareOf(named) : undefined;
}

function fits({ search }: Wanted, address: string, name: string | undefined): boolean {
  return search === '' || address.includes(search) || name?.toLowerCase().includes(search) === true;
}

/** Some services put the number of people behind the name. */
function nameOf(name: string | undefined, address: string): string {
  return name?.replace(/ \(\d+\)$/, '') ?? address.split('@')[0] ?? address;
}

function countOf(value: JsonValue, most: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
    ? value
    : undefined;
}
