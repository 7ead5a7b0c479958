import { randomInt } from 'node:crypto';
import { Frontend, ProtocolViolation, readOpening, type Batch, type Opening } from './frontend.js';
import { milliseconds, startupSettings, type Settings } from './settings.js';
import type { ListenChange } from './statement.js';
import { concat, encode, message, readyForQuery, type Bytes, type TransactionStatus } from './wire.js';

/** What a connection wants from the broker, in the order in which it asked. */
export type Wish =
  | { readonly kind: 'greet' }
  | { readonly kind: 'refuse'; readonly why: string }
  | { readonly kind: 'cancel'; readonly process: number; readonly secret: number }
  /** Stands in for a statement that was cancelled before its turn came. */
  | { readonly kind: 'cancelled' }
  | Batch;

/** Server-side state of one virtual connection: what a PostgreSQL backend process would hold. */
export class Connection {
  readonly secret = randomInt(1, 2 ** 31 - 1);
  readonly wishes: Wish[] = [];
  /** Whether it stands in the broker's queue. */
  queued = false;
  gone = false;
  status: TransactionStatus = 'I';
  settings: Settings = new Map();
  /** Its statements may have changed settings that have not been read back. */
  settingsTouched = false;
  readonly channels = new Set<string>();
  /** LISTEN and UNLISTEN of the transaction that is still open. */
  listenChanges: ListenChange[] = [];
  lastCommand = '';
  /** When it last gave or got something, on the monotonic clock. */
  lastActive = performance.now();
  readonly #frontend: Frontend;
  #opening: Uint8Array | undefined = new Uint8Array(0);

  constructor(
    readonly id: number,
    /** What BackendKeyData calls its process. */
    readonly process: number,
    private readonly encryptionRefused: () => void,
  ) {
    this.#frontend = new Frontend(`c${id.toString(36)}.`);
  }

  get applicationName(): string {
    return this.settings.get('application_name') ?? '';
  }

  /** Its own limit for idling in a transaction, in ms; undefined where it has set none. */
  get idleTransactionTimeout(): number | undefined {
    return milliseconds(this.settings.get('idle_in_transaction_session_timeout'));
  }

  get statementNames(): string[] {
    return this.#frontend.statementNames;
  }

  forgetStatements(names: readonly string[]): void {
    this.#frontend.forgetStatements(names);
  }

  /** Takes bytes from the client and adds to the wishes. */
  push(bytes: Uint8Array): void {
    this.lastActive = performance.now();
    try {
      const rest = this.#opening === undefined ? bytes : this.#open(concat([this.#opening, bytes]));
      if (rest !== undefined && rest.length > 0) this.wishes.push(...this.#frontend.push(rest));
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.wishes.push({ kind: 'refuse', why: error.message });
    }
  }

  /** Reads opening messages; returns what follows the last one. */
  #open(bytes: Uint8Array): Uint8Array | undefined {
    this.#opening = bytes;
    for (;;) {
      const read = readOpening(this.#opening);
      if (read === undefined) return undefined;
      this.#opening = read.rest;
      if (this.#opened(read.opening)) continue;
      this.#opening = undefined;
      return read.rest;
    }
  }

  /** Returns whether another opening message is to follow. */
  #opened(opening: Opening): boolean {
    switch (opening.kind) {
      case 'encryption':
        this.encryptionRefused();
        return true;
      case 'cancel':
        this.wishes.push(opening);
        return false;
      case 'startup':
        this.settings = startupSettings(opening.parameters);
        this.wishes.push({ kind: 'greet' });
        return false;
    }
  }

  /** What a server says when it lets a client in: AuthenticationOk, ParameterStatus for each, BackendKeyData. */
  greeting(parameters: ReadonlyMap<string, string>): Bytes {
    const statuses = [...parameters].map(([name, value]) => message('S', name, value));
    return concat([
      message('R', 0),
      ...statuses,
      message('K', this.process, this.secret),
      readyForQuery(this.status),
    ]);
  }

  /** Applies LISTEN and UNLISTEN once their transaction has ended; a rolled back one changes nothing. */
  settleListens(rolledBack: boolean): void {
    if (!rolledBack) {
      for (const { channel, on } of this.listenChanges) {
        if (on) this.channels.add(channel);
        else if (channel === '*') this.channels.clear();
        else this.channels.delete(channel);
      }
    }
    this.listenChanges = [];
  }
}

export const encryptionRefusal = encode('N');
