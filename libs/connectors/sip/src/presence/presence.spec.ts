/* Presence over real sockets: on a server that keeps it, with phones that ask us themselves, and over a trunk. */
import { expect, it } from '@jest/globals';
import { can, type Admission, type InboundContact } from '#connector';
import type { TestContext } from '#connector/testing';
import { rigServer, Rigs, type Rig } from '#connectors/sip/testing';
import type { PresenceState } from '#model';
import { eventually } from '#peers';
import { startSandboxSip, type SandboxSip, type SandboxSipOptions } from '#sandbox';
import { domain, Neighbour, peerAt, trunk, type Trunk } from '../trunk.fixture.js';

type Held = Pick<Rig, 'session' | 'account'>;

async function withAlice(
  options: SandboxSipOptions,
  test: (sandbox: SandboxSip, alice: Rig, rigs: Rigs) => Promise<void>,
): Promise<void> {
  await using sandbox = await startSandboxSip(options);
  await using rigs = new Rigs();
  const contacts = [`bob@${sandbox.domain}`];
  const alice = await rigs.begin({ server: rigServer(sandbox), user: 'alice', contacts });
  await alice.until('online');
  await test(sandbox, alice, rigs);
}

function admit({ session, account }: Held, ...admissions: readonly Admission[]): void {
  if (can(session, 'admits')) session.setAdmissions(account, admissions);
}

function show({ session, account }: Held, state: PresenceState): void {
  if (can(session, 'sets-presence')) session.setPresence(account, state);
}

function contactOf(house: TestContext, address: string): InboundContact | undefined {
  return house.storage.stored.findLast(
    (event): event is InboundContact => event.type === 'contact' && event.party.address === address,
  );
}

it('is kept by a server: theirs is told to us, ours to them', async () => {
  await withAlice({ watchers: 'all' }, async (sandbox, alice) => {
    const bob = sandbox.resident('bob');
    const seen = () => alice.house.presences.get(bob.address);
    await eventually('bob is seen', () => seen()?.presence === 'available');
    bob.show('away', 'at tea');
    await eventually('bob is away', () => seen()?.presence === 'away');
    expect(seen()?.note).toBe('at tea');
    bob.show('offline');
    await eventually('bob has gone', () => seen()?.presence === 'offline');
    bob.watch(alice.address);
    await eventually('bob sees alice', () => bob.sees(alice.address)?.basic === 'open');
    show(alice, { presence: 'busy', note: 'no calls' });
    await eventually('as she is', () => bob.sees(alice.address)?.note === 'no calls');
    expect(bob.sees(alice.address)?.activities).toEqual(['busy']);
    await alice.session.close('asked');
    expect(sandbox.published('alice')).toBeUndefined();
  });
});

it('is published and asked for anew when the server has begun anew', async () => {
  await withAlice({ watchers: 'all' }, async (sandbox, alice) => {
    await eventually('it is published', () => sandbox.published('alice')?.basic === 'open');
    await sandbox.stop();
    // Over UDP nobody says that a server has gone: it is missed when it does not answer.
    await alice.until('backing-off');
    await sandbox.start();
    sandbox.resident('bob').show('busy');
    await eventually('it is published again', () => sandbox.published('alice')?.basic === 'open');
    await eventually(
      'bob is seen as he is now',
      () => alice.house.presences.get(`bob@${sandbox.domain}`)?.presence === 'busy',
    );
  });
});

it('says who asks at the server that lets in only whom it knows', async () => {
  await withAlice({ watchers: 'admitted' }, async (sandbox, alice) => {
    const bob = sandbox.resident('bob');
    bob.watch(alice.address);
    await eventually('alice is told', () => contactOf(alice.house, bob.address)?.asks);
    sandbox.admit('alice', bob.address);
    await eventually('he sees', () => contactOf(alice.house, bob.address)?.subscription === 'from');
  });
});

it('is shown by ourselves to phones that ask us, as our person lets them', async () => {
  await withAlice({ presence: 'phones' }, async (sandbox, alice) => {
    const [bob, carol] = [sandbox.resident('bob'), sandbox.resident('carol')];
    bob.watch(alice.address);
    carol.watch(alice.address);
    const asks = (address: string) => contactOf(alice.house, address)?.asks;
    await eventually('both ask', () => asks(bob.address) === true && asks(carol.address) === true);
    expect(bob.maySee(alice.address)).toBe(false);
    expect(bob.sees(alice.address)).toBeUndefined();
    admit(alice, { address: bob.address, answer: 'approve' }, { address: carol.address, answer: 'deny' });
    await eventually('bob sees alice', () => bob.sees(alice.address)?.basic === 'open');
    await eventually('both are answered', () => asks(bob.address) === false && asks(carol.address) === false);
    expect(contactOf(alice.house, bob.address)?.subscription).toBe('from');
    expect(carol.maySee(alice.address)).toBe(false);
    expect(carol.sees(alice.address)).toBeUndefined();
    await alice.session.close('asked');
    await eventually('bob sees her no more', () => bob.sees(alice.address) === undefined);
  });
});

it('passes over a trunk, both ways', async () => {
  const neighbour = await Neighbour.start((incoming) => {
    incoming.respond(200, {
      headers: { contact: `<sip:watch@127.0.0.1:${String(neighbour.port)}>`, expires: '600' },
    });
  });
  const alice: Trunk = await trunk([peerAt(neighbour)]);
  const heard = (method: string) => neighbour.heard.filter(({ request }) => request.method === method);
  const self = `sip:alice@${domain}`;

  const subscribed = await neighbour.say(alice.port, {
    method: 'SUBSCRIBE',
    headers: { event: 'presence', contact: `<sip:bob@127.0.0.1:${String(neighbour.port)}>` },
  });
  expect(subscribed.status).toBe(200);
  await eventually('bob is told that he waits', () => heard('NOTIFY').length === 1);
  expect(heard('NOTIFY')[0]?.request.headers.get('subscription-state')).toMatch(/^pending/);
  await eventually('alice is told', () => contactOf(alice.house, 'bob@example.com')?.asks);
  admit(alice, { address: 'bob@example.com', answer: 'approve' });
  await eventually('bob sees', () => heard('NOTIFY').length === 2);
  expect(heard('NOTIFY')[1]?.request.body.toString()).toContain('<basic>open</basic>');

  if (can(alice.session, 'has-contacts')) {
    alice.session.setContacts(alice.account, [{ address: 'bob@example.com', groups: [] }]);
  }
  const asked = await eventually('alice asks to see bob', () => heard('SUBSCRIBE')[0]);
  const { headers } = asked.request;
  const told = await neighbour.say(alice.port, {
    method: 'NOTIFY',
    to: /<([^>]+)>/.exec(headers.get('contact') ?? '')?.[1] ?? self,
    headers: {
      from: `<sip:bob@example.com>;tag=${asked.tag}`,
      to: headers.get('from') ?? '',
      'call-id': headers.get('call-id') ?? '',
      event: 'presence',
      'subscription-state': 'active;expires=600',
      contact: `<sip:bob@127.0.0.1:${String(neighbour.port)}>`,
    },
  });
  expect(told.status).toBe(200);
  expect(alice.house.presences.get('bob@example.com')).toMatchObject({ presence: 'unknown' });
});
