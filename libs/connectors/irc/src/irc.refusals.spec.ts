/* Servers that do not let us in: what is told, and how rarely it is tried again. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Rigs } from '#connectors/irc/testing';
import { ManualClock } from '#connector/testing';
import { eventually, scriptedIrc, type ScriptClient, type ScriptOptions, type ScriptServer } from '#peers';
import { usualTimings } from './timings.js';

const rigs = new Rigs();
const servers: ScriptServer[] = [];
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});
async function serve(options: ScriptOptions = {}): Promise<ScriptServer> {
  const server = await scriptedIrc(options);
  servers.push(server);
  return server;
}
/** Says something instead of a welcome. */
const saying = (...lines: readonly string[]): ScriptOptions => ({
  answer: (line, client) => {
    if (line.startsWith('USER')) client.send(...lines);
    return line.startsWith('USER');
  },
});

describe('a refusal is a state', () => {
  it.each([
    [
      'ERROR :Closing Link: 192.0.2.1 (Your host is trying to (re)connect too fast -- throttled)',
      'rate-limited',
    ],
    ['ERROR :Trying to reconnect too fast.', 'rate-limited'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Too many user connections (global))', 'rate-limited'],
    [
      'ERROR :Closing Link: alice[192.0.2.1] (No more connections allowed in your connection class)',
      'rate-limited',
    ],
    ['ERROR :Closing Link: alice[192.0.2.1] (Session limit exceeded)', 'rate-limited'],
    ['ERROR :Closing Link: (Server is full)', 'rate-limited'],
    ['ERROR :All connections in use', 'rate-limited'],
    [':script 010 alice irc2.example.org 6667 :Please use this Server/Port instead', 'rate-limited'],
    [':script 005 alice :Try server irc2.example.org, port 6667', 'rate-limited'],
    [':script 465 alice :You are connecting too fast', 'rate-limited'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Registration timed out)', 'timeout'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Who knows why)', 'network-unreachable'],
  ] as const)('that passes by itself: %s', async (line, code) => {
    const server = await serve(saying(line));
    expect(await rigs.begin({ port: server.port }).until('backing-off')).toMatchObject({ code });
  });

  it.each([
    ['ERROR :Closing Link: alice[192.0.2.1] (*** Your IP is listed in dnsbl.example.org)', 'banned'],
    ['ERROR :Closing Link: alice[192.0.2.1] (G-Lined: Open proxy detected)', 'banned'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Z:lined (spam))', 'banned'],
    [':script 465 alice :You are banned from this server- no reason', 'banned'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Install identd)', 'not-allowed'],
    ['ERROR :Closing Link: alice[192.0.2.1] (SASL access only)', 'auth-required'],
    ['ERROR :You need to identify via SASL to use this server', 'auth-required'],
    [':script FAIL * ACCOUNT_REQUIRED_TO_CONNECT :You must be logged in', 'auth-required'],
    ['ERROR :Closing Link: alice[192.0.2.1] (Unauthorized connection)', 'not-allowed'],
    [':script 464 alice :Password incorrect', 'auth-failed'],
  ] as const)('that only a person can cure, tried once: %s', async (line, code) => {
    const server = await serve(saying(line));
    expect(await rigs.begin({ port: server.port }).until('needs-person')).toMatchObject({ code });
    expect(server.clients).toHaveLength(1);
  });
});

describe('tries', () => {
  it.each([
    ['a throttle', 'ERROR :Closing Link: alice (Reconnecting too fast)'],
    ['a server that ends it without a word', 'ERROR :'],
  ])('come rarely, in the usual times, in three hours of %s', async (_what, line) => {
    const clock = new ManualClock();
    const server = await serve(saying(line));
    const { house } = rigs.begin({ port: server.port, clock, timings: usualTimings });
    const end = clock.monotonic() + 3 * 3_600_000;
    for (let tries = 1; clock.monotonic() < end; tries++) {
      await eventually('it backs off', () => house.backoffs.length >= tries);
      expect(server.clients).toHaveLength(tries);
      clock.advance(house.backoffs.at(-1) ?? 0);
    }
    expect(house.backoffs.length).toBeGreaterThan(10);
    expect(house.backoffs.length).toBeLessThan(60);
  });
});

describe('servers of the old kind', () => {
  const welcome = (nick: string): readonly string[] => [
    `:script 001 ${nick} :Welcome`,
    `:script 376 ${nick} :End`,
  ];

  it.each<readonly [string, ScriptOptions]>([
    ['that ignore CAP', { answer: (line) => line.startsWith('CAP') }],
    [
      'that answer CAP as if it were too early',
      { answer: telling(/^CAP/, ':script 451 * CAP :You have not registered') },
    ],
    ['that have no message of the day', { answer: telling(/^USER/, ':script 001 alice :Welcome') }],
    [
      'that lose the first line of the welcome',
      { answer: telling(/^USER/, ':script 002 alice :Your host', ':script 422 alice :No MOTD') },
    ],
    [
      'that say all in another order',
      { answer: telling(/^USER/, ':script 005 alice NICKLEN=9 :are supported', ...welcome('alice')) },
    ],
  ])('take us in: %s', async (_what, options) => {
    const server = await serve(options);
    expect(await rigs.begin({ port: server.port }).until('online')).toMatchObject({ localAddress: 'alice' });
  });

  it('may want a proof that we hear, before the welcome', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (line.startsWith('USER'))
        client.send(':script 513 alice :To connect, type /QUOTE PONG 1234', 'PING :5678');
      if (line === 'PONG :5678') client.send(...welcome('alice'));
      return /^(?:USER|PONG)/.test(line);
    };
    const server = await serve({ answer });
    await rigs.begin({ port: server.port }).until('online');
    expect(server.clients[0]?.lines).toEqual(expect.arrayContaining(['PONG :1234', 'PONG :5678']));
  });

  it.each([
    ['by NICKLEN', [':script 001 alicealic :Welcome', ':script 005 alicealic NICKLEN=9 :are supported']],
    ['without a word', [':script 001 alicealic :Welcome']],
  ])('cut a nick that is too long %s, and are not asked for it again and again', async (_how, lines) => {
    const server = await serve({ answer: telling(/^USER/, ...lines, ':script 376 alicealic :End') });
    const { until } = rigs.begin({
      port: server.port,
      settings: { nick: 'alicealicealice' },
      timings: { reclaim: 20 },
    });
    expect(await until('online')).toMatchObject({ localAddress: 'alicealic' });
    await new Promise((over) => setTimeout(over, 200));
    expect(server.clients[0]?.lines.filter((line) => line.startsWith('NICK'))).toEqual([
      'NICK alicealicealice',
    ]);
  });
});

it('a bot says that it is one, where the network has a mode for it', async () => {
  const server = await serve({ tokens: ['BOT=B'] });
  await rigs.begin({ port: server.port, settings: { bot: true } }).until('online');
  await (await server.client(1)).waitFor(/^MODE alice \+B$/);
});

function telling(pattern: RegExp, ...lines: readonly string[]) {
  return (line: string, client: ScriptClient): boolean => {
    if (pattern.test(line)) client.send(...lines);
    return pattern.test(line);
  };
}
