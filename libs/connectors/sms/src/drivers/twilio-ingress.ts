/*
 * How Twilio calls us: a form, or JSON, about a text that came or about the fate of one of ours. Signed with the account's
 * auth token over the public URL and the fields, or over the URL alone with a hash of the body in it.
 */
import { createHash, createHmac } from 'node:crypto';
import { parseWireId, type Ingress, type IngressOutcome, type JsonObject, type RawRequest } from '#connector';
import { accepted, formOf, isForm, isSame, queryOf, refused } from './provider-ingress.js';

/** The query field of a status callback that says which part of ours it is about. */
export const wireField = 'part';

/** An empty TwiML document: nothing is to be answered to the phone. */
const done = {
  status: 200,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: '<?xml version="1.0" encoding="UTF-8"?><Response/>',
};

/** Files of one text that are looked at. */
const mostMedia = 10;

type Fields = ReadonlyMap<string, string>;

/** Verifies and reads one call. Pure. */
export function twilioIngress(request: RawRequest, { secrets }: Ingress): IngressOutcome {
  const { method } = request;
  if (method !== 'POST' && method !== 'GET') return refused(405);
  const token = secrets['authToken'];
  if (token === undefined || token === '') return refused(403);
  const read = fieldsOf(request);
  if (read === undefined) return refused(400);
  if (!isSigned(request, token, read.signed)) return refused(403);
  const item = itemOf(read.fields, request);
  return item === undefined ? refused(422) : accepted(item, done);
}

/**
 * The signature of a call: HMAC-SHA-1 over the URL and the fields of a form, sorted by name, name and value one after the
 * other; in base64.
 */
export function twilioSignature(
  token: string,
  url: string,
  form: readonly (readonly [name: string, value: string])[] = [],
): string {
  // A field that comes twice counts once for each value.
  const fields = new Map(form.map((field) => [JSON.stringify(field), field]));
  const sorted = [...fields.values()].sort(([a, x], [b, y]) => compare(a, b) || compare(x, y));
  return createHmac('sha1', token)
    .update(url + sorted.map(([name, value]) => name + value).join(''))
    .digest('base64');
}

/** By code units, as every implementation of it sorts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a call says, and what of it is signed besides the URL: a form, or nothing where the URL has the body's hash. */
function fieldsOf(
  request: RawRequest,
): { readonly fields: Fields; readonly signed: ReturnType<typeof formOf> | 'body' } | undefined {
  if (request.method === 'GET') {
    return { fields: new Map(new URLSearchParams(queryOf(request))), signed: [] };
  }
  if (isForm(request)) {
    const form = formOf(request.body);
    return { fields: new Map(form), signed: form };
  }
  try {
    const said: unknown = JSON.parse(request.body.toString('utf8'));
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return undefined;
    const fields = Object.entries(said).flatMap(([name, value]): [string, string][] =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    );
    return { fields: new Map(fields), signed: 'body' };
  } catch {
    return undefined;
  }
}

function isSigned(request: RawRequest, token: string, signed: ReturnType<typeof formOf> | 'body'): boolean {
  const { url, headers, body } = request;
  const given = headers['x-twilio-signature'];
  if (given === undefined) return false;
  if (signed === 'body') {
    const hash = new URLSearchParams(queryOf(request)).get('bodySHA256') ?? '';
    if (!isSame(hash.toLowerCase(), createHash('sha256').update(body).digest('hex'))) return false;
  }
  const form = signed === 'body' ? [] : signed;
  return spellingsOf(url).some((spelling) => isSame(given, twilioSignature(token, spelling, form)));
}

/** Some sign over the URL with the port that its scheme has anyway, some without. */
function spellingsOf(url: string): readonly string[] {
  const [, scheme = '', host = '', port, rest = ''] =
    /^(https?):\/\/([^/?#]*?)(?::(\d+))?([/?#].*)?$/s.exec(url) ?? [];
  if (host === '') return [url];
  const usual = scheme === 'https' ? '443' : '80';
  if (port === undefined) return [url, `${scheme}://${host}:${usual}${rest}`];
  return port === usual ? [url, `${scheme}://${host}${rest}`] : [url];
}

function itemOf(fields: Fields, request: RawRequest): Parameters<typeof accepted>[0] | undefined {
  const sid = fields.get('MessageSid') ?? fields.get('SmsSid') ?? fields.get('SmsMessageSid') ?? '';
  if (!/^[\w-]{1,100}$/.test(sid)) return undefined;
  const state = fields.get('MessageStatus') ?? fields.get('SmsStatus') ?? 'received';
  const at = request.at.getTime();
  if (state !== 'received' && state !== 'receiving') {
    const error = fields.get('ErrorCode') ?? '';
    const part = new URLSearchParams(queryOf(request)).get(wireField) ?? '';
    const item = {
      kind: 'status',
      sid,
      state,
      at,
      ...(/^\d{1,9}$/.test(error) && { error: Number(error) }),
      ...(parseWireId(part) !== undefined && { part }),
    };
    return [{ id: `status ${sid} ${state}`, item }];
  }
  const from = fields.get('From') ?? '';
  const to = fields.get('To') ?? '';
  if (!isParty(from) || !isParty(to)) return undefined;
  const item: JsonObject = {
    kind: 'text',
    sid,
    from,
    to,
    others: othersOf(fields),
    text: fields.get('Body') ?? '',
    media: mediaOf(fields),
    at,
  };
  return [{ id: `text ${sid}`, item }];
}

/** A number, a short code or a name; not an address of another network (`whatsapp:+1…`), which is none of ours. */
function isParty(text: string): boolean {
  return text !== '' && text.length <= 64 && !/[\s:]/.test(text.trim()) && !/[\0-\x1f]/.test(text);
}

/** The other members of a group, however the provider writes several. */
function othersOf(fields: Fields): readonly string[] {
  const named = [...fields].filter(([name]) => /^OtherRecipients(?:\[?\d*\]?)$/.test(name));
  return named
    .flatMap(([, value]) => value.split(','))
    .map((one) => one.trim())
    .filter(isParty)
    .slice(0, 50);
}

function mediaOf(fields: Fields): readonly JsonObject[] {
  const count = Math.min(mostMedia, Number(fields.get('NumMedia') ?? '0') || 0);
  return Array.from({ length: count }, (_, n) => ({
    url: fields.get(`MediaUrl${String(n)}`) ?? '',
    type: fields.get(`MediaContentType${String(n)}`) ?? '',
  })).filter(({ url }) => url !== '');
}
