/* Presence on a server that keeps it: ours to others, theirs to us, and who asks to see it. */
import { expect, it } from '@jest/globals';
import { can, type InboundContact } from '#connector';
import { Rigs, type Rig, type RigOptions } from '#connectors/sip/testing';
import type { Presence } from '#model';
import { describeWithPeers, eventually, Kamailio, kamailioPeers } from '#peers';

function seenBy({ house }: Rig, { address }: Rig): Presence | undefined {
  return house.presences.get(address)?.presence;
}

async function sees(watcher: Rig, of: Rig, presence: Presence): Promise<void> {
  await eventually(
    `${watcher.address} sees ${presence}`,
    () => seenBy(watcher, of) === presence || undefined,
  );
}

function show({ session, account }: Rig, presence: Presence, note?: string): void {
  if (can(session, 'sets-presence')) {
    session.setPresence(account, { presence, ...(note !== undefined && { note }) });
  }
}

/**
 * Shows something until a watcher sees it. Kamailio, told two things within a few milliseconds, may number a NOTIFY and never
 * send it; what is shown next is told.
 */
async function showUntilSeen(rig: Rig, presence: Presence, watcher: Rig): Promise<void> {
  let [shown, at] = [0, -Infinity];
  await eventually(`${watcher.address} sees ${presence}`, () => {
    if (seenBy(watcher, rig) === presence) return true;
    if (performance.now() - at > 1_000) {
      show(rig, presence, `for the ${String(++shown)}. time`);
      at = performance.now();
    }
    return undefined;
  });
}

function watch({ session, account }: Rig, whom: readonly Rig[]): void {
  if (!can(session, 'has-contacts')) return;
  session.setContacts(
    account,
    whom.map(({ address }) => ({ address, groups: [] })),
  );
}

function contactOf({ house }: Rig, { address }: Rig): InboundContact | undefined {
  return house.storage.stored.findLast(
    (event): event is InboundContact => event.type === 'contact' && event.party.address === address,
  );
}

async function tagOf({ house, account }: Rig): Promise<string> {
  return JSON.stringify(await house.keyValues.read(account, 'sip.publication'));
}

async function begin(rigs: Rigs, options: RigOptions): Promise<Rig> {
  const rig = await rigs.begin(options);
  await rig.until('online');
  return rig;
}

describeWithPeers('presence on Kamailio', kamailioPeers, () => {
  it.each(['udp', 'tcp'])('of our person is seen by others as it is, over %s', async (transport) => {
    await using server = await Kamailio.start({ watchers: 'all' });
    await using rigs = new Rigs();
    const settings = { transport };
    // The farewell takes as long as it takes.
    const timings = { close: 4_500 };
    const alice = await begin(rigs, { server, user: 'alice', settings, timings });
    const bob = await begin(rigs, { server, user: 'bob', settings, contacts: [alice.address] });
    await sees(bob, alice, 'available');
    for (const word of ['away', 'busy', 'extended-away', 'chatty', 'offline', 'available'] as const) {
      show(alice, word, `it is ${word}`);
      await sees(bob, alice, word);
      expect(bob.house.presences.get(alice.address)?.note).toBe(`it is ${word}`);
    }
    await eventually(
      'the server tells who watches',
      () => contactOf(alice, bob)?.subscription === 'from' || undefined,
    );
    await alice.session.close('asked');
    await eventually('she is not seen any more', () => seenBy(bob, alice) !== 'available' || undefined);
  });

  it('of somebody who has told nothing is unknown, and not offline', async () => {
    await using server = await Kamailio.start({ watchers: 'all' });
    await using rigs = new Rigs();
    await server.createAccount('silent', 'x');
    const bob = await begin(rigs, { server, user: 'bob', contacts: [`silent@${server.domain}`] });
    const told = await eventually('something is told', () =>
      bob.house.presences.get(`silent@${server.domain}`),
    );
    expect(told.presence).toBe('unknown');
  });

  it('is changed and not doubled when we come back after a death', async () => {
    await using server = await Kamailio.start({ watchers: 'all' });
    await using rigs = new Rigs();
    const alice = await begin(rigs, { server, user: 'alice' });
    const bob = await begin(rigs, { server, user: 'bob', contacts: [alice.address] });
    await sees(bob, alice, 'available');
    await eventually('its name is noted', async () =>
      alice.house.keyValues.read(alice.account, 'sip.publication'),
    );
    // Without a farewell: what was published stays there.
    await alice.session.close('fenced');
    expect(seenBy(bob, alice)).toBe('available');
    const before = await tagOf(alice);
    const again = await begin(rigs, { server, after: alice });
    await eventually('it is changed', async () => (await tagOf(alice)) !== before || undefined);
    // Were it doubled, what was there before would be seen beside it, however often this is said.
    await showUntilSeen(again, 'offline', bob);
  });

  it('tells who asks, and shows them nothing until the server lets them', async () => {
    await using server = await Kamailio.start({ watchers: 'admitted' });
    await using rigs = new Rigs();
    const alice = await begin(rigs, { server, user: 'alice' });
    const bob = await begin(rigs, { server, user: 'bob', contacts: [alice.address] });
    await eventually('bob is told of', () => contactOf(alice, bob)?.asks === true || undefined);
    expect(seenBy(bob, alice) ?? 'unknown').toBe('unknown');
    await server.admit('alice', [bob.address]);
    await sees(bob, alice, 'available');
    // This server tells of it only when he asks again.
    watch(bob, []);
    watch(bob, [alice]);
    await eventually('bob asks no more', () => contactOf(alice, bob)?.subscription === 'from' || undefined);
    expect(contactOf(alice, bob)?.asks).toBe(false);
  });

  it('of somebody who is a contact again is told again', async () => {
    await using server = await Kamailio.start({ watchers: 'all' });
    await using rigs = new Rigs();
    const alice = await begin(rigs, { server, user: 'alice' });
    const bob = await begin(rigs, { server, user: 'bob', contacts: [alice.address] });
    await sees(bob, alice, 'available');
    watch(bob, []);
    const before = await tagOf(alice);
    show(alice, 'busy');
    // Kamailio, asked to watch in the very moment that something is published, may tell what was before, and no more.
    await eventually('it is published', async () => (await tagOf(alice)) !== before || undefined);
    watch(bob, [alice]);
    await sees(bob, alice, 'busy');
  });
});
