/*
 * What a receiver asks of a message that could be read (RFC 3261 §8.2, §16.3), before anything is done for it. The
 * verdicts are those of RFC 4475 and RFC 5118.
 */
import type { SipRequest, SipResponse } from './message.js';
import type { Headers } from './message-headers.js';
import { parseCSeq } from './headers/cseq.js';
import { parseNameAddr } from './headers/name-addr.js';
import { parseVia } from './headers/via.js';
import { parseMediaType, parseParameterised } from './headers/values.js';
import { parseNumber } from './grammar.js';
import { parseUri } from './uri.js';

/** What the receiver can do. */
export interface Expected {
  /** Methods; others are answered with 405 or 501. */
  readonly methods: readonly string[];
  /** Option tags that a Require may name. */
  readonly options: readonly string[];
  /** Schemes of a Request-URI in small letters; `sip`, `sips` and `tel` where none are given. */
  readonly schemes?: readonly string[];
  /** Whether it sends requests on: then Max-Forwards and Proxy-Require count (§16.3). */
  readonly forwards?: boolean;
}

/** A refusal: the final response to give. */
export interface Verdict {
  readonly status: number;
  readonly reason: string;
  /** What the response has to say besides: Allow, Unsupported. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Methods that some RFC defines: not doing one of them is 405, any other is 501 (§8.2.1). */
const standardMethods = new Set([
  'ACK',
  'BYE',
  'CANCEL',
  'INFO',
  'INVITE',
  'MESSAGE',
  'NOTIFY',
  'OPTIONS',
  'PRACK',
  'PUBLISH',
  'REFER',
  'REGISTER',
  'SUBSCRIBE',
  'UPDATE',
]);

/** Fields that stand in a message once (§7.3.1, §20); two of them say two things. */
const single = new Set([
  'call-id',
  'content-length',
  'content-type',
  'cseq',
  'event',
  'expires',
  'from',
  'max-forwards',
  'sip-etag',
  'sip-if-match',
  'subscription-state',
  'to',
]);

const bad = (reason: string): Verdict => ({ status: 400, reason });

/**
 * Judges a request that was read without a fault.
 *
 * A Date that cannot be read and a Max-Forwards above 255 are let pass: whoever uses them looks (RFC 4475 §3.1.2.4,
 * 3.1.2.12). An ACK is judged as well, but never answered; the Require of an ACK or CANCEL is not looked at (§8.2.2.3).
 * @returns the refusal, or undefined where there is none
 */
export function verdictOn(request: SipRequest, expected: Expected): Verdict | undefined {
  return (
    verdictOnFields(request.headers) ??
    verdictOnMethod(request, expected) ??
    verdictOnTarget(request.uri, expected.schemes ?? ['sip', 'sips', 'tel']) ??
    verdictOnHops(request.headers, expected) ??
    verdictOnOptions(request, expected)
  );
}

/**
 * Whether a response to a request of ours can be taken for one: otherwise it is dropped. One with more than one Via was
 * not for us (§8.1.3.3; RFC 4475 §3.1.2.5, 3.3.10).
 */
export function isSane({ headers }: SipResponse): boolean {
  return verdictOnFields(headers) === undefined && headers.list('via').length === 1;
}

/** What a receiver can read of bodies. */
export interface Readable {
  /** Media types in small letters; `message/*` stands for all of a kind. */
  readonly types: readonly string[];
  /** Content codings besides `identity`. */
  readonly encodings: readonly string[];
}

/**
 * Judges the kind of a request's body (§8.2.3): 415 with what is accepted where it cannot be read, unless the sender says
 * that it does not matter (§20.11).
 */
export function verdictOnBody({ headers, body }: SipRequest, readable: Readable): Verdict | undefined {
  const written = headers.get('content-type');
  if (
    body.length === 0 ||
    parseParameterised(headers.get('content-disposition') ?? '')?.params.get('handling') === 'optional'
  ) {
    return undefined;
  }
  const codings = headers.tokens('content-encoding').map((coding) => coding.toLowerCase());
  if (codings.some((coding) => coding !== 'identity' && !readable.encodings.includes(coding))) {
    const accepted = ['identity', ...readable.encodings].join(', ');
    return { status: 415, reason: 'Unsupported Media Type', headers: { 'accept-encoding': accepted } };
  }
  if (written === undefined) return undefined;
  const type = parseMediaType(written)?.type;
  if (type === undefined) return bad('Malformed content-type');
  const { types } = readable;
  if (types.includes(type) || types.includes(`${type.slice(0, type.indexOf('/'))}/*`)) return undefined;
  return { status: 415, reason: 'Unsupported Media Type', headers: { accept: types.join(', ') } };
}

function verdictOnFields(headers: Headers): Verdict | undefined {
  for (const name of ['via', 'from', 'to', 'call-id', 'cseq']) {
    if ((headers.get(name) ?? '') === '') return bad(`Missing ${name}`);
  }
  const seen: string[] = [];
  for (const [name] of headers) {
    if (!single.has(name)) continue;
    if (seen.includes(name)) return bad(`Multiple ${name}`);
    seen.push(name);
  }
  if (!headers.list('via').every((value) => parseVia(value) !== undefined)) return bad('Malformed via');
  if (parseCSeq(headers.get('cseq') ?? '') === undefined) return bad('Malformed cseq');
  if (/\s/.test(headers.get('call-id') ?? '')) return bad('Malformed call-id');
  for (const name of ['from', 'to']) {
    if (!isAddress(headers.get(name) ?? '')) return bad(`Malformed ${name}`);
  }
  for (const name of ['contact', 'route', 'record-route']) {
    const values = headers.list(name);
    const isAll = name === 'contact' && values.length === 1 && values[0] === '*';
    if (!isAll && !values.every(isAddress)) return bad(`Malformed ${name}`);
  }
  return undefined;
}

function isAddress(value: string): boolean {
  const address = parseNameAddr(value);
  return address !== undefined && parseUri(address.uri) !== undefined;
}

function verdictOnMethod({ method, headers }: SipRequest, { methods }: Expected): Verdict | undefined {
  const allow = { allow: methods.join(', ') };
  // Of an unknown method 501 says more than that CSeq has another one (RFC 4475 §3.1.2.18).
  if (!methods.includes(method) && !standardMethods.has(method)) {
    return { status: 501, reason: 'Not Implemented', headers: allow };
  }
  if (parseCSeq(headers.get('cseq') ?? '')?.method !== method) return bad('CSeq Of Another Method');
  if (!methods.includes(method)) return { status: 405, reason: 'Method Not Allowed', headers: allow };
  return undefined;
}

function verdictOnTarget(target: string, schemes: readonly string[]): Verdict | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase();
  if (scheme !== undefined && !schemes.includes(scheme)) {
    return { status: 416, reason: 'Unsupported URI Scheme' };
  }
  const uri = parseUri(target);
  // Headers have no place in a Request-URI (§19.1.1, table 1), and must never become some of the request.
  return uri === undefined || uri.headers.length > 0 ? bad('Malformed Request-URI') : undefined;
}

function verdictOnHops(headers: Headers, { forwards }: Expected): Verdict | undefined {
  const isLast = forwards === true && parseNumber(headers.get('max-forwards')) === 0;
  return isLast ? { status: 483, reason: 'Too Many Hops' } : undefined;
}

function verdictOnOptions({ method, headers }: SipRequest, expected: Expected): Verdict | undefined {
  if (method === 'ACK' || method === 'CANCEL') return undefined;
  const required = headers.tokens(expected.forwards === true ? 'proxy-require' : 'require');
  const unsupported = required.filter((option) => !expected.options.includes(option));
  if (unsupported.length === 0) return undefined;
  return { status: 420, reason: 'Bad Extension', headers: { unsupported: unsupported.join(', ') } };
}
