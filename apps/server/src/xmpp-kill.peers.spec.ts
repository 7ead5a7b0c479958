/*
 * The first law over XMPP: a conversation with ten people on Prosody through the whole house, over a wire that is cut
 * again and again, while our process is killed. Nothing is lost, nothing comes twice, and the order holds both ways.
 * `npm run soak` makes it a thousand messages each way, twenty cuts and three kills.
 */
import { randomBytes } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { FaultProxy } from '#connector/testing';
import {
  child,
  describeWithPeers,
  eventually,
  plainXmpp,
  prosodyPeers,
  startProsody,
  textOf,
  type PlainXmpp,
} from '#peers';
import { killTrial, lawfulInOrder, type TrialNetwork } from '../testing/kill-trial.js';

const isLong = process.env['PARLEY_SOAK'] !== undefined;
const [messages, cuts, kills] = isLong ? [1_000, 20, 3] : [150, 5, 1];

/** How far both sides had come when the wire or the process was broken. */
interface Breach {
  readonly said: number;
  readonly received: number;
}

/** Ten people on a server, and a proxy before it that cuts. */
async function network(): Promise<TrialNetwork & { readonly breaches: readonly Breach[] }> {
  const server = await startProsody({ archiveInMemory: true });
  const proxy = await FaultProxy.start({ host: '127.0.0.1', port: server.ports.clients });
  const { domain } = server.names;
  const password = randomBytes(9).toString('hex');
  await server.createAccount('alice', password);
  const people: PlainXmpp[] = [];
  for (let index = 0; index < 10; index++) {
    const user = `bob${String(index)}`;
    await server.createAccount(user, password);
    people.push(await plainXmpp({ port: server.ports.clients, domain, user, password }));
  }
  const received = (person?: PlainXmpp): readonly string[] =>
    person?.stanzas.flatMap((stanza) =>
      stanza.name === 'message' && stanza.attrs['type'] === 'chat'
        ? (textOf(child(stanza, 'body')) ?? [])
        : [],
    ) ?? [];
  const breaches: Breach[] = [];
  let said = 0;
  return {
    breaches,
    account: {
      connector: 'xmpp',
      settings: {
        jid: `alice@${domain}`,
        host: proxy.host,
        port: proxy.port,
        caCertificate: server.authority.pem,
      },
      secrets: { password },
    },
    people: people.map(({ bare }) => bare),
    say: (person, text) => {
      said++;
      people[person]?.say(`alice@${domain}`, text);
    },
    received: (person) => received(people[person]),
    // Each cut makes the pause before the next try longer (seconds, doubled); a new process begins with the first.
    async disturb(kill) {
      const breach = async (breaking: () => unknown): Promise<void> => {
        await eventually('there is a stream to break', () => proxy.open > 0, 120_000);
        await new Promise((moment) => setTimeout(moment, 100 + (breaches.length % 4) * 250));
        breaches.push({ said, received: people.flatMap(received).length });
        await breaking();
      };
      for (let cut = 0; cut < cuts; cut++) {
        await breach(() => {
          proxy.cut(cut % 2 === 0 ? 'rst' : 'fin');
        });
        const isLast = cut + 1 === cuts;
        if (!isLast && (cut + 1) % Math.ceil(cuts / (kills + 1)) === 0) await breach(kill);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const one of [...people, proxy, server]) await one[Symbol.asyncDispose]();
    },
  };
}

describeWithPeers('the first law on Prosody', prosodyPeers, () => {
  it(
    'loses and doubles nothing through cuts and kill -9, in order',
    async () => {
      const between = await network();
      const trial = await killTrial({
        network: between,
        sends: messages,
        inbound: messages,
        kills,
        breathMs: isLong ? 5_000 : 2_500,
        seed: 5,
      });
      expect(trial).toMatchObject({ ...lawfulInOrder, unknown: 0 });
      expect(trial.accepted).toBe(messages);
      // Every time there was something to lose.
      const { breaches } = between;
      expect(breaches).toHaveLength(cuts + kills);
      expect(breaches.filter((at) => at.said === messages && at.received === messages)).toEqual([]);
    },
    isLong ? 900_000 : 180_000,
  );
});
