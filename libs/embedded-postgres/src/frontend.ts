import { createHash } from 'node:crypto';
import { readStatement, type Traits } from './statement.js';
import { concat, decode, encode, headerLength, message, readCString, readInt32 } from './wire.js';

/**
 * What the engine is given in one go: the messages up to one that makes a server answer (Query, Sync, Flush,
 * FunctionCall), or a wish to part. Only between batches may another connection have its turn.
 */
export interface Batch {
  readonly kind: 'query' | 'sync' | 'flush' | 'call' | 'terminate';
  readonly messages: readonly Uint8Array[];
  /** Of every statement that runs in it. */
  readonly traits: readonly Traits[];
  /** Statement names, as the engine knows them, that it closes. */
  readonly closes: readonly string[];
  /** It binds or describes the unnamed statement before it parses one: that of an earlier batch. */
  readonly reusesUnnamed: boolean;
  /** It leaves an unnamed statement behind. */
  readonly parsesUnnamed: boolean;
}

/** The peer broke the protocol: nothing more can be read from it. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/** PostgreSQL's own bound for a message (MaxAllocSize). */
const longestMessage = 0x3fffffff;
/** PostgreSQL compares names of statements up to here (NAMEDATALEN - 1). */
const longestName = 63;

const copyRefusal = 'the embedded engine does not read COPY FROM STDIN; insert from arrays or JSON instead';

/**
 * Cuts one connection's bytes into batches, and gives its prepared statements names of its own: all connections share
 * one session of the engine, and two of them may well choose the same name.
 */
export class Frontend {
  #rest: Uint8Array = new Uint8Array(0);
  #batch = emptyBatch();
  #speaksCopy = false;
  /** What is known of each statement this connection has prepared, by the engine's name for it. */
  readonly #statements = new Map<string, Traits>();

  constructor(private readonly prefix: string) {}

  /** Names, as the engine knows them, of the statements that this connection may have prepared. */
  get statementNames(): string[] {
    return [...this.#statements.keys()].filter((name) => name !== '');
  }

  forgetStatements(names: readonly string[]): void {
    for (const name of names) this.#statements.delete(name);
  }

  /** Takes what has arrived and returns the batches that it completes. Throws {@link ProtocolViolation}. */
  push(bytes: Uint8Array): Batch[] {
    const all = this.#rest.length > 0 ? concat([this.#rest, bytes]) : bytes;
    const batches: Batch[] = [];
    let offset = 0;
    while (all.length - offset >= headerLength) {
      const length = readInt32(all, offset + 1);
      if (length < 4 || length > longestMessage)
        throw new ProtocolViolation(`invalid message length ${String(length)}`);
      const end = offset + 1 + length;
      if (end > all.length) break;
      const kind = this.#take(all.subarray(offset, end));
      offset = end;
      if (kind === undefined) continue;
      batches.push({ ...this.#batch, kind });
      this.#batch = emptyBatch();
    }
    this.#rest = all.slice(offset); // a view would keep all of it alive
    return batches;
  }

  /** Adds one message to the batch; returns the batch's kind where the message ends it. */
  #take(bytes: Uint8Array): Batch['kind'] | undefined {
    const { messages, traits, closes } = this.#batch;
    const type = decode(bytes.subarray(0, 1));
    switch (type) {
      case 'Q':
        this.#query(bytes);
        return 'query';
      case 'P':
        messages.push(this.#parse(bytes));
        return undefined;
      case 'B': {
        const { text: portal, next } = readCString(bytes, headerLength);
        const { text: name, next: tail } = readCString(bytes, next);
        const known = this.#statements.get(this.#own(name));
        if (known !== undefined) traits.push(known);
        if (name === '') this.#touchUnnamed();
        messages.push(name === '' ? bytes : message('B', portal, this.#own(name), bytes.subarray(tail)));
        return undefined;
      }
      case 'D':
      case 'C': {
        const ofStatement = decode(bytes.subarray(headerLength, headerLength + 1)) === 'S';
        const { text: name } = readCString(bytes, headerLength + 1);
        if (!ofStatement || name === '') {
          if (ofStatement && type === 'D') this.#touchUnnamed();
          messages.push(bytes);
          return undefined;
        }
        if (type === 'C') closes.push(this.#own(name));
        messages.push(message(type, encode('S'), this.#own(name)));
        return undefined;
      }
      case 'E':
        messages.push(bytes);
        if (this.#speaksCopy) messages.push(message('f', copyRefusal));
        return undefined;
      case 'S':
        messages.push(bytes);
        return 'sync';
      case 'H':
        messages.push(bytes);
        return 'flush';
      case 'F':
        messages.push(bytes);
        return 'call';
      case 'X':
        return 'terminate';
      case 'd':
      case 'c':
      case 'f':
        return undefined; // rows for a COPY that was refused
      default:
        throw new ProtocolViolation(`invalid frontend message type ${JSON.stringify(type)}`);
    }
  }

  #query(bytes: Uint8Array): void {
    const { text } = readCString(bytes, headerLength);
    const { instead, traits } = readStatement(text);
    this.#batch.messages.push(instead === undefined ? bytes : message('Q', instead));
    this.#batch.traits.push(traits);
    // Waits behind the query for a COPY to read; without one the engine ignores it (55.2.6, COPY Operations).
    if (traits.mayCopyIn) this.#batch.messages.push(message('f', copyRefusal));
  }

  #parse(bytes: Uint8Array): Uint8Array {
    const { text: name, next } = readCString(bytes, headerLength);
    const { text: sql, next: tail } = readCString(bytes, next);
    const { instead, traits } = readStatement(sql);
    this.#statements.set(this.#own(name), traits);
    this.#speaksCopy ||= traits.mayCopyIn;
    if (name === '') this.#batch.parsesUnnamed = true;
    if (name === '' && instead === undefined) return bytes;
    return message('P', this.#own(name), instead ?? sql, bytes.subarray(tail));
  }

  #touchUnnamed(): void {
    this.#batch.reusesUnnamed ||= !this.#batch.parsesUnnamed;
  }

  #own(name: string): string {
    if (name === '') return '';
    const own = this.prefix + name;
    // The engine would see only the start of a longer one, and take two for one.
    return encode(own).length <= longestName
      ? own
      : this.prefix + createHash('sha1').update(name).digest('hex');
  }
}

function emptyBatch(): {
  messages: Uint8Array[];
  traits: Traits[];
  closes: string[];
  reusesUnnamed: boolean;
  parsesUnnamed: boolean;
} {
  return { messages: [], traits: [], closes: [], reusesUnnamed: false, parsesUnnamed: false };
}

/** The first message of a connection, which has no type byte (PostgreSQL documentation, 55.2.1). */
export type Opening =
  | { readonly kind: 'startup'; readonly parameters: ReadonlyMap<string, string> }
  | { readonly kind: 'cancel'; readonly process: number; readonly secret: number }
  /** SSLRequest or GSSENCRequest: answered `N`, then the client begins again in the clear. */
  | { readonly kind: 'encryption' };

const cancelCode = 80877102;
const sslCode = 80877103;
const gssCode = 80877104;

/**
 * Reads the opening message; undefined while it is incomplete, else with what follows it.
 * Throws {@link ProtocolViolation}.
 */
export function readOpening(bytes: Uint8Array): { opening: Opening; rest: Uint8Array } | undefined {
  if (bytes.length < 8) return undefined;
  const length = readInt32(bytes, 0);
  const code = readInt32(bytes, 4);
  if (length < 8 || length > 10_000) throw new ProtocolViolation('invalid length of startup packet');
  if (bytes.length < length) return undefined;
  const rest = bytes.subarray(length);
  if (code === sslCode || code === gssCode) return { opening: { kind: 'encryption' }, rest };
  if (code === cancelCode) {
    const opening = { kind: 'cancel', process: readInt32(bytes, 8), secret: readInt32(bytes, 12) } as const;
    return { opening, rest };
  }
  if (code >>> 16 !== 3) throw new ProtocolViolation('unsupported frontend protocol');
  const parameters = new Map<string, string>();
  let offset = 8;
  while (offset < length && bytes[offset] !== 0) {
    const name = readCString(bytes, offset);
    const value = readCString(bytes, name.next);
    parameters.set(name.text, value.text);
    offset = value.next;
  }
  return { opening: { kind: 'startup', parameters }, rest };
}
