import {
  byteAt,
  concat,
  errorResponse,
  headerLength,
  message,
  readCString,
  readInt32,
  type Bytes,
  type TransactionStatus,
} from './wire.js';

export interface Notification {
  readonly channel: string;
  /** The whole NotificationResponse. */
  readonly bytes: Bytes;
}

const readyForQuery = 0x5a;
const commandComplete = 0x43;
const error = 0x45;
const notification = 0x41;
const copyInResponse = 0x47;

/** How much of an answer is gathered before it is handed on: few thread crossings, yet no whole result in memory. */
const pieceLength = 1 << 20;

/**
 * Reads what the engine answers to a batch, passes it on in pieces of whole messages, and notes what the broker must
 * know. Two kinds of message stay behind: notifications, which go to whoever listens, and the engine's offer to read
 * a COPY, whose failure is put in plain words.
 */
export class Reply {
  /** Of the last ReadyForQuery; undefined where there was none. */
  status: TransactionStatus | undefined;
  readonly tags: string[] = [];
  readonly notifications: Notification[] = [];
  /** The first ErrorResponse. */
  error: Bytes | undefined;
  #buffer: Bytes = new Uint8Array(0);
  #length = 0;
  #needed = headerLength;
  #copyRefused = false;

  /**
   * @param sink takes each piece; it may keep it.
   * @param tag what to call a RESET that stands for another statement.
   */
  constructor(
    private readonly sink: (piece: Bytes) => void,
    private readonly tag?: string,
  ) {}

  /** Takes a chunk, which is the engine's memory and is copied. */
  push(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(this.#length === 0 ? length : Math.max(length, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = length;
    if (length >= pieceLength && length >= this.#needed) this.#pass();
  }

  /** Passes on the remainder. Returns whether it ended with a whole message. */
  end(): boolean {
    this.#pass();
    return this.#length === 0;
  }

  #pass(): void {
    const bytes = this.#buffer.subarray(0, this.#length);
    const kept: Uint8Array[] = [];
    let from = 0;
    let offset = 0;
    this.#needed = headerLength;
    while (offset + headerLength <= bytes.length) {
      const end = offset + 1 + readInt32(bytes, offset + 1);
      if (end > bytes.length) {
        this.#needed = end - offset;
        break;
      }
      const instead = this.#see(bytes, offset, end);
      if (instead !== undefined) {
        kept.push(bytes.subarray(from, offset), instead);
        from = end;
      }
      offset = end;
    }
    if (offset === 0) return;
    if (from === 0 && offset === this.#buffer.length) {
      const whole = this.#buffer;
      this.#buffer = new Uint8Array(0);
      this.#length = 0;
      this.sink(whole);
      return;
    }
    kept.push(bytes.subarray(from, offset));
    const piece = concat(kept);
    this.#buffer.copyWithin(0, offset, this.#length);
    this.#length -= offset;
    if (piece.length > 0) this.sink(piece);
  }

  /** Notes one message; returns what to pass on in its place, if not the message itself. */
  #see(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    switch (byteAt(bytes, start)) {
      case readyForQuery:
        this.status = String.fromCharCode(byteAt(bytes, start + headerLength)) as TransactionStatus;
        return undefined;
      case commandComplete: {
        const { text } = readCString(bytes, start + headerLength);
        this.tags.push(text);
        return this.tag !== undefined && text === 'RESET' ? message('C', this.tag) : undefined;
      }
      case error:
        this.error ??= bytes.slice(start, end);
        if (!this.#copyRefused) return undefined;
        this.#copyRefused = false;
        return errorResponse('0A000', 'COPY FROM STDIN is not supported by the embedded engine', {
          detail: 'Insert from arrays (unnest) or JSON (jsonb_to_recordset) instead.',
        });
      case copyInResponse:
        this.#copyRefused = true;
        return new Uint8Array(0);
      case notification: {
        const { text: channel } = readCString(bytes, start + headerLength + 4);
        this.notifications.push({ channel, bytes: bytes.slice(start, end) });
        return new Uint8Array(0);
      }
      default:
        return undefined;
    }
  }
}
