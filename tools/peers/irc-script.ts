/*
 * An IRC server in the test's own process that does as it is told: for faults and answers that no well-behaved server
 * gives. It registers whoever comes and keeps no rooms; a test sees every line and may answer it itself.
 */
import { createServer, type Socket } from 'node:net';
import { eventually } from './peer.js';

export interface ScriptOptions {
  /** What CAP LS offers; without any, the server does not know CAP. */
  readonly caps?: readonly string[];
  /** ISUPPORT tokens. */
  readonly tokens?: readonly string[];
  /** Nicks that are taken. */
  readonly taken?: readonly string[];
  /** Looks at a line first; true when it has dealt with it. */
  readonly answer?: (line: string, client: ScriptClient) => boolean;
}

/** One client, as the server sees it. */
export interface ScriptClient {
  readonly nick: string;
  /** Every line it has sent, with tags. */
  readonly lines: readonly string[];
  readonly isClosed: boolean;
  send(...lines: readonly string[]): void;
  /** Bytes as they are: half a line, half a character, no line at all. */
  write(bytes: Buffer): void;
  /** Resolves when what was written is with the kernel. */
  flushed(): Promise<void>;
  /** Ends the connection at once. */
  cut(): void;
  /** Stops reading: what it is sent piles up. */
  stopReading(): void;
  waitFor(pattern: RegExp, deadlineMs?: number): Promise<string>;
}

export interface ScriptServer extends AsyncDisposable {
  readonly port: number;
  readonly clients: readonly ScriptClient[];
  /** Changes what the next clients find. */
  set(options: ScriptOptions): void;
  /** Waits for the n-th client (from 1) to be registered. */
  client(number: number, deadlineMs?: number): Promise<ScriptClient>;
}

export async function scriptedIrc(first: ScriptOptions = {}): Promise<ScriptServer> {
  let options = first;
  const clients: Client[] = [];
  const server = createServer((socket) => {
    clients.push(new Client(socket, () => options));
  });
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    clients,
    set: (next) => {
      options = next;
    },
    client: async (number, deadlineMs) =>
      eventually(
        `client ${String(number)} is registered`,
        () => (clients[number - 1]?.isRegistered === true ? clients[number - 1] : undefined),
        deadlineMs,
      ),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.cut();
      await new Promise((closed) => server.close(closed));
    },
  };
}

class Client implements ScriptClient {
  readonly lines: string[] = [];
  nick = '*';
  isRegistered = false;
  isClosed = false;
  private rest = '';
  private negotiating = false;
  private named = false;

  constructor(
    private readonly socket: Socket,
    private readonly options: () => ScriptOptions,
  ) {
    socket
      .setNoDelay(true)
      .on('data', (chunk) => {
        this.rest += chunk.toString('utf8');
        const lines = this.rest.split('\r\n');
        this.rest = lines.pop() ?? '';
        for (const line of lines) {
          this.lines.push(line);
          if (options().answer?.(line, this) !== true) this.usual(line);
        }
      })
      .on('error', () => {
        socket.destroy();
      })
      .on('close', () => {
        this.isClosed = true;
      });
  }

  send(...lines: readonly string[]): void {
    if (!this.isClosed) this.socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  write(bytes: Buffer): void {
    if (!this.isClosed) this.socket.write(bytes);
  }

  async flushed(): Promise<void> {
    await eventually('what was written has left', () => this.isClosed || this.socket.writableLength === 0);
  }

  cut(): void {
    this.socket.resetAndDestroy();
  }

  stopReading(): void {
    this.socket.pause();
  }

  async waitFor(pattern: RegExp, deadlineMs?: number): Promise<string> {
    return eventually(
      `the server hears ${String(pattern)}`,
      () => this.lines.find((line) => pattern.test(line)),
      deadlineMs,
    );
  }

  /** What any server would answer. */
  private usual(line: string): void {
    const [, label, rest = ''] = /^(?:@label=(\S+) )?(.*)$/.exec(line) ?? [];
    const [verb = '', one = '', two = ''] = rest.split(' ');
    const caps = this.options().caps;
    const me = `:${this.nick}!u@example.org`;
    switch (verb.toUpperCase()) {
      case 'CAP':
        if (caps === undefined) this.send(`:script 421 ${this.nick} CAP :Unknown command`);
        else if (one === 'LS') {
          this.negotiating = true;
          this.send(`:script CAP * LS :${caps.join(' ')}`);
        } else if (one === 'REQ') this.send(`:script CAP * ACK ${rest.slice('CAP REQ '.length)}`);
        else if (one === 'END') {
          this.negotiating = false;
          this.welcome();
        }
        return;
      case 'NICK': {
        const nick = one.replace(/^:/, '');
        if (this.options().taken?.includes(nick) === true) {
          this.send(`:script 433 ${this.nick} ${nick} :Nickname is already in use.`);
          return;
        }
        if (this.isRegistered) this.send(`${me} NICK :${nick}`);
        this.nick = nick;
        this.welcome();
        return;
      }
      case 'USER':
        this.named = true;
        this.welcome();
        return;
      case 'PING':
        this.send(`:script PONG script ${rest.slice('PING '.length)}`);
        return;
      case 'JOIN':
        for (const channel of one.split(',')) {
          this.send(
            `${me} JOIN ${channel}`,
            `:script 353 ${this.nick} = ${channel} :@${this.nick} bob`,
            `:script 366 ${this.nick} ${channel} :End of /NAMES list.`,
          );
        }
        return;
      case 'PART':
        this.send(`${me} PART ${one}`);
        return;
      case 'PRIVMSG':
      case 'NOTICE': {
        const tags = label === undefined ? '' : `@label=${label};msgid=m${String(this.lines.length)} `;
        if (caps?.includes('echo-message') === true) this.send(`${tags}${me} ${rest}`);
        else if (label !== undefined) this.send(`@label=${label} :script ACK`);
        return;
      }
      case 'TOPIC':
        this.send(`${label === undefined ? '' : `@label=${label} `}${me} TOPIC ${one} ${two}`);
        return;
      case 'QUIT':
        this.send('ERROR :Closing link');
        this.socket.end();
    }
  }

  private welcome(): void {
    if (this.isRegistered || this.negotiating || !this.named || this.nick === '*') return;
    this.isRegistered = true;
    const { tokens = [] } = this.options();
    this.send(
      `:script 001 ${this.nick} :Welcome`,
      ...(tokens.length > 0 ? [`:script 005 ${this.nick} ${tokens.join(' ')} :are supported`] : []),
      `:script 422 ${this.nick} :There is no message of the day.`,
    );
  }
}
