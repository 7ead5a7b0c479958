/* One client's connection, as its server sees it, and what can be done to it. */
import type { Connection } from './connection.js';
import { write, type Element } from './element.js';
import { nasties, type Nasty } from './nasties.js';
import { until } from '../until.js';

export class SandboxXmppClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The address that it has bound; undefined before that and after its end. */
  get address(): string | undefined {
    return this.#connection.session?.full;
  }

  /** The name with which it has signed in. */
  get account(): string | undefined {
    return this.#connection.account?.name;
  }

  /** Everything that it has sent, as text, each stanza by itself. */
  get stanzas(): readonly string[] {
    return this.#connection.heard.map((one) => write(one));
  }

  get isClosed(): boolean {
    return this.#connection.pipe.isClosed;
  }

  get isTls(): boolean {
    return this.#connection.isTls;
  }

  /** How many stanzas were delivered to it that it has not acknowledged; 0 where that was not agreed (XEP-0198). */
  get unacknowledged(): number {
    return this.#connection.session?.managed?.unacknowledged.length ?? 0;
  }

  /** Waits for a stanza that it sends, from the first one on unless `after` says otherwise. */
  async waitFor(
    pattern: RegExp,
    { after = 0, deadlineMs }: { readonly after?: number; readonly deadlineMs?: number } = {},
  ): Promise<string> {
    return until(
      `the sandbox hears ${String(pattern)} of ${this.address ?? 'somebody'}, of whom it has heard ${this.stanzas.slice(-4).join(' ')}`,
      () => this.stanzas.slice(after).find((one) => pattern.test(one)),
      deadlineMs,
    );
  }

  /** Waits until its connection is closed. */
  async gone(deadlineMs?: number): Promise<void> {
    await until('the connection is closed', () => this.isClosed || undefined, deadlineMs);
  }

  /** Tells it a text as it is: a stanza of somebody who is not there, half a stanza. It is not counted (XEP-0198). */
  say(text: string): void {
    this.write(Buffer.from(text));
  }

  /** Tells it bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#connection.pipe.write(Buffer.from(bytes));
  }

  /** Tells it something that no server should. */
  nasty(what: Nasty): void {
    this.say(nasties[what]);
  }

  /** Gives it a stanza as the server would: counted, and kept until it is acknowledged (XEP-0198). */
  give(stanza: Element): void {
    const { session } = this.#connection;
    if (session === undefined) throw new Error('there is no session to give it to');
    session.deliver(stanza);
  }

  /** Ends its connection at once, with a reset. */
  cut(): void {
    this.#connection.pipe.cut();
  }

  /** From now on nothing is read and nothing is written, and the connection stays open. */
  halfOpen(): void {
    this.#connection.pipe.pace = { kind: 'deaf' };
  }

  /** From now on what it sends is lost, and what it is sent too, and nobody tells it. */
  swallow(): void {
    this.#connection.pipe.pace = { kind: 'hole' };
  }

  /** From now on it is told so many bytes a second. */
  slow(bytesPerSecond: number): void {
    this.#connection.pipe.pace = { kind: 'slow', bytesPerSecond };
  }

  /** From now on it gets each byte by itself. */
  splitEveryByte(): void {
    this.#connection.pipe.pace = { kind: 'bytes' };
  }

  /** All is well again. */
  usual(): void {
    this.#connection.pipe.pace = { kind: 'usual' };
  }

  /** Ends its stream with an error (RFC 6120 §4.9.3). */
  end(condition: string, words?: string, detail?: string): void {
    this.#connection.end(condition, words, detail);
  }

  /** Ends its stream in order, without an error. */
  close(): void {
    this.#connection.ended();
  }
}
