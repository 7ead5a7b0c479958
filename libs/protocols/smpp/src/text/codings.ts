/* What a data_coding says of the octets of a message, and how they are read (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4). */
import { fromGsm } from './gsm.js';

/** How octets stand for text; `binary`: they stand for none. */
export type Coding = TextCoding | 'binary';
export type TextCoding =
  'gsm7' | 'ascii' | 'latin1' | 'ucs2' | 'utf8' | 'iso-8859-5' | 'iso-8859-8' | 'iso-2022-jp' | 'euc-kr';

export interface DataCoding {
  readonly coding: Coding;
  /** TS 23.038 §4: 0 is shown at once and not kept (a flash), 1 to 3 say where it is kept. */
  readonly messageClass?: 0 | 1 | 2 | 3;
}

/** SMPP 3.4 §5.2.19. What is not here has no coding that its readers agree upon, and is handed on as it came. */
const smpp: ReadonlyMap<number, Coding> = new Map([
  [0x01, 'ascii'],
  [0x03, 'latin1'],
  [0x06, 'iso-8859-5'],
  [0x07, 'iso-8859-8'],
  [0x08, 'ucs2'],
  [0x0a, 'iso-2022-jp'],
  [0x0e, 'euc-kr'],
]);

/**
 * Reads a data_coding. Up to 0x0f it is SMPP's own table; above it SMPP reserves the values, or says that they are the
 * data coding scheme of TS 23.038, which is what message centres pass on there.
 * @param dataCoding one octet
 * @param smscDefault what 0x00 means at this message centre: "SMSC default alphabet" is all that SMPP says
 */
export function readDataCoding(dataCoding: number, smscDefault: Coding = 'gsm7'): DataCoding {
  if (dataCoding === 0) return { coding: smscDefault };
  if (dataCoding < 0x10) return { coding: smpp.get(dataCoding) ?? 'binary' };
  const group = dataCoding >> 4;
  const messageClass = (dataCoding & 0x03) as 0 | 1 | 2 | 3;
  // §4, 00xx and 01xx: bit 5 compressed (which nobody reads), bit 4 has a class, bits 3 and 2 the alphabet.
  if (group < 0x8) {
    const coding = (dataCoding & 0x20) === 0 ? alphabet((dataCoding >> 2) & 0x03) : 'binary';
    return (dataCoding & 0x10) === 0 ? { coding } : { coding, messageClass };
  }
  // §4, 1100 and 1101: message waiting, in the default alphabet; 1110: in UCS-2; 1111: a class, bit 2 the alphabet.
  if (group === 0xc || group === 0xd) return { coding: 'gsm7' };
  if (group === 0xe) return { coding: 'ucs2' };
  if (group === 0xf) return { coding: (dataCoding & 0x04) === 0 ? 'gsm7' : 'binary', messageClass };
  // §4: reserved codings are to be taken for the default alphabet.
  return { coding: 'gsm7' };
}

function alphabet(bits: number): Coding {
  if (bits === 1) return 'binary';
  return bits === 2 ? 'ucs2' : 'gsm7';
}

/** Reads octets as text. Never throws: what they cannot mean becomes U+FFFD. */
export function decodeText(coding: TextCoding, octets: Uint8Array): string {
  switch (coding) {
    case 'gsm7':
      return fromGsm(octets);
    case 'ascii':
      return Array.from(octets, (octet) => (octet < 0x80 ? String.fromCharCode(octet) : '\ufffd')).join('');
    case 'latin1':
      return Buffer.from(octets).toString('latin1');
    case 'ucs2':
      return fromUcs2(octets);
    case 'utf8':
    case 'iso-8859-5':
    case 'iso-8859-8':
    case 'iso-2022-jp':
    case 'euc-kr':
      return new TextDecoder(coding).decode(octets);
  }
}

/** A text as UTF-16BE, which is what UCS-2 has become: characters past U+FFFF are surrogate pairs. */
export function toUcs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/**
 * Reads UTF-16BE: big-endian unless a byte order mark says otherwise; the mark itself is no text. Half a pair becomes
 * U+FFFD, half a code unit at the end too.
 */
function fromUcs2(octets: Uint8Array): string {
  const even = Buffer.from(octets.subarray(0, octets.length & ~1));
  const mark = even.length < 2 ? 0 : even.readUInt16BE(0);
  const text = (mark === 0xfffe ? even : even.swap16()).toString('utf16le');
  const whole = mark === 0xfffe || mark === 0xfeff ? text.slice(1) : text;
  return `${whole.toWellFormed()}${octets.length % 2 === 0 ? '' : '\ufffd'}`;
}
