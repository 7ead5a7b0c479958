/* Somebody who lives on the demo's IRC network: a client of their own, over a socket like any other. */
import { connect, type Socket } from 'node:net';

/** What was said to a resident, or where they could hear it. */
export interface Overheard {
  readonly from: string;
  /** Where to answer them in private. */
  readonly address: string;
  /** The room, or the resident's own nick. */
  readonly to: string;
  readonly text: string;
  readonly msgid?: string;
}

/** What a resident can do, on whichever network they live. */
export interface Resident {
  readonly nick: string;
  readonly isAway: boolean;
  /** Says something; resolves with the id that the network gave it. */
  say(to: string, text: string, replyTo?: string): Promise<string | undefined>;
  act(to: string, what: string): Promise<string | undefined>;
  /** Says several lines as one message. */
  sayLines(to: string, lines: readonly string[]): Promise<string | undefined>;
  typing(to: string, isActive: boolean): void;
  react(to: string, msgid: string | undefined, emoji: string): void;
  takeBack(to: string, msgid: string | undefined): void;
  setTopic(room: string, topic: string): void;
  goAway(why: string | undefined): void;
  leave(): void;
}

export interface ResidentHandler {
  heard(message: Overheard, resident: Resident): void;
}

const caps = ['message-tags', 'batch', 'echo-message', 'draft/multiline', 'draft/message-redaction'];

export class IrcResident implements Resident {
  readonly nick: string;
  readonly #socket: Socket;
  readonly #handler: ResidentHandler;
  readonly #waiting: ((msgid: string | undefined) => void)[] = [];
  #rest = '';
  #entered: (() => void) | undefined;
  #batches = 0;
  isAway = false;

  private constructor(nick: string, port: number, handler: ResidentHandler) {
    this.nick = nick;
    this.#handler = handler;
    this.#socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('utf8');
    this.#socket
      .on('data', (chunk: string) => {
        const lines = (this.#rest + chunk).split('\r\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) this.#line(line);
      })
      .on('error', () => {
        this.#socket.destroy();
      });
  }

  /** Comes to the network and enters a room. */
  static async arrive(nick: string, port: number, room: string, handler: ResidentHandler): Promise<Resident> {
    const resident = new IrcResident(nick, port, handler);
    await new Promise<void>((ready, fail) => {
      resident.#socket.once('connect', ready).once('error', fail);
    });
    resident.#send('CAP LS 302', `CAP REQ :${caps.join(' ')}`, 'CAP END');
    const entered = new Promise<void>((done) => {
      resident.#entered = done;
    });
    resident.#send(`NICK ${nick}`, `USER ${nick} 0 * :${nick}, a resident`, `JOIN ${room}`);
    await entered;
    return resident;
  }

  leave(): void {
    this.#send('QUIT :good night');
    this.#socket.end();
  }

  async say(to: string, text: string, replyTo?: string): Promise<string | undefined> {
    const tags = replyTo === undefined ? '' : `@+draft/reply=${replyTo} `;
    return this.#said(`${tags}PRIVMSG ${to} :${text}`);
  }

  async act(to: string, what: string): Promise<string | undefined> {
    return this.say(to, `\x01ACTION ${what}\x01`);
  }

  /** In the words of draft/multiline. */
  async sayLines(to: string, lines: readonly string[]): Promise<string | undefined> {
    const ref = `m${String(++this.#batches)}`;
    const said = lines.map((line) => `@batch=${ref} PRIVMSG ${to} :${line}`);
    return this.#said(`BATCH +${ref} draft/multiline ${to}`, ...said, `BATCH -${ref}`);
  }

  typing(to: string, isActive: boolean): void {
    this.#send(`@+typing=${isActive ? 'active' : 'done'} TAGMSG ${to}`);
  }

  react(to: string, msgid: string | undefined, emoji: string): void {
    if (msgid !== undefined) this.#send(`@+draft/reply=${msgid};+draft/react=${emoji} TAGMSG ${to}`);
  }

  takeBack(to: string, msgid: string | undefined): void {
    if (msgid !== undefined) this.#send(`REDACT ${to} ${msgid}`);
  }

  setTopic(room: string, topic: string): void {
    this.#send(`TOPIC ${room} :${topic}`);
  }

  goAway(why: string | undefined): void {
    this.isAway = why !== undefined;
    this.#send(why === undefined ? 'AWAY' : `AWAY :${why}`);
  }

  async #said(...lines: readonly string[]): Promise<string | undefined> {
    if (this.#socket.destroyed) return undefined;
    return new Promise((done) => {
      this.#waiting.push(done);
      this.#send(...lines);
    });
  }

  #send(...lines: readonly string[]): void {
    if (this.#socket.writable) this.#socket.write(lines.map((line) => `${line}\r\n`).join(''));
  }

  #line(line: string): void {
    if (line.startsWith('PING ')) this.#send(`PONG ${line.slice(5)}`);
    // RPL_ENDOFNAMES: we are in.
    if (/^(?:@\S+ )?:\S+ 366 /.test(line)) this.#entered?.();
    const [, tags = '', nick = '', verb = '', to = '', text = ''] =
      /^(?:@(\S+) )?:([^! ]+)!\S+ (PRIVMSG|BATCH) (\S+)(?: :?(.*))?$/.exec(line) ?? [];
    if (verb === '') return;
    const [, msgid] = /(?:^|;)msgid=([^;]+)/.exec(tags) ?? [];
    // Our own words come back with their id: the first line of each message has it.
    if (nick === this.nick) {
      if (msgid !== undefined) this.#waiting.shift()?.(msgid);
    } else if (verb === 'PRIVMSG') {
      this.#handler.heard(
        { from: nick, address: nick, to, text, ...(msgid !== undefined && { msgid }) },
        this,
      );
    }
  }
}
