import { Unencodable } from './errors.js';
import { statuses } from './statuses.js';

/** What a field finds wrong with what it reads; the decoder adds the rest of what a `MalformedPdu` tells. */
export class Misfit extends Error {
  constructor(
    readonly field: string,
    readonly offset: number,
    readonly answer: number,
    readonly why: string,
  ) {
    super(why);
  }
}

/** Reads one PDU, octet for octet and never past its end. */
export class Cursor {
  offset: number;

  constructor(
    readonly bytes: Buffer,
    from: number,
    readonly end: number,
  ) {
    this.offset = from;
  }

  get left(): number {
    return this.end - this.offset;
  }

  /** An unsigned integer of 1, 2 or 4 octets (SMPP 3.4 §3.1). */
  integer(size: 1 | 2 | 4, field: string): number {
    const { bytes, offset } = this;
    if (this.left < size) {
      throw new Misfit(field, offset, statuses.ESME_RINVCMDLEN, 'is missing: the PDU ends before it');
    }
    this.offset += size;
    if (size === 1) return bytes[offset] ?? 0;
    return size === 2 ? bytes.readUInt16BE(offset) : bytes.readUInt32BE(offset);
  }

  /** A C-octet string of at most `most` octets, its NUL among them. Every octet becomes the character of its number. */
  cString(most: number, field: string, answer: number): string {
    const { bytes, offset } = this;
    if (bytes[offset] === 0 && offset < this.end) {
      this.offset++;
      return '';
    }
    const limit = Math.min(this.end, offset + most);
    let end = offset;
    while (end < limit && bytes[end] !== 0) end++;
    if (end === limit) {
      const why =
        limit === this.end && this.left <= most
          ? this.left === 0
            ? 'is missing: the PDU ends before it'
            : 'has no NUL at its end'
          : `is longer than ${String(most - 1)} characters`;
      throw new Misfit(field, offset, this.left === 0 ? statuses.ESME_RINVCMDLEN : answer, why);
    }
    this.offset = end + 1;
    return bytes.toString('latin1', offset, end);
  }

  /** Octets of their own memory: whoever keeps a message does not keep all that came with it. */
  octets(length: number): Buffer {
    const { bytes, offset } = this;
    this.offset += length;
    return length === 0 ? none : Buffer.from(bytes.subarray(offset, offset + length));
  }
}

const none = Buffer.alloc(0);

/** Writes into memory that has been measured. */
export class Pen {
  offset = 0;

  constructor(readonly bytes: Buffer) {}

  integer(size: 1 | 2 | 4, value: number): void {
    const { bytes, offset } = this;
    if (size === 1) bytes[offset] = value;
    else if (size === 2) bytes.writeUInt16BE(value, offset);
    else bytes.writeUInt32BE(value, offset);
    this.offset += size;
  }

  cString(value: string): void {
    if (value.length > 0) this.offset += this.bytes.write(value, this.offset, 'latin1');
    this.bytes[this.offset++] = 0;
  }

  octets(value: Uint8Array): void {
    this.bytes.set(value, this.offset);
    this.offset += value.length;
  }
}

const writable = /^[\u0001-\u00ff]*$/;

/** @throws Unencodable unless the text is a C-octet string of at most `most` octets with its NUL. */
export function checkCString(value: string, most: number, field: string): void {
  if (value.length >= most) {
    throw new Unencodable(
      field,
      `has ${String(value.length)} characters, and ${String(most - 1)} are the most`,
    );
  }
  if (value.length > 0 && !writable.test(value)) {
    throw new Unencodable(field, 'has a character that is no octet, or NUL');
  }
}

/** @throws Unencodable unless the number is a whole one of so many octets. */
export function checkInteger(value: number, size: 1 | 2 | 4, field: string): void {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** (8 * size)) {
    throw new Unencodable(field, `is ${String(value)}, no unsigned integer of ${String(size)} octets`);
  }
}
