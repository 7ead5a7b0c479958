/*
 * Many accounts on one XMPP server in one worker: how fast they come, what each costs, and how fast messages go through.
 * A test sees that nothing has gone badly wrong; `npm run bench:xmpp` makes it two hundred accounts and prints the figures
 * of docs/figures.md. What is measured of messages is put beside the same through two plain clients in the same run.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Rigs } from '#connectors/xmpp/testing';
import { newId } from '#model';
import {
  describeWithPeers,
  eventually,
  plainXmpp,
  prosodyPeers,
  startProsody,
  type PlainXmpp,
  type XmppServer,
} from '#peers';
import { House } from '../testing/house.js';

const bench = process.env['PARLEY_BENCH'] !== undefined;
const [crowd, few, messages] = bench ? [200, 20, 10_000] : [60, 10, 1_000];
const minute = 60_000;
const figures: Record<string, string> = {};

describeWithPeers(`${String(crowd)} accounts on Prosody`, prosodyPeers, () => {
  const password = randomBytes(9).toString('hex');
  let server: XmppServer;

  beforeAll(async () => {
    server = await startProsody({ without: ['archive', 'room-archive'] });
    figures['load average at the start'] = (loadavg()[0] ?? 0).toFixed(1);
  }, minute);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    const lines = Object.entries(figures).map(([name, figure]) => `${name}: ${figure}\n`);
    if (bench) process.stdout.write(lines.join(''));
  });

  const somebody = async (user: string): Promise<PlainXmpp> => {
    await server.createAccount(user, password);
    return plainXmpp({ port: server.ports.clients, domain: server.names.domain, user, password });
  };

  it(
    'come at the house’s pace and cost little',
    async () => {
      await using house = await House.open();
      const bring = async (from: number, to: number): Promise<void> => {
        for (let number = from; number < to; number++) {
          const user = `crowd${String(number)}`;
          await server.createAccount(user, password);
          await house.ask('POST', '/v1/accounts', {
            connector: 'xmpp',
            label: user,
            settings: {
              jid: `${user}@${server.names.domain}`,
              host: '127.0.0.1',
              port: server.ports.clients,
              caCertificate: server.authority.pem,
            },
            secrets: { password },
          });
        }
        await eventually(`${String(to)} are online`, async () => (await online(house)) === to, 2 * minute);
      };
      await bring(0, few);
      const before = await weigh(house.pid);
      const began = performance.now();
      await bring(few, crowd);
      const seconds = (performance.now() - began) / 1_000;
      const each = ((await weigh(house.pid)) - before) / (crowd - few);
      figures[`seconds until ${String(crowd - few)} more accounts were made and online, over TLS`] =
        seconds.toFixed(1);
      figures['RSS per account, KiB'] = (each / 1_024).toFixed(0);
      // Connects to one host leave ten in a second (libs/sessions, host-pacer).
      expect(seconds).toBeLessThan(bench ? 30 : 60);
      // With few of them, what the collector has not yet taken back weighs most.
      expect(each).toBeLessThan((bench ? 1 : 3) * 1_048_576);
    },
    5 * minute,
  );

  it(
    'carry messages both ways, in order, at a good part of what the server can do',
    async () => {
      await using rigs = new Rigs();
      await using bob = await somebody('bob');
      await using carol = await somebody('carol');
      const rig = await rigs.begin({
        server: {
          host: '127.0.0.1',
          port: server.ports.clients,
          names: server.names,
          createAccount: (user, secret) => server.createAccount(user, secret),
        },
      });
      await rig.until('online');
      const hint = { more: '<no-store xmlns="urn:xmpp:hints"/>' };
      const texts = Array.from({ length: messages }, (_, index) => `message ${String(index)}`);

      // Warm, then measured: the last of a run has come when as many have come as were said.
      const plainly = async (): Promise<number> => {
        const before = carol.stanzas.length;
        return timed(async () => {
          for (const text of texts) bob.say(carol.bare, text, hint);
          await eventually('carol has heard all', () => carol.stanzas.length >= before + messages, minute);
        });
      };
      await plainly();
      const bare = await plainly();
      const inward = await timed(async () => {
        for (const text of texts) bob.say(rig.jid, text, hint);
        const { stored } = rig.house.storage;
        await eventually('all is stored', () => stored.length >= messages, minute);
      });
      expect(rig.house.heard().map(({ content }) => content.text)).toEqual(texts);
      const before = bob.stanzas.length;
      const never = new AbortController().signal;
      const outward = await timed(async () => {
        let next = 0;
        await Promise.all(
          Array.from({ length: 200 }, async () => {
            while (next < messages) {
              const content = { text: texts[next++] ?? '' };
              const outcome = await rig.session.send(
                {
                  id: newId(),
                  account: rig.account,
                  kind: 'message',
                  to: bob.bare,
                  conversationKind: 'direct',
                  content,
                  attempt: 1,
                },
                never,
              );
              expect(outcome.outcome).toBe('sent');
            }
          }),
        );
      });
      await eventually('bob has heard all', () => bob.stanzas.length >= before + messages, minute);
      const rate = (seconds: number): string => `${(messages / seconds).toFixed(0)}/s`;
      figures['messages between two plain clients'] = rate(bare);
      figures['messages to the connector, until stored'] =
        `${rate(inward)}, ${(bare / inward).toFixed(2)} of that`;
      figures['messages from the connector, until acknowledged'] =
        `${rate(outward)}, ${(bare / outward).toFixed(2)} of that`;
      figures['load average at the end'] = (loadavg()[0] ?? 0).toFixed(1);
      // On a busy machine too.
      expect(bare / inward).toBeGreaterThan(0.1);
      expect(bare / outward).toBeGreaterThan(0.1);
    },
    5 * minute,
  );
});

/** In seconds. */
async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await act();
  return (performance.now() - began) / 1_000;
}

async function online(house: House): Promise<number> {
  let count = 0;
  for (let next: string | undefined = ''; next !== undefined;) {
    const page: {
      readonly items: readonly { readonly session: { readonly state: string } }[];
      readonly next?: string;
    } = await house.ask('GET', `/v1/accounts?limit=200${next === '' ? '' : `&next=${next}`}`);
    count += page.items.filter(({ session }) => session.state === 'online').length;
    next = page.next;
  }
  return count;
}

/** The least that a process holds within a while: it has had time to let go. */
async function weigh(pid: number): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < 12; look++) {
    const held = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    least = Math.min(least, Number(held) * 1_024);
    await new Promise((again) => setTimeout(again, 250));
  }
  return least;
}
