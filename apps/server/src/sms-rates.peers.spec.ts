/*
 * How fast texts are accepted, leave and come over SMPP, durable, beside the SMPP library without the house and beside
 * Kannel, with the same message centre, which only counts, in the same run. A test sees that nothing has gone badly wrong;
 * `npm run bench:sms` makes it thousands, on both engines, and prints the figures of docs/figures.md.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, Kannel, kannelPeers, postgresPeer, startPostgres } from '#peers';
import { bareSubmits } from '../testing/bare-submits.js';
import { House } from '../testing/house.js';

const bench = process.env['PARLEY_BENCH'] !== undefined;
const texts = bench ? 5_000 : 300;
const singles = bench ? 1_500 : 100;
const own = '+12025550100';
const phones = Array.from({ length: 1_000 }, (_, index) => `1202556${String(1_000 + index)}`);
const minute = 60_000;
const figures: Record<string, string> = {};
const agent = new Agent({ keepAlive: true, maxSockets: 60 });

describeWithPeers('texts over SMPP', bench ? [...kannelPeers, postgresPeer] : [], () => {
  let centre: Counting;
  let bare: number;

  beforeAll(async () => {
    centre = await Counting.start();
    figures['load average at the start'] = (loadavg()[0] ?? 0).toFixed(1);
  }, minute);
  afterAll(() => {
    centre.stop();
    agent.destroy();
    figures['load average at the end'] = (loadavg()[0] ?? 0).toFixed(1);
    const lines = Object.entries(figures).map(([name, figure]) => `${name}: ${figure}\n`);
    if (bench) process.stdout.write(lines.join(''));
  });

  it(
    'leave the library alone',
    async () => {
      bare = await bareSubmits({ port: centre.port, texts, from: own.slice(1), phones });
      figures['submits/s of the SMPP library alone, window 100'] = bare.toFixed(0);
    },
    minute,
  );

  it.each(bench ? ['embedded', 'PostgreSQL'] : ['embedded'])(
    'go through the house on the engine %s',
    async (engine) => {
      await using postgres =
        engine === 'PostgreSQL' ? await startPostgres({ settings: { fsync: 'on' } }) : undefined;
      await using house = await House.open(postgres === undefined ? {} : { databaseUrl: postgres.url });
      const say = (name: string, figure: string): void => {
        figures[`${engine}: ${name}`] = figure;
      };
      const { id: account } = await house.ask<{ id: string }>('POST', '/v1/accounts', {
        connector: 'sms',
        label: 'Rates',
        settings: {
          driver: 'smpp',
          numbers: [own],
          smpp: { host: '127.0.0.1', port: centre.port, tls: false, systemId: 'parley', window: 100 },
        },
        secrets: { password: 'unasked' },
      });
      const online = (): Promise<unknown> =>
        eventually('the account is online', async () => {
          const { session } = await house.ask<Session>('GET', `/v1/accounts/${account}`);
          return session.state === 'online';
        });
      const post = (body: unknown) =>
        ask(`${house.url}/v1/messages`, { authorization: `Bearer ${house.token}` }, JSON.stringify(body));
      const to = (index: number) => ({
        account,
        address: `+${phones[index % phones.length] ?? ''}/${own}`,
      });
      const many = (from: number, count: number) =>
        Array.from({ length: count }, (_, index) => to(from + index));
      const left = (count: number): Promise<unknown> =>
        eventually('all have left', async () => (await centre.count()).submitted === count, minute);
      await online();
      await centre.forget();
      // Makes the conversations, and warms.
      for (let from = 0; from < phones.length; from += 100) await post({ to: many(from, 100), text: 'warm' });
      await left(phones.length);

      await centre.forget();
      const oneByOne = await timed(() =>
        atOnce(50, singles, (index) => post({ to: [to(index)], text: `one ${String(index)}` })),
      );
      say('accepts/s by single calls, 50 at once, each also leaving', rate(singles, oneByOne));
      await left(singles);
      await centre.forget();
      await stall(house);

      const began = performance.now();
      await post({ to: many(0, texts), text: 'fan-out' });
      say(`seconds until one call to ${String(texts)} was durable`, seconds(performance.now() - began));
      await left(texts);
      say('seconds until all of it had left', seconds(performance.now() - began));

      // A backlog, and then the line.
      await house.ask('POST', `/v1/accounts/${account}/disconnect`);
      await centre.forget();
      let last = '';
      const bulk = await timed(async () => {
        for (let from = 0; from < texts; from += 100)
          last = await post({ to: many(from, 100), text: 'bulk' });
      });
      say('accepts/s by calls with 100 recipients, one after the other', rate(texts, bulk));
      await stall(house);
      const before = cpuOf(house.pid);
      await house.ask('POST', `/v1/accounts/${account}/connect`);
      await left(texts);
      say(
        'processor time of the house for each, µs',
        (((cpuOf(house.pid) - before) / texts) * 1_000).toFixed(0),
      );
      const drain = (await centre.count()).seconds;
      say('submits/s from durable lanes, window 100', rate(texts, drain));
      say('as a share of the library alone', (texts / drain / bare).toFixed(2));
      say('event-loop delay while they left, ms', await stall(house));

      const { results } = JSON.parse(last) as { results: { message: { id: string } }[] };
      await eventually('it is known that the last has left', async () => {
        const { items } = await house.ask<{ items: { state: string }[] }>(
          'GET',
          `/v1/messages/${results.at(-1)?.message.id ?? ''}/envelopes`,
        );
        return items.at(-1)?.state === 'sent';
      });
      const receipts = await centre.receipts();
      say('receipts/s to durable', rate(texts, receipts.seconds));
      const inbound = await centre.say(texts, own);
      say('texts from phones/s to durable', rate(texts, inbound.seconds));
      say('event-loop delay while those came, ms', await stall(house));
      // On a busy machine too.
      expect(texts / drain / bare).toBeGreaterThan(0.005);
      expect(receipts.refused + inbound.refused).toBe(0);
    },
    5 * minute,
  );

  if (bench) {
    it(
      'go through Kannel',
      async () => {
        await centre.forget();
        await using kannel = await Kannel.start({
          uplink: { port: centre.port, username: 'kannel', password: 'unasked', window: 100 },
        });
        await kannel.bound();
        const post = (index: number, text: string) => {
          const query = new URLSearchParams({
            username: kannel.username,
            password: kannel.password,
            smsc: Kannel.uplink,
            from: own,
            to: `+${phones[index % phones.length] ?? ''}`,
            text,
          });
          return ask(`${kannel.url}?${query.toString()}`, {});
        };
        await atOnce(50, 200, (index) => post(index, 'warm'));
        await eventually('all have left', async () => (await centre.count()).submitted === 200, minute);
        await centre.forget();
        const accepting = await timed(() =>
          atOnce(50, texts, (index) => post(index, `one ${String(index)}`)),
        );
        figures['Kannel: accepts/s by single calls, 50 at once, each also leaving, in memory'] = rate(
          texts,
          accepting,
        );
        await eventually('all have left', async () => (await centre.count()).submitted === texts, minute);
        figures['Kannel: submits/s meanwhile'] = rate(texts, (await centre.count()).seconds);
        await centre.close();
        await centre.forget();
        await atOnce(50, texts, (index) => post(index, `backlog ${String(index)}`));
        await centre.open();
        await eventually('all have left', async () => (await centre.count()).submitted === texts, minute);
        figures['Kannel: submits/s from its queue, window 100'] = rate(texts, (await centre.count()).seconds);
      },
      3 * minute,
    );
  }
});

interface Session {
  readonly session: { readonly state: string };
}

interface Seen {
  readonly submitted: number;
  readonly seconds: number;
  readonly refused: number;
}

/** The message centre that counts, in a process of its own. */
class Counting {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(): Promise<Counting> {
    const child = fork(fileURLToPath(new URL('../../../tools/counting-smsc.mjs', import.meta.url)), {
      execArgv: [],
    });
    const port = await new Promise<number>((ready) =>
      child.once('message', (told: { port: number }) => {
        ready(told.port);
      }),
    );
    return new Counting(child, port);
  }

  count(): Promise<Seen> {
    return this.order({ do: 'count' });
  }

  forget(): Promise<Seen> {
    return this.order({ do: 'forget' });
  }

  close(): Promise<Seen> {
    return this.order({ do: 'close' });
  }

  open(): Promise<Seen> {
    return this.order({ do: 'open' });
  }

  receipts(): Promise<Seen> {
    return this.order({ do: 'receipts' });
  }

  say(count: number, to: string): Promise<Seen> {
    return this.order({ do: 'say', texts: count, people: phones, to: to.slice(1) });
  }

  stop(): void {
    this.child.disconnect();
  }

  private order(order: object): Promise<Seen> {
    return new Promise((answered) => {
      this.child.once('message', (seen: Seen) => {
        answered(seen);
      });
      this.child.send(order);
    });
  }
}

/** One request; anything but a good answer is an error. */
function ask(url: string, headers: Readonly<Record<string, string>>, body?: string): Promise<string> {
  return new Promise((done, fail) => {
    const asked = request(
      url,
      {
        agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...headers,
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
        },
      },
      (answer) => {
        let told = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (told += chunk));
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 300) done(told);
          else fail(new Error(`answered ${String(answer.statusCode)}`));
        });
      },
    );
    asked.on('error', fail);
    asked.end(body);
  });
}

/** So many clients, each with one request at a time. */
async function atOnce(
  clients: number,
  count: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < count) await act(next++);
    }),
  );
}

/** In seconds. */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return (performance.now() - began) / 1_000;
}

/** What a process has used of the processor, in milliseconds; the kernel counts in hundredths of a second. */
function cpuOf(pid: number): number {
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function rate(count: number, seconds: number): string {
  return (count / seconds).toFixed(0);
}

/** How late the event loop was, since somebody last asked. */
async function stall(house: House): Promise<string> {
  const text = await (await fetch(`${house.url}/metrics`)).text();
  const of = (quantile: string): string => {
    const found = new RegExp(`event_loop_delay_seconds\\{quantile="${quantile}"\\} (\\S+)`).exec(text)?.[1];
    return (Number(found) * 1_000).toFixed(0);
  };
  return `p99 ${of('0.99')}, longest ${of('1')}`;
}
