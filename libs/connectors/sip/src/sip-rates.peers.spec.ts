/*
 * How fast texts are read, leave and come through Kamailio, beside a user agent that does as little as SIP can be done with,
 * in the same run; and what many accounts on one socket weigh. `npm run bench:sip` prints the figures of docs/figures.md.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { directText, TestContext } from '#connector/testing';
import { createSip } from '#connectors/sip';
import { Rigs, type Rig } from '#connectors/sip/testing';
import { newId } from '#model';
import { describeWithPeers, eventually, Kamailio, kamailioPeers } from '#peers';
import { buildMessage, parseMessage } from '#protocols/sip';

const texts = 6_000;
const [atOnce, people] = [100, 200];
const [few, many] = [50, 500];
const minute = 60_000;
const transports = ['udp', 'tcp'] as const;
const figures: Record<string, string> = {};

describeWithPeers('texts over SIP', kamailioPeers, () => {
  let kamailio: Kamailio;
  let [sender, sink]: CountingAgent[] = [];

  beforeAll(async () => {
    [sender, sink] = [await CountingAgent.start(), await CountingAgent.start()];
    kamailio = await Kamailio.start({
      asksForMessages: false,
      trunks: transports.map((transport) => ({
        domain: `${transport}.example.net`,
        port: sink?.port ?? 0,
        transport,
      })),
    });
    figures['load average at the start'] = (loadavg()[0] ?? 0).toFixed(1);
  }, minute);
  afterAll(async () => {
    for (const agent of [sender, sink]) agent?.stop();
    await kamailio[Symbol.asyncDispose]();
    figures['load average at the end'] = (loadavg()[0] ?? 0).toFixed(1);
    process.stdout.write(
      Object.entries(figures)
        .map(([name, figure]) => `${name}: ${figure}\n`)
        .join(''),
    );
  });

  it('are read and written', () => {
    const message = Buffer.from(
      [
        'MESSAGE sip:5d41402abc4b2a76b971@127.0.0.1:5070 SIP/2.0',
        'Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK7a1c.9fe2a1b6c1d1e5c5e4f34a9e2bb9a1a3.0',
        'Via: SIP/2.0/UDP 198.51.100.7:5060;received=198.51.100.7;branch=z9hG4bK776sgdkse;rport=5060',
        'Max-Forwards: 69',
        'From: "Bob" <sip:bob@example.org>;tag=49583',
        'To: <sip:alice@example.org>',
        'Call-ID: asd88asd77a@198.51.100.7',
        'CSeq: 1 MESSAGE',
        'User-Agent: An ordinary phone 4.2',
        'Content-Type: text/plain;charset=UTF-8',
        'Content-Length: 36',
        '',
        'Watson, come here. I want to see you',
      ].join('\r\n'),
    );
    const { message: parsed, fault } = parseMessage(message);
    if (fault !== undefined) throw new Error(fault.reason);
    figures['octets of the message that is read'] = String(message.length);
    figures['reading it, µs'] = micros(() => parseMessage(message));
    figures['writing it, µs'] = micros(() => buildMessage(parsed));
  });

  it.each(transports)(
    'go through Kamailio over %s',
    async (transport) => {
      const to = `user*@${transport}.example.net`;
      const bareOut = await sender?.send({
        transport,
        to,
        port: kamailio.port,
        from: `bob@${kamailio.domain}`,
      });
      const say = (name: string, rate: number, bare = rate): void => {
        const share = rate === bare ? '' : `, ${(rate / bare).toFixed(2)} of that`;
        figures[`${transport}: ${name}, messages/s`] = `${rate.toFixed(0)}${share}`;
      };
      const bare = bareOut?.rate ?? 0;
      say('between two bare agents', bare);
      await using rigs = new Rigs();
      const rig = await rigs.begin({
        server: kamailio,
        user: `alice-${transport}`,
        settings: { transport, rate: 10_000, receipts: false },
      });
      await rig.until('online');
      await out(rig, transport, 500);
      let cpu = process.cpuUsage();
      const costs = (name: string): void => {
        const { user, system } = process.cpuUsage(cpu);
        figures[`${transport}: processor time of the connector for each ${name}, µs`] = (
          (user + system) /
          texts
        ).toFixed(0);
      };
      say('from the connector, until answered', await out(rig, transport, texts), bare);
      costs('that leaves');
      const before = rig.house.heard().length;
      cpu = process.cpuUsage();
      const bareIn = await sender?.send({
        transport,
        to: rig.address,
        port: kamailio.port,
        from: `bob@${kamailio.domain}`,
      });
      say('to the connector, until stored in memory and answered', bareIn?.rate ?? 0, bare);
      costs('that comes');
      expect(rig.house.heard().length - before).toBe(texts);
    },
    3 * minute,
  );

  it(
    'and accounts on one socket weigh little',
    async () => {
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      const connector = createSip();
      const houses: TestContext[] = [];
      const heap: number[] = [];
      for (const upTo of [few, many]) {
        const users = Array.from(
          { length: upTo - houses.length },
          (_, index) => `u${String(houses.length + index)}`,
        );
        for (const user of users) await kamailio.createAccount(user, 'tulip');
        const fresh = users.map((user) => {
          const house = new TestContext({ secrets: { password: 'tulip' } });
          const session = connector.open(
            {
              id: newId<'LinkId'>(),
              settings: {
                address: `${user}@${kamailio.domain}`,
                host: kamailio.host,
                port: kamailio.port,
                transport: 'udp',
              },
            },
            house,
          );
          session.attach({
            id: newId<'AccountId'>(),
            desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
          });
          session.connect();
          houses.push(house);
          return house;
        });
        await eventually(
          'all are online',
          () => fresh.every((house) => house.stateOf()?.state === 'online'),
          minute,
        );
        // What was asked to come online is remembered for timer K (RFC 3261 §17.1.2.2).
        await new Promise((forgotten) => setTimeout(forgotten, 6_000));
        for (let times = 0; times < 3; times++) collect();
        heap.push(process.memoryUsage().heapUsed);
      }
      const each = ((heap[1] ?? 0) - (heap[0] ?? 0)) / (many - few);
      figures[`heap per account, from the ${String(few)}th to the ${String(many)}th on one UDP socket, KiB`] =
        (each / 1_024).toFixed(1);
    },
    3 * minute,
  );
});

/** Says so many texts, so many at once, each of these to somebody else. */
async function out({ session, account }: Rig, transport: string, count: number): Promise<number> {
  let next = 0;
  const began = performance.now();
  const outcomes: string[] = [];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const index = next++;
        const to = `user${String(index % people)}@${transport}.example.net`;
        const envelope = directText(account, to, `text ${String(index)} of ${String(count)}`);
        const { outcome } = await session.send(envelope, new AbortController().signal);
        outcomes.push(outcome);
      }
    }),
  );
  expect(new Set(outcomes)).toEqual(new Set(['sent']));
  return count / ((performance.now() - began) / 1_000);
}

/** How long one act takes, the least of several rounds. */
function micros(act: () => unknown): string {
  const rounds = Array.from({ length: 10 }, () => {
    const began = performance.now();
    for (let times = 0; times < 20_000; times++) act();
    return ((performance.now() - began) / 20_000) * 1_000;
  });
  return Math.min(...rounds).toFixed(1);
}

/** A bare user agent, in a process of its own. */
class CountingAgent {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(): Promise<CountingAgent> {
    const child = fork(fileURLToPath(new URL('../../../../tools/counting-ua.mjs', import.meta.url)), {
      execArgv: [],
    });
    const { port } = await told<{ port: number }>(child);
    return new CountingAgent(child, port);
  }

  /** Sends texts, and gives how many were answered well in a second. */
  async send(order: {
    readonly transport: string;
    readonly to: string;
    readonly port: number;
    readonly from: string;
  }): Promise<{ readonly rate: number }> {
    this.child.send({ do: 'send', ...order, users: people, count: texts, atOnce });
    const { good, seconds } = await told<{ good: number; seconds: number }>(this.child);
    expect(good).toBe(texts);
    return { rate: texts / seconds };
  }

  stop(): void {
    this.child.disconnect();
  }
}

function told<T>(child: ChildProcess): Promise<T> {
  return new Promise((answered) => {
    child.once('message', (message) => {
      answered(message as T);
    });
  });
}
