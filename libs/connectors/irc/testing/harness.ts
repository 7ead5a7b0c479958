/*
 * What the conformance kit needs of any IRC server: a connector with the shortest waits, observers that are plain
 * sockets, fresh nicks and channels. A suite brings the server.
 */
import { createIrc } from '#connectors/irc';
import type { JsonObject } from '#connector';
import type { Harness, Heard, Network, Observer } from '#connector/testing';
import { plainClient, type PlainClient } from '#peers';

/** An IRC server that is up, as a suite brings it. */
export interface IrcServerUp extends AsyncDisposable {
  readonly host: string;
  /** Where the connector goes. */
  readonly port: number;
  /** Where observers go, without TLS; the same port unless said otherwise. */
  readonly plainPort?: number;
  /** Settings beyond host, port, nick and pace. */
  readonly settings?: JsonObject;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What observers ask for beside `message-tags` and `echo-message`; without it they know no IRCv3. */
  readonly observersWith?: readonly string[];
  /** More settings and secrets for one nick. */
  readonly loginOf?: (nick: string) => {
    readonly settings: JsonObject;
    readonly secrets: Readonly<Record<string, string>>;
  };
  /** `marks`: another client of a login's account, which speaks draft/read-marker. */
  readonly device?: (nick: string) => Promise<PlainClient>;
  /** Ends it so that its port refuses. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const connector = createIrc({
  timings: {
    connect: 2_000,
    register: 3_000,
    firstRetry: 20,
    longestRetry: 300,
    throttled: 300,
    idle: 400,
    answer: 400,
    occupancy: 20,
    presence: 100,
  },
});

/** What only servers carry that have message-tags, draft/message-redaction, draft/chathistory, draft/read-marker. */
const newer: NonNullable<Harness['lacks']> = [
  'reactions',
  'replies',
  'typing',
  'retractions',
  'history',
  'read-marks',
];

/** A harness on a server; `more` is laid over what holds for every IRC server. */
export function ircHarness(server: () => Promise<IrcServerUp>, more: Partial<Harness> = {}): Harness {
  return {
    connector,
    start: async () => networkOn(await server()),
    acts: ['rooms', 'injections', 'restarts', 'presence'],
    lacks: newer,
    addresses: {
      good: {
        alice: 'alice',
        'Alice[away]': 'alice[away]',
        '#Lobby': '#lobby',
        '&local': '&local',
        '#grüße': '#grüße',
        'account:Alice': 'account:alice',
      },
      bad: ['two words', '#', '#a,b', 'alice!a@example.org', '7of9', '-x', '#a:b', 'account:'],
    },
    timing: { quietMs: 100, silenceMs: 1_500, backoffMs: 1_000 },
    volume: 100,
    exceptions: {
      'storage-away':
        'it hands over one batch at a time, so that nothing overtakes what must be offered again; see irc.faults.spec',
    },
    ...more,
  };
}

function networkOn(server: IrcServerUp): Network {
  let made = 0;
  const devices = new Map<string, Device>();
  const next = (name: string): string => name + String(++made);
  const waiting = new Waiting(() =>
    observer(server.plainPort ?? server.port, next('bob'), server.observersWith),
  );
  return {
    host: server.host,
    port: server.port,
    login: ({ host, port }) => {
      const nick = next('alice');
      const own = server.loginOf?.(nick);
      return Promise.resolve({
        settings: {
          host,
          port,
          nick,
          burst: 5_000,
          linesPerSecond: 5_000,
          tls: false,
          ...server.settings,
          ...own?.settings,
        },
        secrets: own?.secrets ?? server.secrets ?? {},
        wrongSecrets: { password: 'wrong' },
        address: nick,
      });
    },
    observer: () => waiting.take(),
    room: () => Promise.resolve(next('#lobby')),
    stop: async () => {
      await waiting.dismiss();
      await server.stop();
    },
    restart: () => server.start(),
    marks: ({ address }) => {
      const device = devices.get(address) ?? new Device(server, address);
      devices.set(address, device);
      return device;
    },
    injections: (_login, address) => [`PRIVMSG ${address} :injected`, `NOTICE ${address} :injected`],
    async [Symbol.asyncDispose]() {
      await waiting.dismiss();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A login's marks as another client of it hears them. */
class Device {
  private here: PlainClient | undefined;
  private readonly coming: Promise<PlainClient>;

  constructor(server: IrcServerUp, nick: string) {
    if (server.device === undefined) throw new Error('the server knows no other devices');
    this.coming = server.device(nick);
    void this.coming.then((client) => {
      this.here = client;
    });
  }

  of(conversation: string): Date | undefined {
    // It asks each time: it may have come after the mark was set.
    this.here?.send(`MARKREAD ${conversation}`);
    const mark = this.here?.lines
      .map((line) => /^\S+ MARKREAD (\S+) timestamp=(\S+)$/.exec(line))
      .findLast((found) => found?.[1] === conversation);
    return mark?.[2] === undefined ? undefined : new Date(mark[2]);
  }

  async move(conversation: string, upTo: Date): Promise<void> {
    const client = await this.coming;
    client.send(`MARKREAD ${conversation} timestamp=${upTo.toISOString()}`);
  }
}

/** What a line means to somebody who reads along. */
function heardOf(line: string): readonly Heard[] {
  const [, tags = '', nick = '', verb = '', target = '', said = ''] =
    /^(?:@(\S+) )?:([^! ]+)!\S+ (PRIVMSG|TAGMSG|REDACT) (\S+)(?: :?(.*))?$/.exec(line) ?? [];
  if (nick === '') return [];
  const from = nick.toLowerCase();
  const to = target.toLowerCase();
  if (verb === 'REDACT') return [{ from, to, text: '', kind: 'retraction' }];
  if (verb === 'TAGMSG') {
    const emoji = tagOf(tags, '+draft/react');
    return emoji === undefined ? [] : [{ from, to, text: emoji, kind: 'reaction' }];
  }
  return [{ from, to, text: said.replace(/^\x01ACTION (.*)\x01$/, '$1'), kind: 'message' }];
}

function tagOf(tags: string, name: string): string | undefined {
  const found = tags.split(';').find((tag) => tag.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

async function observer(port: number, nick: string, more: readonly string[] | undefined): Promise<Observer> {
  const capabilities = more === undefined ? [] : ['message-tags', 'echo-message', ...more];
  const client = await plainClient({ port, nick, capabilities });
  return {
    address: nick,
    say: (to, text) => {
      client.say(to, text);
      return Promise.resolve();
    },
    heard: () => client.lines.flatMap(heardOf).filter(({ from }) => from !== nick),
    join: (room) => client.join(room),
    leave: async (room) => {
      const after = client.lines.length;
      client.send(`PART ${room}`);
      await client.waitFor(/ PART /, { after });
    },
    change: async (to, said, change) => {
      const echo = await client.waitFor(new RegExp(`^@\\S+ :${nick}!\\S+ PRIVMSG ${to} :${said}$`, 'i'));
      const id = tagOf(echo.slice(1).split(' ', 1)[0] ?? '', 'msgid') ?? '';
      if (change.kind === 'retraction') client.send(`REDACT ${to} ${id} :a mistake`);
      else if (change.kind === 'reaction')
        client.send(`@+draft/react=${change.emoji};+draft/reply=${id} TAGMSG ${to}`);
    },
    type: (to, active) => {
      client.send(`@+typing=${active ? 'active' : 'done'} TAGMSG ${to}`);
      return Promise.resolve();
    },
    show: (presence) => {
      client.send(presence === 'available' || presence === 'chatty' ? 'AWAY' : `AWAY :${presence}`);
      return Promise.resolve();
    },
    sees: (address) => {
      // Whoever is away answers with 301, whoever is here without.
      const whois = client.lines.findLastIndex((line) => / 318 /.test(line) && line.includes(` ${address} `));
      const told = client.lines.slice(0, whois + 1).findLastIndex((line) => / 311 /.test(line));
      const away = client.lines.slice(told, whois).some((line) => / 301 /.test(line));
      client.send(`WHOIS ${address}`);
      return whois === -1 ? undefined : away ? 'away' : 'available';
    },
    seesTyping: (address) => {
      const told = client.lines.findLast(
        (line) => line.includes(`:${address}!`) && line.includes('+typing='),
      );
      return told?.includes('+typing=active') === true;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/**
 * InspIRCd registers whoever comes at the next full second: so a few observers are always there before they are asked
 * for.
 */
class Waiting {
  private readonly ready: Promise<Observer>[] = [];

  constructor(private readonly make: () => Promise<Observer>) {
    this.fill();
  }

  async take(): Promise<Observer> {
    this.fill();
    return (await this.ready.shift()) ?? this.make();
  }

  async dismiss(): Promise<void> {
    for (const one of await Promise.all(this.ready.splice(0))) await one[Symbol.asyncDispose]();
  }

  private fill(): void {
    while (this.ready.length < 4) this.ready.push(this.make());
  }
}
