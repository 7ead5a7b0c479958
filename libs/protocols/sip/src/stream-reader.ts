/*
 * Messages out of a stream, by their Content-Length (RFC 3261 §18.3), with the keep-alives between them (RFC 5626 §3.5.1).
 */
import { answerable, contentLength, messageOf, readHead, type Fault } from './head.js';
import { usualLimits, type Limits } from './limits.js';
import type { SipMessage, SipRequest } from './message.js';

/** What is told of a stream, in its order. */
export interface StreamHandlers {
  message(message: SipMessage): void;
  /** A message is wrong inside its frame: answer it, if it is given, and go on. */
  fault(fault: Fault, message?: SipRequest): void;
  /** A double end of line: answer it by a single one. */
  ping(): void;
  /** A single end of line: the answer to a ping of ours, or nothing at all. */
  pong(): void;
  /** Nobody can say where the next message begins: answer `message` with `fault`, if they are given, and close. */
  broken(reason: string, fault?: Fault, message?: SipRequest): void;
}

const cr = 0x0d;
const lf = 0x0a;
const end = Buffer.from('\r\n\r\n');

/**
 * Bytes in, messages out. It holds one message at the most, within the limits, besides the chunk that is being read, and
 * takes time in proportion to what comes, however small the chunks are. It throws only what a handler throws.
 */
export class StreamReader {
  readonly #handlers: StreamHandlers;
  readonly #limits: Limits;
  /** What has come and is not yet read is from `#from` to `#to`. */
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** Up to where the end of the head was looked for. */
  #searched = 0;
  /** How much has to be there before anything more can be read. */
  #needed = 0;
  /** Whether the last thing read was one end of line, which another one may make a ping. */
  #isHalfPing = false;
  #isBroken = false;

  constructor(handlers: StreamHandlers, limits: Limits = usualLimits) {
    this.#handlers = handlers;
    this.#limits = limits;
  }

  /** Whether some of a message is here and its end is not. */
  get isAmid(): boolean {
    return this.#to > this.#from;
  }

  /** Whether the framing is lost: whatever is pushed from then on is dropped. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** @param chunk bytes as they came; they are copied */
  push(chunk: Buffer): void {
    if (this.#isBroken || chunk.length === 0) return;
    this.#append(chunk);
    while (this.#to > this.#from && this.#to - this.#from >= this.#needed && this.#step());
    if (this.#to === this.#from) this.#rest();
  }

  #append(chunk: Buffer): void {
    const held = this.#to - this.#from;
    if (this.#to + chunk.length > this.#bytes.length) {
      const room = Buffer.allocUnsafe(Math.max(2 * held, held + chunk.length, 1_024));
      this.#bytes.copy(room, 0, this.#from, this.#to);
      this.#searched -= this.#from;
      this.#bytes = room;
      this.#from = 0;
      this.#to = held;
    }
    chunk.copy(this.#bytes, this.#to);
    this.#to += chunk.length;
  }

  /** Between messages nothing is held. */
  #rest(): void {
    if (this.#bytes.length > 0) this.#bytes = Buffer.alloc(0);
    this.#from = this.#to = this.#searched = 0;
  }

  /** Reads one thing. @returns whether there may be more */
  #step(): boolean {
    const first = this.#bytes[this.#from];
    if (first === cr || first === lf) return this.#readEnds(first);
    this.#isHalfPing = false;
    const found = this.#bytes.subarray(0, this.#to).indexOf(end, Math.max(this.#searched, this.#from));
    const length = (found < 0 ? this.#to : found) - this.#from;
    if (length > this.#limits.header) return this.#break('a header is too long');
    if (found >= 0) return this.#readMessage(found);
    this.#searched = Math.max(this.#from, this.#to - end.length + 1);
    return false;
  }

  /** Ends of line between messages: pings, pongs, or what RFC 3261 §7.5 says to pass over. */
  #readEnds(first: number): boolean {
    if (first === lf) {
      this.#from += 1;
      return true;
    }
    if (this.#to - this.#from < 2) return false;
    if (this.#bytes[this.#from + 1] !== lf) return this.#break('a message begins with CR');
    this.#from += 2;
    const isNext =
      this.#bytes[this.#from] === cr && this.#bytes[this.#from + 1] === lf && this.#to >= this.#from + 2;
    if (this.#isHalfPing || isNext) {
      if (!this.#isHalfPing) this.#from += 2;
      this.#isHalfPing = false;
      this.#handlers.ping();
    } else {
      this.#isHalfPing = true;
      this.#handlers.pong();
    }
    return !this.#isBroken;
  }

  /** @param to where its head ends */
  #readMessage(to: number): boolean {
    const head = readHead(this.#bytes.subarray(this.#from, to), '\r\n', this.#limits);
    const length = contentLength(head.headers);
    if (head.start === undefined) return this.#break('what comes is not SIP');
    const broken = framingFault(length, head.isTorn, this.#limits);
    if (broken !== undefined) return this.#break(broken.reason, broken, answerable(head));
    const from = to + end.length;
    const size = typeof length === 'number' ? length : 0;
    if (this.#to < from + size) {
      this.#searched = to;
      this.#needed = from + size - this.#from;
      return false;
    }
    const body = Buffer.from(this.#bytes.subarray(from, from + size));
    this.#from = this.#searched = from + size;
    this.#needed = 0;
    const message = messageOf(head, body);
    if (head.fault !== undefined) this.#handlers.fault(head.fault, answerable(head));
    else if (message !== undefined) this.#handlers.message(message);
    return !this.#isBroken;
  }

  #break(reason: string, fault?: Fault, message?: SipRequest): false {
    this.#isBroken = true;
    this.#to = this.#from;
    this.#rest();
    this.#handlers.broken(reason, fault, message);
    return false;
  }
}

/** Why nobody can say where a message ends. In a stream every message has a Content-Length (§18.3). */
function framingFault(
  length: ReturnType<typeof contentLength>,
  isTorn: boolean,
  limits: Limits,
): Fault | undefined {
  if (isTorn) return { status: 400, reason: 'Bare CR or LF' };
  if (length === 'none') return { status: 400, reason: 'Missing Content-Length' };
  if (length === 'bad') return { status: 400, reason: 'Malformed Content-Length' };
  if (length > limits.body) return { status: 513, reason: 'Message Too Large' };
  return undefined;
}
