import { handle } from './commands.js';
import type { Client } from './client.js';
import type { World } from './world.js';
import { until } from '../until.js';

/** One client, as its server sees it, and what can be done to it. */
export class SandboxClient {
  readonly #client: Client;
  readonly #world: () => World;

  constructor(client: Client, world: () => World) {
    this.#client = client;
    this.#world = world;
  }

  get nick(): string {
    return this.#client.nick;
  }

  get account(): string | undefined {
    return this.#client.account;
  }

  /** Capabilities that it has turned on. */
  get caps(): ReadonlySet<string> {
    return this.#client.caps;
  }

  /** Every line that it has sent, with tags. */
  get lines(): readonly string[] {
    return this.#client.heard;
  }

  get isRegistered(): boolean {
    return this.#client.isRegistered;
  }

  get isClosed(): boolean {
    return this.#client.carrier.isClosed;
  }

  /** What it watches by MONITOR. */
  get monitored(): readonly string[] {
    return [...this.#client.monitored.values()];
  }

  /** Waits for a line that it sends, from the first one on unless `after` says otherwise. */
  async waitFor(
    pattern: RegExp,
    { after = 0, deadlineMs }: { readonly after?: number; readonly deadlineMs?: number } = {},
  ): Promise<string> {
    return until(
      `the sandbox hears ${String(pattern)} of ${this.nick}`,
      () => this.lines.slice(after).find((line) => pattern.test(line)),
      deadlineMs,
    );
  }

  /** Waits until its connection is closed. */
  async gone(deadlineMs?: number): Promise<void> {
    await until(`${this.nick} is gone`, () => this.isClosed || undefined, deadlineMs);
  }

  /** Tells it lines as they are, each with its line end. */
  say(...lines: readonly string[]): void {
    this.#client.writeRaw(Buffer.from(lines.map((line) => `${line}\r\n`).join('')));
  }

  /** Tells it bytes as they are: half a line, half a character, garbage. */
  write(bytes: Uint8Array): void {
    this.#client.writeRaw(Buffer.from(bytes));
  }

  /** Does what the client would have done by sending this line. */
  does(line: string): void {
    handle(this.#world(), this.#client, Buffer.from(line));
  }

  /** Ends its connection at once, with a reset. */
  cut(): void {
    this.#client.carrier.cut();
  }

  /** From now on nothing is read and nothing is written, and the connection stays open. */
  halfOpen(): void {
    this.#client.carrier.pace = { kind: 'deaf' };
  }

  /** From now on it is told so many bytes a second. */
  slow(bytesPerSecond: number): void {
    this.#client.carrier.pace = { kind: 'slow', bytesPerSecond };
  }

  /** From now on it gets each byte by itself. */
  splitEveryByte(): void {
    this.#client.carrier.pace = { kind: 'bytes' };
  }

  /** All is well again. */
  usual(): void {
    this.#client.carrier.pace = { kind: 'usual' };
  }

  /** An operator ends its connection (KILL). */
  kill(reason = 'no particular reason'): void {
    const line = {
      source: 'oper!oper@sandbox',
      command: 'KILL',
      params: [this.nick, `sandbox!oper (${reason})`],
    };
    this.#client.deliver(line);
    this.#world().close(this.#client, `Killed (oper (${reason}))`);
  }

  /** Ends its connection with an ERROR of these words. */
  end(words: string): void {
    this.#world().close(this.#client, words);
  }
}
