/* The connector under the house's own suite, on InspIRCd: with IRCv3 and services, and on one of the old kind. */
import { randomBytes } from 'node:crypto';
import { describeConnector, type Harness, type Heard, type Network, type Observer } from '#connector/testing';
import {
  anope,
  describeWithPeers,
  inspircdPeers,
  plainClient,
  startAnope,
  startInspircd,
  type InspircdOptions,
} from '#peers';
import { createIrc } from './index.js';

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
  },
});

/** What a line means to somebody who reads along. */
function heardOf(line: string): readonly Heard[] {
  const [, nick = '', to = '', said = ''] = /^:([^! ]+)!\S+ PRIVMSG (\S+) :(.*)$/.exec(line) ?? [];
  if (nick === '') return [];
  const text = said.replace(/^\x01ACTION (.*)\x01$/, '$1');
  return [{ from: nick.toLowerCase(), to: to.toLowerCase(), text, kind: 'message' }];
}

async function observer(port: number, nick: string): Promise<Observer> {
  const client = await plainClient({ port, nick });
  return {
    address: nick,
    say: (to, text) => {
      client.say(to, text);
      return Promise.resolve();
    },
    heard: () => client.lines.flatMap(heardOf),
    join: (room) => client.join(room),
    leave: async (room) => {
      const after = client.lines.length;
      client.send(`PART ${room}`);
      await client.waitFor(/ PART /, { after });
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

async function start(options: InspircdOptions): Promise<Network> {
  const server = await startInspircd(options);
  const password = randomBytes(12).toString('hex');
  const account = options.plainest === true ? undefined : { nick: 'keeper', password };
  const services = account && (await startAnope(server, [account]));
  let made = 0;
  const next = (name: string): string => name + String(++made);
  const port = account ? server.ports.tls : server.ports.plain;
  const waiting = new Waiting(() => observer(server.ports.plain, next('bob')));
  return {
    host: server.host,
    port,
    login: ({ host, port: reached }) => {
      const nick = next('alice');
      return Promise.resolve({
        settings: {
          host,
          port: reached,
          nick,
          burst: 5_000,
          linesPerSecond: 5_000,
          tls: account !== undefined,
          ...(account && { saslAccount: account.nick, caCertificate: server.authority.pem }),
        },
        secrets: account ? { password } : {},
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
    injections: (_login, address) => [`PRIVMSG ${address} :injected`, `NOTICE ${address} :injected`],
    async [Symbol.asyncDispose]() {
      await waiting.dismiss();
      await services?.[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function harness(options: InspircdOptions, more: Partial<Harness>): Harness {
  return {
    connector,
    start: () => start(options),
    acts: ['rooms', 'injections'],
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

describeWithPeers('the contract', [...inspircdPeers, anope], () => {
  describeConnector(
    'irc on InspIRCd with TLS and services',
    harness(
      { names: ['127.0.0.1', 'network.invalid'] },
      { acts: ['rooms', 'injections', 'refuses-secrets'] },
    ),
  );
  describeConnector(
    'irc on InspIRCd without IRCv3',
    harness({ plainest: true }, { acts: ['rooms', 'injections', 'restarts'] }),
  );
});
