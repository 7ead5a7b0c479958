/*
 * How Kannel calls us: by GET, with what we asked it to fill into the URL. The octets of a text are those of its charset,
 * percent-encoded, so the query is read as octets and never as UTF-8.
 */
import { parseWireId, type IngressOutcome, type JsonObject, type RawRequest } from '#connector';
import { failure, type Failure } from '#model';
import { fromGsm, parseHeader, partOfText } from '#protocols/smpp';
import type { IncomingReport, IncomingText } from '../driver.js';
import { accepted, queryOf, refused, wordIn } from './provider-ingress.js';

/** Nothing goes back to the phone; where Kannel is set to answer, it says nothing of ours. */
const done = { status: 200, headers: { 'content-type': 'text/plain' }, body: '' };
const mostPairs = 100;

/** Reads one call; whoever knows the address may call. Pure. */
export function kannelIngress(request: RawRequest): IngressOutcome {
  if (request.method !== 'GET' && request.method !== 'POST') return refused(405);
  const fields = octetsOf(queryOf(request));
  if (fields === undefined) return refused(400);
  const textOf = (name: string): string => fields.get(name)?.toString('utf8') ?? '';
  const at = request.at.getTime();
  const part = textOf('part');
  if (part !== '') {
    const type = Number(textOf('type'));
    if (parseWireId(part) === undefined || !Number.isInteger(type) || type < 1 || type > 127)
      return refused(422);
    const item = { kind: 'report', part, type, answer: textOf('answer').slice(0, 500), at };
    return accepted([{ id: `report ${part} ${String(type)}`, item }], done);
  }
  const [from, to, id] = [textOf('from'), textOf('to'), textOf('id')];
  if (!isParty(from) || !isParty(to) || !fields.has('text')) return refused(422);
  const item: JsonObject = {
    kind: 'text',
    from,
    to,
    octets: fields.get('text')?.toString('base64') ?? '',
    coding: Number(textOf('coding')) || 0,
    charset: textOf('charset').slice(0, 40),
    udh: fields.get('udh')?.toString('base64') ?? '',
    at,
    ...(isId(id) && { id }),
  };
  return accepted([{ item, ...(isId(id) && { id: `text ${id}` }) }], done);
}

/** What a text says, or the part of one that it is. Pure. */
export function kannelBody(item: JsonObject): IncomingText['body'] {
  const octets = Buffer.from(wordIn(item, 'octets'), 'base64');
  const said = saidIn(octets, wordIn(item, 'charset'), Number(item['coding']));
  const udh = Buffer.from(wordIn(item, 'udh'), 'base64');
  const header = udh.length > 0 ? parseHeader(udh) : undefined;
  const concatenation = header && 'elements' in header ? header.concatenation : undefined;
  if (concatenation === undefined || concatenation.of < 2) return said;
  if ('bytes' in said) return { part: { ...concatenation, coding: 'binary', bytes: said.bytes } };
  // A character may begin in one part and end in the next: those octets are read when all are there.
  if (isUtf16(wordIn(item, 'charset'), Number(item['coding']))) {
    return { part: { ...concatenation, coding: 'ucs2', bytes: octets } };
  }
  return { part: partOfText(concatenation, said.text) };
}

/** What a report says (Kannel's DLR types); undefined where nobody waits for it. Pure. */
export function kannelReport(item: JsonObject): IncomingReport | undefined {
  const about = { wireId: wordIn(item, 'part') };
  const at = new Date(Number(item['at']));
  switch (Number(item['type'])) {
    case 1:
      return { about, state: 'delivered', at };
    case 8:
      return { about, state: 'sent', at };
    case 2:
      return { about, state: 'failed', failure: failed('The text could not be delivered', item), at };
    case 16:
      return {
        about,
        state: 'failed',
        failure: failed('The message centre behind Kannel has rejected the text', item),
        at,
      };
    default:
      return undefined;
  }
}

/** With the error code of the message centre, where its own words have one (SMPP 3.4 appendix B). */
function failed(sentence: string, item: JsonObject): Failure {
  const error = /\berr:(\w{1,10})/i.exec(wordIn(item, 'answer'))?.[1];
  const said = error === undefined || /^0+$/.test(error) ? '' : ` (error ${error})`;
  return failure('refused', `${sentence}${said}.`, 'give-up');
}

/** The fields of a query, each as the octets that it means; undefined where there are too many. */
function octetsOf(query: string): ReadonlyMap<string, Buffer> | undefined {
  const pairs = query === '' ? [] : query.split('&', mostPairs + 1);
  if (pairs.length > mostPairs) return undefined;
  return new Map(
    pairs.map((pair): [string, Buffer] => {
      const at = pair.indexOf('=');
      const [name, value] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      return [octets(name).toString('utf8'), octets(value)];
    }),
  );
}

function octets(escaped: string): Buffer {
  const plain = escaped
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}

function saidIn(
  said: Buffer,
  charset: string,
  coding: number,
): { readonly text: string } | { readonly bytes: Buffer } {
  if (isUtf16(charset, coding)) {
    return {
      text: Buffer.from(said.subarray(0, said.length & ~1))
        .swap16()
        .toString('utf16le')
        .toWellFormed(),
    };
  }
  if (/^binary$/i.test(charset) || coding === 1) return { bytes: said };
  if (/^gsm$/i.test(charset)) return { text: fromGsm(said) };
  if (western.test(charset)) return { text: windows1252(said) };
  try {
    return { text: new TextDecoder(charset === '' ? 'utf-8' : charset, { fatal: true }).decode(said) };
  } catch {
    // A charset that nobody knows, or one that the text is not in.
    return { text: windows1252(said) };
  }
}

/** All of these are windows-1252 (WHATWG Encoding §4.2), which Node's own decoder takes for ISO 8859-1. */
const western = /^(windows-?1252|cp-?1252|iso-?8859-?1|latin-?1|(us-)?ascii)$/i;
const c1 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

function windows1252(octets: Buffer): string {
  return octets.toString('latin1').replace(/[\x80-\x9f]/g, (one) => c1.charAt(one.charCodeAt(0) - 0x80));
}

function isUtf16(charset: string, coding: number): boolean {
  return charset === '' ? coding === 2 : /^(utf-?16(be)?|ucs-?2(be)?|iso-10646-ucs-2)$/i.test(charset);
}

function isParty(text: string): boolean {
  return text.trim() !== '' && text.length <= 64 && !/[\0-\x1f]/.test(text);
}

function isId(text: string): boolean {
  return /^[\x21-\x7e]{1,100}$/.test(text);
}
