/*
 * A hundred accounts on one server in one worker: they come and come back at the pace of the house, and the house breathes
 * meanwhile. `npm run bench:irc` measures a thousand (docs/figures.md); this sees that nothing has gone badly wrong.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { describeWithPeers, eventually, leastOf, ngircd, plainClient, startNgircd } from '#peers';
import { House } from '../testing/house.js';

const crowd = 100;
/** Connects to one host a second (libs/sessions, host-pacer), and how many may be ahead of that. */
const [aSecond, atOnce] = [10, 6];
const minute = 60_000;

describeWithPeers('a hundred accounts on one server', [ngircd], () => {
  it(
    'come at the house’s pace, come back when the server does, and cost little',
    async () => {
      await using server = await startNgircd();
      await using house = await House.open();
      const bring = async (from: number, to: number): Promise<void> => {
        for (let number = from; number < to; number++) {
          const settings = {
            host: '127.0.0.1',
            port: server.port,
            tls: false,
            nick: `crowd${String(number)}`,
          };
          await house.ask('POST', '/v1/accounts', { connector: 'irc', label: settings.nick, settings });
        }
        await eventually(`${String(to)} are online`, async () => (await online(house)) === to, minute);
      };
      await bring(0, 10);
      const before = rssOf(house.pid);
      await bring(10, crowd);
      expect((rssOf(house.pid) - before) / (crowd - 10)).toBeLessThan(1_048_576);

      const late = await leastOf(
        0.25,
        async () => {
          await server.stop();
          await eventually('all are away', async () => (await online(house)) === 0, minute);
          await delay(house);
          await server.start();
          const back = performance.now();
          await eventually('all are back', async () => (await online(house)) === crowd, minute);
          // A storm would be over in a second.
          expect((performance.now() - back) / 1_000).toBeGreaterThan((crowd - atOnce) / aSecond / 1.5);
          return delay(house);
        },
        3,
      );
      expect(late).toBeLessThan(0.25);

      await using bob = await plainClient({ port: server.port, nick: 'bob' });
      bob.send('LUSERS');
      await bob.waitFor(new RegExp(` 251 bob :There are ${String(crowd + 1)} users`));
    },
    3 * minute,
  );
});

async function online(house: House): Promise<number> {
  const { items } = await house.ask<{ items: readonly { session: { state: string } }[] }>(
    'GET',
    '/v1/accounts?limit=200',
  );
  return items.filter(({ session }) => session.state === 'online').length;
}

/** By how much the house's event loop was late since the last look, 99th percentile, in seconds. */
async function delay(house: House): Promise<number> {
  const text = await (await fetch(`${house.url}/metrics`)).text();
  return Number(/event_loop_delay_seconds\{quantile="0.99"\} (\S+)/.exec(text)?.[1]);
}

function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) * 1_024;
}
