/*
 * A plain XMPP client for tests: somebody on the other side who does not use Parley. It knows nothing of our connector
 * and shares no code with it, so what it heard was said. It signs in with PLAIN over a clear loopback connection.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { eventually } from './peer.js';
import { child, childrenOf, escaped, textOf, TreeReader, type Tree } from './xmpp-tree.js';

export interface PlainXmppOptions {
  readonly port: number;
  readonly domain: string;
  readonly user: string;
  readonly password: string;
  readonly resource?: string;
  /** Sends no presence: nobody is told that it is there, and it gets no messages to its bare address. */
  readonly silent?: boolean;
  /** Hears what the account's other resources say and hear (XEP-0280). */
  readonly carbons?: boolean;
  /** Answers a question of others with what stands in the iq, a result or an error; undefined: it does not know. */
  readonly answers?: (
    question: Tree,
  ) => { readonly type: 'result' | 'error'; readonly inside: string } | undefined;
}

export interface PlainXmpp extends AsyncDisposable {
  readonly jid: string;
  readonly bare: string;
  /** Every stanza heard, in order. */
  readonly stanzas: readonly Tree[];
  /** The same as they stood on the wire. */
  readonly raw: readonly string[];
  readonly isClosed: boolean;
  /** Calls for every stanza heard from now on. */
  on(heard: (stanza: Tree) => void): void;
  /** Sends XML as it is. */
  send(xml: string): void;
  /** Asks, and gives the answer, an error too. */
  ask(type: 'get' | 'set', payload: string, to?: string): Promise<Tree>;
  /** Waits for a stanza, from the first one heard on unless `after` says otherwise. */
  waitFor(
    what: string,
    fits: (stanza: Tree) => boolean,
    options?: { readonly after?: number; readonly deadlineMs?: number },
  ): Promise<Tree>;
  /** Says something and gives the id it said it under. `more` is XML beside the body. */
  say(to: string, text: string, options?: SayOptions): string;
  /** Shows a presence: `show` of RFC 6121, or neither here nor there. */
  show(show?: 'chat' | 'away' | 'xa' | 'dnd' | 'unavailable', status?: string): void;
  /** Corrects what it said under an id (XEP-0308). */
  edit(to: string, id: string, text: string, options?: SayOptions): string;
  /** Takes back what it said under an id (XEP-0424). */
  retract(to: string, id: string, options?: SayOptions): string;
  /** Reacts to an id with these emoji and no others (XEP-0444). */
  react(to: string, id: string, emoji: readonly string[], options?: SayOptions): string;
  /** Says whether it is writing (XEP-0085). */
  type(to: string, state: 'composing' | 'paused' | 'active', options?: SayOptions): void;
  /** Enters a room and waits until it is in; what the room then is to be is told as a form's XML, or left as it is. */
  join(room: string, nick: string, more?: string): Promise<Tree>;
  leave(room: string): Promise<void>;
  /** Ends the connection at once, without a word. */
  cut(): void;
}

export interface SayOptions {
  readonly type?: 'chat' | 'groupchat' | 'normal' | 'headline';
  readonly id?: string;
  /** XML that stands beside the body. */
  readonly more?: string;
}

const user = 'http://jabber.org/protocol/muc#user';

/** Connects to a loopback port, signs in and says that it is there. */
export async function plainXmpp(options: PlainXmppOptions): Promise<PlainXmpp> {
  const line = new Line(options);
  try {
    const jid = await line.signIn(options);
    return await clientOn(line, jid, options);
  } catch (error) {
    line.socket.destroy();
    throw error;
  }
}

async function clientOn(line: Line, jid: string, options: PlainXmppOptions): Promise<PlainXmpp> {
  const bare = jid.split('/')[0] ?? jid;
  const rooms = new Map<string, string>();
  const typeOf = (to: string, given: SayOptions['type']): string =>
    given ?? (rooms.has(to) ? 'groupchat' : 'chat');
  const message = (to: string, inside: string, { type, id, more = '' }: SayOptions = {}): string => {
    const own = id ?? fresh();
    line.send(
      `<message to="${escaped(to)}" type="${typeOf(to, type)}" id="${own}">${inside}${more}</message>`,
    );
    return own;
  };
  const body = (text: string): string => `<body>${escaped(text)}</body>`;
  const client: PlainXmpp = {
    jid,
    bare,
    stanzas: line.stanzas,
    raw: line.raw,
    get isClosed() {
      return line.isClosed;
    },
    on: (heard) => {
      line.listeners.push(heard);
    },
    send: (xml) => {
      line.send(xml);
    },
    ask: (type, payload, to) => line.ask(type, payload, to),
    waitFor: (what, fits, { after = 0, deadlineMs } = {}) =>
      eventually(`${bare} hears ${what}`, () => line.stanzas.slice(after).find(fits), deadlineMs),
    say: (to, text, more) => message(to, body(text), more),
    show: (show, status) => {
      const inside = status === undefined ? '' : `<status>${escaped(status)}</status>`;
      if (show === 'unavailable') line.send(`<presence type="unavailable">${inside}</presence>`);
      else line.send(`<presence>${show === undefined ? '' : `<show>${show}</show>`}${inside}</presence>`);
    },
    edit: (to, id, text, more) =>
      message(to, `${body(text)}<replace xmlns="urn:xmpp:message-correct:0" id="${escaped(id)}"/>`, more),
    retract: (to, id, more) =>
      message(
        to,
        `<retract xmlns="urn:xmpp:message-retract:1" id="${escaped(id)}"/>` +
          '<fallback xmlns="urn:xmpp:fallback:0" for="urn:xmpp:message-retract:1"/>' +
          '<body>This person attempted to retract a previous message.</body><store xmlns="urn:xmpp:hints"/>',
        more,
      ),
    react: (to, id, emoji, more) =>
      message(
        to,
        `<reactions xmlns="urn:xmpp:reactions:0" id="${escaped(id)}">` +
          `${emoji.map((one) => `<reaction>${escaped(one)}</reaction>`).join('')}</reactions>` +
          '<store xmlns="urn:xmpp:hints"/>',
        more,
      ),
    type: (to, state, more) => {
      message(to, `<${state} xmlns="http://jabber.org/protocol/chatstates"/>`, more);
    },
    async join(room, nick, more = '') {
      const after = line.stanzas.length;
      rooms.set(room, nick);
      line.send(
        `<presence to="${escaped(`${room}/${nick}`)}"><x xmlns="http://jabber.org/protocol/muc">${more}</x></presence>`,
      );
      const entered = await client.waitFor(
        `that it is in ${room}`,
        (stanza) =>
          stanza.name === 'presence' &&
          stanza.attrs['from']?.split('/')[0] === room &&
          (stanza.attrs['type'] === 'error' || statuses(stanza).includes('110')),
        { after },
      );
      if (entered.attrs['type'] === 'error') throw new Error(`${bare} may not enter ${room}`);
      // A new room is locked until its owner says what it is to be.
      if (statuses(entered).includes('201'))
        await line.ask(
          'set',
          '<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"/></query>',
          room,
        );
      return entered;
    },
    async leave(room) {
      const after = line.stanzas.length;
      const nick = rooms.get(room);
      if (nick === undefined) return;
      rooms.delete(room);
      line.send(`<presence to="${escaped(`${room}/${nick}`)}" type="unavailable"/>`);
      await client.waitFor(
        `that it has left ${room}`,
        (stanza) => stanza.attrs['type'] === 'unavailable' && statuses(stanza).includes('110'),
        { after },
      );
    },
    cut: () => {
      line.socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      line.send('</stream:stream>');
      line.socket.destroySoon();
      const hard = setTimeout(() => line.socket.destroy(), 500);
      await line.gone;
      clearTimeout(hard);
    },
  };
  if (options.carbons === true) await line.ask('set', '<enable xmlns="urn:xmpp:carbons:2"/>');
  if (options.silent !== true) {
    const after = line.stanzas.length;
    client.show();
    await client.waitFor(
      'its own presence',
      ({ name, attrs }) => name === 'presence' && attrs['from'] === jid,
      { after },
    );
  }
  return client;
}

/** The status codes of a room's presence or message (XEP-0045 §15.6). */
export function statuses(stanza: Tree): readonly string[] {
  return childrenOf(child(stanza, 'x', user), 'status').map(({ attrs }) => attrs['code'] ?? '');
}

function fresh(): string {
  return randomBytes(9).toString('hex');
}

/** The connection, up to a bound resource. */
class Line {
  readonly stanzas: Tree[] = [];
  readonly raw: string[] = [];
  readonly listeners: ((stanza: Tree) => void)[] = [];
  readonly socket: Socket;
  readonly gone: Promise<void>;
  isClosed = false;
  private reader: TreeReader;

  constructor(private readonly options: PlainXmppOptions) {
    this.reader = this.newReader();
    this.socket = connect(options.port, '127.0.0.1').setNoDelay(true).setEncoding('utf8');
    this.socket.on('data', (text) => {
      this.reader.write(String(text));
    });
    this.gone = new Promise((done) => {
      this.socket
        .on('error', () => {
          this.socket.destroy();
        })
        .on('close', () => {
          this.isClosed = true;
          done();
        });
    });
  }

  send(xml: string): void {
    if (!this.isClosed) this.socket.write(xml);
  }

  async signIn({ user: name, password, resource, domain }: PlainXmppOptions): Promise<string> {
    await this.restart();
    const response = Buffer.from(`\0${name}\0${password}`).toString('base64');
    const told = this.next('the outcome of signing in', ({ xmlns }) => xmlns.endsWith('xmpp-sasl'));
    this.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${response}</auth>`);
    if ((await told).name !== 'success') throw new Error(`${name} may not sign in on ${domain}`);
    await this.restart();
    const wish = resource === undefined ? '' : `<resource>${escaped(resource)}</resource>`;
    const bound = await this.ask('set', `<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind">${wish}</bind>`);
    const jid = textOf(child(child(bound, 'bind'), 'jid'));
    if (jid === undefined) throw new Error(`${name} was not bound`);
    return jid;
  }

  async ask(type: 'get' | 'set', payload: string, to?: string): Promise<Tree> {
    const id = fresh();
    const whom = to === undefined ? '' : ` to="${escaped(to)}"`;
    const answer = this.next(
      `an answer to ${payload}`,
      ({ name, attrs }) =>
        name === 'iq' && attrs['id'] === id && /^(?:result|error)$/.test(attrs['type'] ?? ''),
    );
    this.send(`<iq type="${type}" id="${id}"${whom}>${payload}</iq>`);
    return answer;
  }

  /** Waits for what comes from now on. */
  private async next(what: string, fits: (stanza: Tree) => boolean): Promise<Tree> {
    const after = this.stanzas.length;
    return eventually(what, () => {
      if (this.isClosed) throw new Error(`the connection is closed: ${what}`);
      return this.stanzas.slice(after).find(fits);
    });
  }

  /** Opens a stream, anew where there was one, and waits for what it offers. */
  private async restart(): Promise<void> {
    this.reader = this.newReader();
    const features = this.next('the features', ({ name }) => name === 'features');
    this.send(
      `<?xml version="1.0"?><stream:stream xmlns="jabber:client" version="1.0" ` +
        `xmlns:stream="http://etherx.jabber.org/streams" to="${escaped(this.options.domain)}">`,
    );
    await features;
  }

  private newReader(): TreeReader {
    return new TreeReader((stanza, raw) => {
      this.stanzas.push(stanza);
      this.raw.push(raw);
      const { name, attrs } = stanza;
      // Whoever asks gets an answer: servers end the stream of a client that leaves their pings unanswered.
      if (name === 'iq' && (attrs['type'] === 'get' || attrs['type'] === 'set')) this.answer(stanza);
      for (const listener of this.listeners) listener(stanza);
    });
  }

  private answer(stanza: Tree): void {
    const { from, id = '' } = stanza.attrs;
    const to = from === undefined ? '' : ` to="${escaped(from)}"`;
    const ping = child(stanza, 'ping', 'urn:xmpp:ping') !== undefined;
    const known = ping ? { type: 'result', inside: '' } : this.options.answers?.(stanza);
    const { type, inside } = known ?? {
      type: 'error',
      inside:
        '<error type="cancel"><service-unavailable xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>',
    };
    this.send(`<iq type="${type}" id="${escaped(id)}"${to}>${inside}</iq>`);
  }
}
