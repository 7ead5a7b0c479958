/*
 * The plainest IRC client: a socket and the lines that came over it. It knows nothing of our connector and shares no
 * code with it, so what it heard was said.
 */
import { connect } from 'node:net';
import { eventually } from './peer.js';

export interface PlainClient extends AsyncDisposable {
  readonly nick: string;
  /** Every line heard so far, without line ends. */
  readonly lines: readonly string[];
  /** Sends a line as it is. */
  send(line: string): void;
  say(target: string, text: string): void;
  /** Joins and waits until the server says so. */
  join(channel: string): Promise<void>;
  /** Waits for a line, from the first one heard on unless `after` says otherwise. */
  waitFor(
    pattern: RegExp,
    options?: { readonly after?: number; readonly deadlineMs?: number },
  ): Promise<string>;
  /** The texts that somebody said to a target, in order. */
  heard(nick: string, target: string): readonly string[];
  readonly isClosed: boolean;
}

/** Connects to a loopback port and waits for the welcome. */
export async function plainClient(options: {
  readonly port: number;
  readonly nick: string;
  readonly password?: string;
  /** IRCv3 capabilities to ask for; the server must have them all. Lines then come with tags. */
  readonly capabilities?: readonly string[];
}): Promise<PlainClient> {
  const { port, nick, password, capabilities = [] } = options;
  const lines: string[] = [];
  let rest = Buffer.alloc(0);
  let closed = false;
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const send = (line: string): void => {
    if (!closed) socket.write(`${line}\r\n`);
  };
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      const line = rest.subarray(0, end).toString('utf8').replace(/\r$/, '');
      rest = rest.subarray(end + 1);
      if (line.startsWith('PING ')) send(`PONG ${line.slice(5)}`);
      lines.push(line);
    }
  });
  const gone = new Promise<void>((done) => {
    socket
      .on('error', () => {
        socket.destroy();
      })
      .on('close', () => {
        closed = true;
        done();
      });
  });
  const waitFor: PlainClient['waitFor'] = async (pattern, { after = 0, deadlineMs } = {}) =>
    eventually(
      `${nick} hears ${String(pattern)}`,
      () => lines.slice(after).find((line) => pattern.test(line)),
      deadlineMs,
    );
  if (password !== undefined) send(`PASS :${password}`);
  if (capabilities.length > 0) send(`CAP REQ :${capabilities.join(' ')}`);
  send(`NICK ${nick}`);
  send(`USER ${nick} 0 * :${nick}`);
  if (capabilities.length > 0) {
    await waitFor(/ CAP \S+ ACK /);
    send('CAP END');
  }
  await waitFor(/^(?:@\S+ )?:\S+ 001 /);
  return {
    nick,
    lines,
    send,
    waitFor,
    say: (target, text) => {
      send(`PRIVMSG ${target} :${text}`);
    },
    async join(channel) {
      const after = lines.length;
      send(`JOIN ${channel}`);
      await waitFor(/^(?:@\S+ )?:\S+ 366 /, { after });
    },
    heard: (from, target) =>
      lines.flatMap((line) => {
        const [, speaker, to, text] = /^(?:@\S+ )?:([^! ]+)\S* PRIVMSG (\S+) :(.*)$/.exec(line) ?? [];
        return speaker === from && to === target && text !== undefined ? [text] : [];
      }),
    get isClosed() {
      return closed;
    },
    async [Symbol.asyncDispose]() {
      // The server sees the end as soon as by QUIT, and takes less time over it.
      socket.destroy();
      await gone;
    },
  };
}
