/*
 * smstools (smsd): a file is headers, an empty line and the text. What it has sent it moves, with an id among the
 * headers; the network's reports bear that id, of 0 to 255, and the number that the text went to.
 */
import { buildHeader, concatenationElement, parseHeader, partOfText, toGsm, toUcs2 } from '#protocols/smpp';
import type {
  OutgoingText,
  SpoolFate,
  SpoolFile,
  SpoolProgram,
  SpoolReport,
  SpoolText,
} from './spool-program.js';

const outgoing = /^parley-([0-9a-f]{32}-\d{1,4})$/;
const arrival = /^[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9]{1,32}$/;
/** More are not read. */
const mostHeaders = 100;

export const smstools: SpoolProgram = {
  name: 'smstools',
  boxes: {
    outgoing: 'outgoing',
    between: 'checked',
    sent: 'sent',
    failed: 'failed',
    incoming: ['report', 'incoming'],
  },
  // It would cut long texts itself, note the id of the last part alone and ask for a report of each.
  write: ({ wireId, to, plan, receipts }: OutgoingText): readonly SpoolFile[] => {
    const reference = Number.parseInt(wireId(0).slice(30, 32), 16);
    const of = plan.parts.length;
    return plan.parts.map(({ text }, index) => {
      const element = concatenationElement({ size: 8, reference, of, number: index + 1 });
      // Told that a text is UTF-8 it drops what comes after the first emoji, so it is told that none is.
      const octets = plan.coding === 'gsm7' ? toGsm(text) : undefined;
      const head = [
        // Short codes are marked; other numbers are international, without the plus.
        `To: ${to.startsWith('+') ? to.slice(1) : `s${to}`}`,
        `Alphabet: ${octets === undefined ? 'UCS' : 'GSM'}`,
        `Report: ${receipts ? 'yes' : 'no'}`,
        ...(of > 1 ? ['Autosplit: 0', `UDH-DATA: ${hexDump(buildHeader([element]))}`] : []),
        ...['', ''],
      ].join('\n');
      return {
        name: `parley-${wireId(index)}`,
        octets: Buffer.concat([Buffer.from(head, 'latin1'), octets ?? toUcs2(text)]),
      };
    });
  },
  ours: (name) => outgoing.exec(name)?.[1],
  arrived: (name) => (arrival.test(name) ? { text: name, part: 0 } : undefined),
  read: ([file]): SpoolText | SpoolReport | undefined => {
    const read = file && split(file.octets);
    const number = read?.headers.get('From');
    if (read === undefined || number === undefined || read.headers.has('Error')) return undefined;
    const { headers, body } = read;
    const report = reportIn(number, body);
    if (report !== undefined) return report;
    const type = headers.get('From_TOA') ?? '';
    const from = {
      ton: /^\d+$/.test(number) ? (type.startsWith('91') || type === '' ? 1 : 0) : 5,
      addr: number,
    };
    const alphabet = headers.get('Alphabet') ?? 'ISO';
    const text = textOf(alphabet, body);
    if (text === undefined) return { from, body: { bytes: body } };
    // Parts come one by one where the program is told not to combine them.
    const header = parseHeader(
      Buffer.from((headers.get('UDH-DATA') ?? '').replace(/[^0-9A-Fa-f]/g, ''), 'hex'),
    );
    const concatenation = 'elements' in header ? header.concatenation : undefined;
    return concatenation === undefined || concatenation.of < 2
      ? { from, body: { text } }
      : { from, body: { part: partOfText(concatenation, text) } };
  },
  fate: ({ octets }): SpoolFate => {
    const headers = split(octets)?.headers;
    const [reference, to, detail] = ['Message_id', 'To', 'Fail_reason'].map((name) => headers?.get(name));
    return {
      ...(reference !== undefined && headers?.get('Report') === 'yes' && { reference }),
      ...(to !== undefined && { to: to.replace(/^s/, '') }),
      ...(detail !== undefined && { detail: detail.slice(0, 200) }),
    };
  },
};

function hexDump(octets: Buffer): string {
  return octets.toString('hex').toUpperCase().match(/../g)?.join(' ') ?? '';
}

/** Headers, an empty line, the text as octets. */
function split(
  octets: Buffer,
): { readonly headers: ReadonlyMap<string, string>; readonly body: Buffer } | undefined {
  const end = octets.indexOf('\n\n');
  if (end < 0) return undefined;
  const lines = octets.toString('latin1', 0, end).split('\n', mostHeaders);
  const headers = new Map(
    lines.flatMap((line) => {
      const [, name, value] = /^([A-Za-z_-]+):\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value] as const];
    }),
  );
  return { headers, body: octets.subarray(end + 2) };
}

/** The text; undefined where it is data. The program looks at three letters of the name, and so does this. */
function textOf(alphabet: string, body: Buffer): string | undefined {
  switch (alphabet.slice(0, 3).toUpperCase()) {
    case 'UCS':
    case 'CHI':
    case 'UNI':
      return Buffer.from(body.subarray(0, body.length - (body.length % 2)))
        .swap16()
        .toString('utf16le')
        .toWellFormed();
    case 'BIN':
      return undefined;
    case 'UTF':
      return body.toString('utf8');
    default:
      // `incoming_utf8` writes UTF-8 under any name; what is no UTF-8 is Latin-9, which has the euro.
      return utf8(body) ?? new TextDecoder('iso-8859-15').decode(body);
  }
}

function utf8(octets: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return undefined;
  }
}

/** A report of the network: which of our texts, and how it went (TS 23.040 §9.2.3.15). */
function reportIn(to: string, body: Buffer): SpoolReport | undefined {
  const said = body.toString('latin1', 0, 1_000);
  if (!said.startsWith('SMS STATUS REPORT\n')) return undefined;
  const reference = /^Message_id: (\d{1,3})\s*$/m.exec(said)?.[1];
  const [, code, detail = ''] = /^Status: (\d{1,3}),(.*)$/m.exec(said) ?? [];
  if (reference === undefined || code === undefined) return undefined;
  const status = Number(code);
  const state = status < 32 ? 'delivered' : status < 64 ? 'waiting' : 'failed';
  return { reference, to, state, ...(state === 'failed' && { detail: detail.trim().slice(0, 200) }) };
}
