/* An account on a network that loses every third datagram, brings some twice, and a server that forgets and insists. */
import { expect, it } from '@jest/globals';
import { rigServer, Rigs, type Rig } from '#connectors/sip/testing';
import { eventually } from '#peers';
import { startSandboxSip, type SandboxSip, type SipMischief } from '#sandbox';

/** Retransmissions as often as a test can afford: the first after so long, and at most twice as long between two. */
const timers = { t1: 25, t2: 50 };

async function between(test: (sandbox: SandboxSip, alice: Rig) => Promise<void>): Promise<void> {
  await using sandbox = await startSandboxSip({ timers });
  await using rigs = new Rigs();
  const alice = await rigs.begin({
    server: rigServer(sandbox),
    timers,
    settings: { receipts: false, rate: 10_000 },
  });
  await alice.until('online');
  await test(sandbox, alice);
}

const texts = Array.from({ length: 40 }, (_, number) => `text ${String(number)}`);

const mischiefs: [what: string, mischief: SipMischief][] = [
  ['loses every third datagram, by seed 1', { loses: { of: 3, seed: 1 } }],
  ['loses every third datagram, by seed 2', { loses: { of: 3, seed: 2 } }],
  ['brings every datagram twice, with nonsense before it', { repeats: true, garbage: true }],
  ['delivers every message twice, as to somebody on two transports', { doubles: true }],
  ['wants every request signed anew', { staleNonces: true }],
];

it.each(mischiefs)(
  'is told nothing twice and says nothing twice where the network %s',
  async (_what, mischief) => {
    await between(async (sandbox, alice) => {
      const bob = sandbox.resident('bob');
      sandbox.misbehave(mischief);
      const outcomes = await Promise.all(texts.map((text) => alice.send(bob.address, text)));
      for (const text of texts) bob.say(alice.address, text);
      const user = alice.address.split('@')[0] ?? '';
      await eventually('all of bob’s is taken', () => sandbox.undelivered(user) === 0, 20_000);

      expect(sandbox.lost > 40).toBe(mischief.loses !== undefined);
      const heard = bob.heard().map(({ text }) => text);
      expect(new Set(heard).size).toBe(heard.length);
      expect(outcomes.filter(({ outcome }) => outcome !== 'sent' && outcome !== 'unknown')).toEqual([]);
      const sent = texts.filter((_, at) => outcomes[at]?.outcome === 'sent');
      expect(heard).toEqual(expect.arrayContaining(sent));
      expect(sent.length).toBeGreaterThan(35);
      await eventually('all of it is stored', () => alice.house.heard().length >= texts.length);
      expect(
        alice.house
          .heard()
          .map(({ content }) => content.text)
          .toSorted(),
      ).toEqual(texts.toSorted());
    });
  },
);
