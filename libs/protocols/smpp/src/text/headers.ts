/*
 * User data headers (3GPP TS 23.040 §9.2.3.24): the octets before the text of a message whose esm_class has the UDHI
 * bit. Only concatenation is understood (§9.2.3.24.1 and .8); other elements are handed on as they came.
 */

/** One information element. */
export interface HeaderElement {
  readonly id: number;
  /** At most 255 octets. */
  readonly data: Buffer;
}

/** Which part of which message: said by a header with a reference of 8 or of 16 bits, or by SMPP's `sar_*` fields. */
export interface Concatenation {
  readonly size: 8 | 16 | 'sar';
  readonly reference: number;
  /** How many parts there are, 1 to 255. */
  readonly of: number;
  /** Which one this is, from 1. */
  readonly number: number;
}

export interface UserData {
  readonly elements: readonly HeaderElement[];
  readonly concatenation?: Concatenation;
  /** What comes after the header. */
  readonly body: Buffer;
}

/** A header that is none. Its elements are not to be believed (§9.2.3.24); what can be read after it is. */
export interface MalformedUserData {
  readonly malformed: string;
  readonly body: Buffer;
}

const CONCATENATED_8 = 0x00;
const CONCATENATED_16 = 0x08;

/** Takes the header off user data. Never throws. */
export function parseHeader(userData: Uint8Array): UserData | MalformedUserData {
  const octets = Buffer.from(userData.buffer, userData.byteOffset, userData.byteLength);
  const length = octets[0];
  if (length === undefined) return { malformed: 'A header is announced and nothing is there.', body: octets };
  const body = octets.subarray(1 + length);
  const header = octets.subarray(1, 1 + length);
  if (header.length < length) {
    const said = `A header of ${String(length)} octets is announced and ${String(header.length)} are there.`;
    // Where it should end is not to be known: all of it is kept, so that nothing is lost.
    return { malformed: said, body: octets };
  }
  const elements: HeaderElement[] = [];
  for (let at = 0; at < length;) {
    const id = header[at] ?? 0;
    const size = header[at + 1];
    if (size === undefined || at + 2 + size > length) {
      return { malformed: `Element ${String(id)} of the header reaches past its end.`, body };
    }
    elements.push({ id, data: header.subarray(at + 2, at + 2 + size) });
    at += 2 + size;
  }
  // §9.2.3.24: of elements that exclude each other, or came twice, the last counts.
  const concatenation = elements.map(concatenationIn).findLast((found) => found !== undefined);
  return concatenation ? { elements, concatenation, body } : { elements, body };
}

/** §9.2.3.24.1 and .8: an element whose numbers cannot be is ignored. */
function concatenationIn({ id, data }: HeaderElement): Concatenation | undefined {
  if (id === CONCATENATED_8 && data.length === 3) {
    return possible({
      size: 8,
      reference: data.readUInt8(0),
      of: data.readUInt8(1),
      number: data.readUInt8(2),
    });
  }
  if (id === CONCATENATED_16 && data.length === 4) {
    return possible({
      size: 16,
      reference: data.readUInt16BE(0),
      of: data.readUInt8(2),
      number: data.readUInt8(3),
    });
  }
  return undefined;
}

/** A concatenation whose numbers can be: 1 to 255 parts, and one of them. */
export function possible(concatenation: Concatenation): Concatenation | undefined {
  const { of, number } = concatenation;
  const may = Number.isInteger(of) && Number.isInteger(number) && of <= 255 && number >= 1 && number <= of;
  return may ? concatenation : undefined;
}

/**
 * A header of these elements, with its length.
 * @throws RangeError where they do not fit into 255 octets
 */
export function buildHeader(elements: readonly HeaderElement[]): Buffer {
  const all = Buffer.concat(
    elements.map(({ id, data }) => Buffer.concat([Buffer.of(id, data.length), data])),
  );
  if (all.length > 255 || elements.some(({ data }) => data.length > 255)) {
    throw new RangeError('A user data header has at most 255 octets.');
  }
  return Buffer.concat([Buffer.of(all.length), all]);
}

/** The element that says which part it is, with a reference of 8 bits (its low octet) or 16. */
export function concatenationElement(
  concatenation: Concatenation & { readonly size: 8 | 16 },
): HeaderElement {
  const { size, reference, of, number } = concatenation;
  return size === 8
    ? { id: CONCATENATED_8, data: Buffer.of(reference & 0xff, of, number) }
    : { id: CONCATENATED_16, data: Buffer.of((reference >> 8) & 0xff, reference & 0xff, of, number) };
}
