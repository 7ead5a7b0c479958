import { brokenFrame, decode, headerLength } from './decode.js';
import { MalformedPdu } from './errors.js';
import type { Pdu } from './pdu.js';

/** What a stream holds: a PDU, or what is wrong where one should be. After a fault of scope `frame` nothing follows. */
export type Read = { readonly pdu: Pdu } | { readonly fault: MalformedPdu };

/** The most octets of a PDU: 64 KiB of message_payload, and as much again for all else. */
export const usualMaxLength = 131_072;

/**
 * Bytes in, PDUs and faults out; nothing that a peer can write makes it throw or hold more than one PDU of the largest
 * size besides what was pushed and not yet read. A PDU that is wrong inside its frame is told and passed over; a
 * command_length that no PDU has ends the reading, since nobody can say where the next PDU begins.
 *
 * Push what has arrived, then call `next` until it has nothing more.
 */
export class PduReader {
  readonly #most: number;
  /** Pushed and not yet read, from `#at` in the first on. */
  readonly #chunks: Buffer[] = [];
  #at = 0;
  /** The PDU that has begun in an earlier chunk: its header first, then the memory for all of it. */
  #frame: Buffer | undefined;
  #filled = 0;
  readonly #head = Buffer.alloc(headerLength);
  #over = false;

  /** @param maxLength octets of a PDU; longer ones end the reading. */
  constructor(maxLength = usualMaxLength) {
    this.#most = maxLength;
  }

  /** Whether a broken frame has ended the reading: whatever is pushed from then on is dropped. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Whether some of a PDU is here and its end is not. */
  get isAmidPdu(): boolean {
    return !this.#over && (this.#filled > 0 || this.#chunks.length > 0);
  }

  /** @param chunk bytes as they came; they are not copied until they are read, and must not change before. */
  push(chunk: Buffer): void {
    if (!this.#over && chunk.length > 0) this.#chunks.push(chunk);
  }

  /** The next PDU or fault, or nothing until more has been pushed. */
  next(): Read | undefined {
    const [chunk] = this.#chunks;
    if (chunk === undefined) return undefined;
    // Most PDUs lie in one chunk as a whole, and are read where they lie.
    if (this.#filled === 0 && chunk.length - this.#at >= headerLength) {
      const length = chunk.readUInt32BE(this.#at);
      const broken = this.#broken(length, chunk.subarray(this.#at, this.#at + headerLength));
      if (broken !== undefined) return broken;
      if (chunk.length - this.#at >= length) {
        const from = this.#at;
        this.#advance(chunk, length);
        return read(chunk.subarray(from, from + length));
      }
    }
    return this.#gather();
  }

  /** A PDU that lies in several chunks, put together once. */
  #gather(): Read | undefined {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const into = this.#frame ?? this.#head;
      const take = Math.min(into.length - this.#filled, chunk.length - this.#at);
      chunk.copy(into, this.#filled, this.#at, this.#at + take);
      this.#filled += take;
      this.#advance(chunk, take);
      if (this.#frame === undefined) {
        // A length that is wrong is told as soon as it is known.
        if (this.#filled < 4) continue;
        const length = this.#head.readUInt32BE(0);
        const broken = this.#broken(length, this.#head.subarray(0, this.#filled));
        if (broken !== undefined) return broken;
        if (this.#filled < headerLength) continue;
        this.#frame = Buffer.allocUnsafe(length);
        this.#head.copy(this.#frame);
      }
      if (this.#filled < this.#frame.length) continue;
      const frame = this.#frame;
      this.#frame = undefined;
      this.#filled = 0;
      return read(frame);
    }
    return undefined;
  }

  #advance(chunk: Buffer, by: number): void {
    this.#at += by;
    if (this.#at < chunk.length) return;
    this.#chunks.shift();
    this.#at = 0;
  }

  #broken(length: number, head: Buffer): Read | undefined {
    if (length >= headerLength && length <= this.#most) return undefined;
    this.#over = true;
    this.#chunks.length = 0;
    const bounds = `is ${String(length)}, not between 16 and ${String(this.#most)}`;
    return { fault: brokenFrame(head, bounds) };
  }
}

function read(frame: Buffer): Read {
  try {
    return { pdu: decode(frame) };
  } catch (error) {
    if (error instanceof MalformedPdu) return { fault: error };
    throw error;
  }
}
