/* A socket and the lines that came over it, from the very first one on: for what happens before a welcome. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { until } from '../until.js';

export class RawClient implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  isClosed = false;
  #rest = '';

  constructor(port: number, tls?: ConnectionOptions) {
    this.#socket =
      tls === undefined ? connect(port, '127.0.0.1') : connectTls({ ...tls, port, host: '127.0.0.1' });
    this.#closed = new Promise((done) => {
      this.#socket
        .setEncoding('utf8')
        .on('data', (chunk: string) => {
          const lines = (this.#rest + chunk).split('\r\n');
          this.#rest = lines.pop() ?? '';
          this.lines.push(...lines);
        })
        .on('error', () => this.#socket.destroy())
        .on('close', () => {
          this.isClosed = true;
          done();
        });
    });
  }

  /** What has come of a line that is not complete. */
  get rest(): string {
    return this.#rest;
  }

  send(...lines: readonly string[]): void {
    this.#socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  async waitFor(pattern: RegExp, after = 0): Promise<string> {
    return until(`a line like ${String(pattern)} in ${JSON.stringify(this.lines.slice(-5))}`, () =>
      this.lines.slice(after).find((line) => pattern.test(line)),
    );
  }

  /** Sends a line and waits for one that comes after it. */
  async ask(line: string, pattern: RegExp): Promise<string> {
    const after = this.lines.length;
    this.send(line);
    return this.waitFor(pattern, after);
  }

  /** All that comes of some lines, up to the answer to a PING that follows them. */
  async all(...lines: readonly string[]): Promise<readonly string[]> {
    const after = this.lines.length;
    this.send(...lines, 'PING :that-is-all');
    await this.waitFor(/ PONG \S+ :?that-is-all$/, after);
    return this.lines.slice(after, -1);
  }

  async gone(): Promise<void> {
    await until('the connection is closed', () => this.isClosed || undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.#closed;
  }
}

/** Registers with capabilities, and perhaps an account by SASL PLAIN. */
export async function register(
  port: number,
  nick: string,
  caps: readonly string[] = [],
  account?: { readonly name: string; readonly password: string },
): Promise<RawClient> {
  const client = new RawClient(port);
  if (caps.length > 0 || account !== undefined) {
    client.send('CAP LS 302', `CAP REQ :${[...caps, ...(account ? ['sasl'] : [])].join(' ')}`);
  }
  client.send(`NICK ${nick}`, `USER ${nick} 0 * :${nick}`);
  if (account !== undefined) {
    client.send('AUTHENTICATE PLAIN');
    await client.waitFor(/(?:^| )AUTHENTICATE \+$/);
    client.send(`AUTHENTICATE ${Buffer.from(`\0${account.name}\0${account.password}`).toString('base64')}`);
    await client.waitFor(/ 903 /);
  }
  if (caps.length > 0 || account !== undefined) client.send('CAP END');
  await client.waitFor(/ 001 /);
  await client.all();
  return client;
}
