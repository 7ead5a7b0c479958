/*
 * Delivery receipts. SMPP 3.4 leaves their text to the SMSC and shows one in Appendix B:
 *
 *   id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text:...
 *
 * SMSCs in use vary the case, the order, the length of dates, and leave fields away; some tell the same, or only that, in
 * optional parameters (§5.3.2.12, §5.3.2.35, §5.3.2.31). All of these are read.
 */
import { mostShortMessage } from './fields.js';
import { messageType } from './numbers.js';
import type { Pdu } from './pdu.js';
import { moment, nearestYear } from './times.js';
import type { NetworkErrorCode, Tlvs } from './tlvs.js';

/** message_state by number (§5.2.28). `scheduled` and `skipped` are those of SMPP 5.0, which some send under 3.4. */
const states = [
  'scheduled',
  'enroute',
  'delivered',
  'expired',
  'deleted',
  'undeliverable',
  'accepted',
  'unknown',
  'rejected',
  'skipped',
] as const;

export type MessageState = (typeof states)[number];

/** The seven letters of Appendix B, and those that SMSCs write besides. */
const words: Readonly<Record<string, MessageState>> = {
  scheduled: 'scheduled',
  schedul: 'scheduled',
  enroute: 'enroute',
  buffered: 'enroute',
  bufferd: 'enroute',
  delivrd: 'delivered',
  delivered: 'delivered',
  deliverd: 'delivered',
  expired: 'expired',
  deleted: 'deleted',
  undeliv: 'undeliverable',
  undelivered: 'undeliverable',
  undeliverable: 'undeliverable',
  failed: 'undeliverable',
  acceptd: 'accepted',
  accepted: 'accepted',
  unknown: 'unknown',
  rejectd: 'rejected',
  rejected: 'rejected',
  skipped: 'skipped',
};

const written: Readonly<Record<MessageState, string>> = {
  scheduled: 'SCHEDUL',
  enroute: 'ENROUTE',
  delivered: 'DELIVRD',
  expired: 'EXPIRED',
  deleted: 'DELETED',
  undeliverable: 'UNDELIV',
  accepted: 'ACCEPTD',
  unknown: 'UNKNOWN',
  rejected: 'REJECTD',
  skipped: 'SKIPPED',
};

/** What the text of a receipt says. */
export interface ReceiptText {
  readonly id?: string;
  readonly state?: MessageState;
  /** As it was written, where it is none of the known words. */
  readonly stat?: string;
  /** `err`, as it was written: the network's or the SMSC's own code. */
  readonly error?: string;
  readonly submitted?: Date;
  readonly done?: Date;
  /** Messages that were submitted and delivered under this id; more than one only for distribution lists. */
  readonly sub?: number;
  readonly dlvrd?: number;
  /** The beginning of the message, in whatever coding the SMSC put it. */
  readonly text?: string;
}

/** What a receipt says, from its text and its optional parameters; these win where both speak. */
export interface Receipt extends ReceiptText {
  readonly id: string;
  /** `id` first, then how the same id may have been spelled in the answer to the submit. */
  readonly ids: readonly string[];
  readonly state: MessageState;
  /** Whether nothing more will come: `enroute`, `accepted` and `scheduled` are on the way. */
  readonly final: boolean;
  readonly networkError?: NetworkErrorCode;
}

const label = /(?:^|[\s,;|])(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text)\s*:/gi;
/** A receipt is short; what is longer is a message, and is not searched. */
const mostText = 2_048;

/**
 * Reads the text of a receipt, whatever its case, order and omissions.
 *
 * @param near the century of its dates. They have no zone: they are taken as UTC.
 * @returns nothing where neither an id nor a state stands in it.
 */
export function parseReceiptText(text: string, near: Date): ReceiptText | undefined {
  const marks: { key: string; from: number; value: number }[] = [];
  for (const { 0: whole, 1: name = '', index } of text.slice(0, mostText).matchAll(label)) {
    const key = name.toLowerCase().replace(/[ _]/g, '');
    if (marks.some((mark) => mark.key === key)) continue;
    marks.push({ key, from: index, value: index + whole.length });
    if (key === 'text') break;
  }
  const said = new Map(
    marks.map(({ key, value }, i) => {
      const raw = text.slice(value, key === 'text' ? undefined : marks[i + 1]?.from);
      return [key, key === 'text' ? raw : raw.trim().replace(/[,;|]$/, '')];
    }),
  );
  const [id, stat] = [said.get('id') ?? '', said.get('stat') ?? ''];
  if (id === '' && stat === '') return undefined;
  const state = words[stat.toLowerCase()];
  const error = said.get('err') ?? '';
  const [submitted, done] = [date(said.get('submitdate'), near), date(said.get('donedate'), near)];
  const [sub, dlvrd] = [count(said.get('sub')), count(said.get('dlvrd'))];
  const beginning = said.get('text');
  return {
    ...(id !== '' && { id }),
    ...(state !== undefined && { state }),
    ...(state === undefined && stat !== '' && { stat }),
    ...(error !== '' && { error }),
    ...(submitted !== undefined && { submitted }),
    ...(done !== undefined && { done }),
    ...(sub !== undefined && { sub }),
    ...(dlvrd !== undefined && { dlvrd }),
    ...(beginning !== undefined && { text: beginning }),
  };
}

function count(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** YYMMDDhhmm, with seconds, or with the year in full. Of twelve digits those that make a time are meant. */
function date(value: string | undefined, near: Date): Date | undefined {
  if (value === undefined || !/^(\d{10}|\d{12}|\d{14})$/.test(value)) return undefined;
  const pairs = (value.match(/\d\d/g) ?? []).map(Number);
  const [first = 0, second = 0] = pairs;
  const short = pairs.length < 7 ? momentOf(nearestYear(first, near), pairs.slice(1)) : undefined;
  const at = short ?? (pairs.length > 5 ? momentOf(first * 100 + second, pairs.slice(2)) : undefined);
  return at === undefined ? undefined : new Date(at);
}

function momentOf(
  year: number,
  [month = 0, day = 0, hours = 0, minutes = 0, seconds = 0]: number[],
): number | undefined {
  return moment(year, month, day, hours, minutes, seconds);
}

/**
 * Reads a receipt out of what an SMSC delivers.
 *
 * @param near when it came.
 * @returns nothing for an ordinary message: neither esm_class nor optional parameters make it a receipt, or no id and
 * no state can be found in it.
 */
export function parseReceipt(pdu: Pdu<'deliver_sm' | 'data_sm'>, near: Date): Receipt | undefined {
  const { tlvs } = pdu;
  const type = messageType(pdu.esmClass);
  if (type !== 'receipt' && type !== 'intermediate' && tlvs.receiptedMessageId === undefined)
    return undefined;
  const short = pdu.command === 'deliver_sm' ? pdu.shortMessage : undefined;
  const bytes = short !== undefined && short.length > 0 ? short : tlvs.messagePayload;
  const said = bytes === undefined ? undefined : parseReceiptText(textOf(bytes, pdu.dataCoding), near);
  const id = tlvs.receiptedMessageId ?? said?.id;
  const told = tlvs.messageState === undefined ? undefined : states[tlvs.messageState];
  if (id === undefined || id === '') return undefined;
  const state = told ?? said?.state ?? 'unknown';
  return {
    ...said,
    id,
    ids: [...new Set([id, said?.id ?? id].flatMap(idSpellings))],
    state,
    final: state !== 'enroute' && state !== 'accepted' && state !== 'scheduled',
    ...(tlvs.networkErrorCode !== undefined && { networkError: tlvs.networkErrorCode }),
  };
}

/** The labels are ASCII in every coding that SMSCs write receipts in, except UCS-2. */
function textOf(bytes: Buffer, dataCoding: number): string {
  const isUcs2 = dataCoding === 8 && bytes.length % 2 === 0 && bytes[0] === 0;
  if (!isUcs2) return bytes.toString('latin1');
  return Buffer.from(bytes).swap16().toString('utf16le');
}

/**
 * How one message id may be spelled elsewhere, itself first: SMSCs answer a submit in hexadecimal and send the receipt in
 * decimal with zeros in front, or the other way round. An id that is neither, such as a UUID, has its two cases.
 */
export function idSpellings(id: string): string[] {
  const found = new Set([id]);
  const stripped = id.replace(/^0+(?=.)/, '');
  found.add(stripped);
  if (/^\d{1,19}$/.test(stripped)) {
    const hex = BigInt(stripped).toString(16);
    found.add(hex).add(hex.toUpperCase());
  }
  if (/^[\da-f]{1,16}$/i.test(stripped)) {
    found.add(BigInt(`0x${stripped}`).toString(10));
  }
  found.add(stripped.toLowerCase()).add(stripped.toUpperCase());
  return [...found];
}

/** The text of a receipt in the form of Appendix B, with times to the minute in UTC. */
export function buildReceiptText(
  receipt: ReceiptText & { readonly id: string; readonly state: MessageState },
): string {
  const { id, state, submitted, done, error = '000', sub = 1, text = '' } = receipt;
  const dlvrd = receipt.dlvrd ?? (state === 'delivered' ? sub : 0);
  const three = (n: number): string => String(n).padStart(3, '0');
  const dates = `submit date:${minute(submitted)} done date:${minute(done ?? submitted)}`;
  const line = `id:${id} sub:${three(sub)} dlvrd:${three(dlvrd)} ${dates} stat:${written[state]} err:${error} text:`;
  return `${line}${text.slice(0, 20)}`.slice(0, mostShortMessage);
}

function minute(at: Date | undefined): string {
  if (at === undefined) return '0000000000';
  return at.toISOString().replace(/\D/g, '').slice(2, 12);
}

/** The same as optional parameters. */
export function receiptTlvs(receipt: {
  readonly id: string;
  readonly state: MessageState;
  readonly networkError?: NetworkErrorCode;
}): Tlvs {
  const { id, state, networkError } = receipt;
  return {
    receiptedMessageId: id,
    messageState: states.indexOf(state),
    ...(networkError !== undefined && { networkErrorCode: networkError }),
  };
}
