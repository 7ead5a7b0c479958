/* How any provider calls us: a form or JSON, with what matters at the places that the settings name. Pure. */
import { createHmac } from 'node:crypto';
import {
  mostItems,
  parseWireId,
  type Ingress,
  type IngressItem,
  type IngressOutcome,
  type JsonObject,
  type RawRequest,
} from '#connector';
import { accepted, formOf, isForm, isSame, queryOf, refused } from './provider-ingress.js';
import type { InboundPlaces, SignatureSettings, StatusPlaces, WebhookSettings } from './webhook.settings.js';

/** The query field of a callback that says which part of ours it is about. */
export const partField = 'part';

/** More are in no group of phones. */
const mostMembers = 100;

const done = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };

/** A call as places are looked up in it. */
interface Said {
  readonly json: unknown;
  readonly fields: ReadonlyMap<string, string>;
}

/** Verifies and reads one call. Pure. */
export function webhookIngress(
  request: RawRequest,
  { secrets }: Ingress,
  { inbound, status, signature }: WebhookSettings,
): IngressOutcome {
  if (signature !== undefined && !isSigned(request, signature, secrets['webhookKey'])) return refused(403);
  const said = saidIn(request);
  if (said === undefined) return refused(400);
  const at = request.at.getTime();
  const reports =
    status === undefined ? [] : each(said, status.items).flatMap((one) => reportIn(one, status, said, at));
  if (reports.length > mostItems) return refused(413);
  if (reports.length > 0) return accepted(reports, done);
  // A state that means nothing to us is no text either.
  if (
    status !== undefined &&
    each(said, status.items).some((one) => textAt(one, status.state) !== undefined)
  ) {
    return accepted([], done);
  }
  const texts =
    inbound === undefined ? [] : each(said, inbound.items).flatMap((one) => textIn(one, inbound, at));
  if (texts.length > mostItems) return refused(413);
  return texts.length > 0 ? accepted(texts, done) : refused(422);
}

/** What a pointer leads to (RFC 6901); undefined where there is nothing. */
export function valueAt(json: unknown, pointer: string): unknown {
  let at = json;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

/** The same as a text; numbers and words of JSON count as such. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function isSigned(
  { headers, body, at }: RawRequest,
  how: SignatureSettings,
  key: string | undefined,
): boolean {
  const given = headers[how.header];
  if (key === undefined || key === '' || given === undefined || !given.startsWith(how.prefix)) return false;
  const shown = given.slice(how.prefix.length);
  if (how.way === 'key') return isSame(shown, key);
  const hmac = createHmac('sha256', key);
  if (how.timestamp !== undefined) {
    const time = headers[how.timestamp] ?? '';
    const since = Math.abs(at.getTime() - millisecondsIn(time));
    // Not a number is no time.
    if (!(since <= how.toleranceMs)) return false;
    hmac.update(`${time}.`);
  }
  const right = hmac.update(body).digest(how.way);
  return isSame(how.way === 'hex' ? shown.toLowerCase() : shown, right);
}

/** Seconds or milliseconds since 1970, or a date. */
function millisecondsIn(time: string): number {
  if (/^\d{9,10}$/.test(time)) return Number(time) * 1_000;
  return /^\d{12,13}$/.test(time) ? Number(time) : Date.parse(time);
}

function saidIn(request: RawRequest): Said | undefined {
  const fields = new Map(new URLSearchParams(queryOf(request)));
  if (request.method === 'GET' || request.body.length === 0) return { json: undefined, fields };
  if (isForm(request)) {
    for (const [name, value] of formOf(request.body)) fields.set(name, value);
    return { json: undefined, fields };
  }
  try {
    return { json: JSON.parse(request.body.toString('utf8')) as unknown, fields };
  } catch {
    return undefined;
  }
}

/** The several of a call, or the one that it is. */
function each(said: Said, items: string | undefined): readonly Said[] {
  if (items === undefined) return [said];
  const list = valueAt(said.json, items);
  return Array.isArray(list) ? list.map((json: unknown) => ({ json, fields: said.fields })) : [];
}

function textAt({ json, fields }: Said, place: string | undefined): string | undefined {
  if (place === undefined) return undefined;
  return place.startsWith('/') ? textOf(valueAt(json, place)) : fields.get(place);
}

function reportIn(one: Said, places: StatusPlaces, { fields }: Said, at: number): readonly IngressItem[] {
  const state = places.states.get(textAt(one, places.state) ?? '');
  const part = fields.get(partField);
  const id = textAt(one, places.id);
  const about = part !== undefined && parseWireId(part) !== undefined ? part : undefined;
  if (state === undefined || (about === undefined && (id === undefined || id === ''))) return [];
  const error = textAt(one, places.error);
  const item: JsonObject = {
    kind: 'status',
    state,
    at,
    ...(about === undefined ? {} : { part: about }),
    ...(id === undefined || id === '' ? {} : { id }),
    ...(error === undefined ? {} : { error: error.slice(0, 200) }),
  };
  return [{ id: `status ${about ?? id ?? ''} ${state}`, item }];
}

function textIn(one: Said, places: InboundPlaces, at: number): readonly IngressItem[] {
  const [from, to, text] = [places.from, places.to, places.text].map((place) => textAt(one, place)?.trim());
  const id = textAt(one, places.id);
  if (!isParty(from) || !isParty(to) || text === undefined) return [];
  const others = othersIn(one, places).filter((other) => other !== from && other !== to);
  const item = { kind: 'text', from, to, text, at, ...(others.length > 0 && { others }) };
  return [id === undefined || id === '' ? { item } : { id: `text ${id}`, item: { ...item, id } }];
}

/** The members of a group, where the call names them. */
function othersIn({ json }: Said, { members }: InboundPlaces): readonly string[] {
  const list = members === undefined ? undefined : valueAt(json, members);
  if (!Array.isArray(list)) return [];
  return list
    .flatMap((one: unknown) => {
      const member = textOf(one)?.trim();
      return isParty(member) ? [member] : [];
    })
    .slice(0, mostMembers);
}

function isParty(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text.length <= 64 && !/[\0-\x1f]/.test(text);
}
