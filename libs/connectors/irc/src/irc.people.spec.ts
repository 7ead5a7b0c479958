/* Who is there, who they are, and when they are somebody else: on the sandbox, with and without what servers may offer. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  can,
  type DesiredRoom,
  type InboundDeparture,
  type InboundIdentity,
  type InboundRoom,
} from '#connector';
import type { TestContext } from '#connector/testing';
import { Rigs, type RigOptions } from '#connectors/irc/testing';
import { eventually, plainClient, type PlainClient } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function serve(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const sandbox = await startSandboxIrc(options);
  stack.push(sandbox);
  return sandbox;
}

async function begin(sandbox: SandboxIrc, options: Omit<RigOptions, 'port'> = {}) {
  const rigs = new Rigs();
  stack.push(rigs);
  const rig = rigs.begin({ port: sandbox.port, ...options, timings: { presence: 50, ...options.timings } });
  await rig.until('online');
  return { ...rig, rigs };
}

async function come(sandbox: SandboxIrc, nick: string): Promise<PlainClient> {
  const client = await plainClient({ port: sandbox.port, nick });
  stack.push(client);
  return client;
}

const presenceOf = (house: TestContext, address: string) => house.presences.get(address)?.presence;
const sees = (house: TestContext, address: string, presence: string) =>
  eventually(`${address} is ${presence}`, () => presenceOf(house, address) === presence);
const departures = (house: TestContext): readonly string[] =>
  house.storage.stored
    .filter((event): event is InboundDeparture => event.type === 'departure')
    .map(({ address }) => address);
const identities = (house: TestContext): readonly InboundIdentity[] =>
  house.storage.stored.filter((event): event is InboundIdentity => event.type === 'identity');
const heard = (house: TestContext, text: string) =>
  eventually(`"${text}" is heard`, () => house.heard().find(({ content }) => content.text === text));

const kinds: readonly (readonly [string, SandboxOptions, RegExp])[] = [
  ['MONITOR', {}, /^MONITOR \+ /],
  ['WATCH', { tokens: { MONITOR: false, WATCH: 128 } }, /^WATCH \+/],
  ['ISON', { tokens: { MONITOR: false }, withoutCommands: ['MONITOR', 'WATCH'] }, /^ISON /],
];

describe.each(kinds)('the roster by %s', (_name, options, line) => {
  it('shows who comes, is away, comes back and goes', async () => {
    const sandbox = await serve(options);
    const { house, session, account } = await begin(sandbox, { contacts: ['bob', 'carol'] });
    await (await sandbox.client('alice')).waitFor(line);
    await sees(house, 'bob', 'offline');
    const bob = await come(sandbox, 'bob');
    await sees(house, 'bob', 'available');
    bob.send('AWAY :at lunch');
    await sees(house, 'bob', 'away');
    expect(Number.isNaN(Date.parse(house.presences.get('bob')?.since ?? ''))).toBe(false);
    bob.send('AWAY');
    await sees(house, 'bob', 'available');
    expect(presenceOf(house, 'carol')).toBe('offline');
    await bob[Symbol.asyncDispose]();
    await sees(house, 'bob', 'offline');
    if (!can(session, 'has-contacts')) throw new Error('there is a roster');
    await come(sandbox, 'dave');
    session.setContacts(account, [{ address: 'dave', groups: [] }]);
    await sees(house, 'dave', 'available');
  });
});

describe('a long roster', () => {
  it('is watched as far as the server’s list goes, and asked for beyond it', async () => {
    const sandbox = await serve({ tokens: { MONITOR: 3 } });
    const contacts = Array.from({ length: 8 }, (_, at) => `friend${String(at)}`);
    const { house } = await begin(sandbox, { contacts });
    await eventually('all are known', () => contacts.every((nick) => presenceOf(house, nick) === 'offline'));
    const alice = await sandbox.client('alice');
    expect(alice.monitored).toHaveLength(3);
    await come(sandbox, 'friend7');
    await sees(house, 'friend7', 'available');
  });

  it('that the server takes less of than it said is asked for as well', async () => {
    const sandbox = await serve({ tokens: { MONITOR: 3 } });
    sandbox.setTokens({ MONITOR: 3 });
    const { house, session, account } = await begin(sandbox, { contacts: ['one', 'two'] });
    await sees(house, 'two', 'offline');
    const alice = await sandbox.client('alice');
    alice.does('MONITOR + stranger');
    if (!can(session, 'has-contacts')) throw new Error('there is a roster');
    session.setContacts(
      account,
      ['one', 'two', 'three'].map((address) => ({ address, groups: [] })),
    );
    await sees(house, 'three', 'offline');
    expect(alice.lines.some((line) => line.startsWith('ISON three'))).toBe(true);
  });

  it('goes out in lines that fit', async () => {
    const sandbox = await serve({ tokens: { MONITOR: 500 } });
    const contacts = Array.from({ length: 200 }, (_, at) => `somebody-with-a-long-nick${String(at)}`);
    const { house } = await begin(sandbox, { contacts });
    await eventually('all are known', () => contacts.every((nick) => presenceOf(house, nick) === 'offline'));
    const lines = (await sandbox.client('alice')).lines.filter((one) => one.startsWith('MONITOR'));
    expect(lines.length).toBeGreaterThan(5);
    for (const one of lines) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(510);
  });
});

describe('a contact known by services account', () => {
  it('is there under whatever nick, and follows a rename', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox, { contacts: ['account:bobby'], rooms: ['#lobby'] });
    const bob = await come(sandbox, 'bob');
    await bob.join('#lobby');
    sandbox.signIn('bob', 'bobby');
    await sees(house, 'account:bobby', 'available');
    bob.send('NICK bob_');
    await bob.waitFor(/ NICK /);
    bob.send('PRIVMSG #lobby :renamed');
    await heard(house, 'renamed');
    expect(presenceOf(house, 'account:bobby')).toBe('available');
    await bob[Symbol.asyncDispose]();
    await sees(house, 'account:bobby', 'offline');
  });
});

describe('who somebody is', () => {
  it('is told by their account: from the line, from WHOX on entering, and when it changes', async () => {
    const sandbox = await serve({ caps: ['account-notify', 'extended-join', 'message-tags', 'away-notify'] });
    const bob = await come(sandbox, 'bob');
    await bob.join('#lobby');
    sandbox.signIn('bob', 'bobby');
    const { house } = await begin(sandbox, { rooms: ['#lobby'] });
    const alice = await sandbox.client('alice');
    await alice.waitFor(/^WHO #lobby %/);
    await eventually('the answer is there', () => {
      bob.send('PRIVMSG #lobby :who am I');
      return house.heard().at(-1)?.author.stableAddress === 'account:bobby';
    });
    sandbox.signIn('bob', 'robert');
    await eventually('the change is told', () =>
      identities(house).some(({ party }) => party.stableAddress === 'account:robert'),
    );
  });

  it('is told by the name that they give themselves', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox, { rooms: ['#lobby'] });
    const bob = await come(sandbox, 'bob');
    await bob.join('#lobby');
    bob.send('PRIVMSG #lobby :hello');
    await heard(house, 'hello');
    bob.send('SETNAME :Bob of Example');
    await eventually('the name is told', () =>
      identities(house).some(({ party }) => party.name === 'Bob of Example'),
    );
    bob.send('PRIVMSG #lobby :still me');
    expect((await heard(house, 'still me')).author).toMatchObject({ address: 'bob', name: 'Bob of Example' });
  });

  it('is told in the room that somebody invites us into, with who it was', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox);
    const bob = await come(sandbox, 'bob');
    await bob.join('#den');
    bob.send('INVITE alice #den');
    const invited = await eventually('the invitation', () =>
      house.storage.stored.find(
        (event): event is InboundRoom => event.type === 'room' && event.act === 'invite',
      ),
    );
    expect(invited).toMatchObject({ conversation: '#den', detail: 'alice', by: { address: 'bob' } });
  });
});

describe('a nick that is used again', () => {
  it('is somebody else after its holder quit, in a room or watched', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox);
    const bob = await come(sandbox, 'bob');
    bob.send('PRIVMSG alice :I am bob');
    await heard(house, 'I am bob');
    await (await sandbox.client('alice')).waitFor(/^MONITOR \+ bob/);
    await bob[Symbol.asyncDispose]();
    await eventually('bob has left', () => departures(house).length === 1);
    expect(departures(house)).toEqual(['bob']);
    const another = await come(sandbox, 'bob');
    another.send('PRIVMSG alice :I am another bob');
    await heard(house, 'I am another bob');
    const order = house.storage.stored.map(({ type }) => type).filter((type) => type !== 'room');
    expect(order).toEqual(['message', 'departure', 'message']);
  });

  it('is the same after a rename that was witnessed, and somebody else after one that was not', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox, { rooms: ['#lobby'] });
    const bob = await come(sandbox, 'bob');
    await bob.join('#lobby');
    bob.send('PRIVMSG alice :I am bob');
    await heard(house, 'I am bob');
    bob.send('NICK bob_');
    await eventually('the rename is told', () =>
      identities(house).some(({ formerly }) => formerly === 'bob'),
    );
    expect(departures(house)).toEqual([]);
    const carol = await come(sandbox, 'carol');
    carol.send('PRIVMSG alice :I am carol');
    await heard(house, 'I am carol');
    carol.send('NICK carol_');
    await eventually('carol has left her nick', () => departures(house).includes('carol'));
  });

  it('is somebody else after we were away, unless they come from where they came from', async () => {
    const sandbox = await serve();
    const { house, account, session, rigs } = await begin(sandbox);
    const bob = await come(sandbox, 'bob');
    bob.send('PRIVMSG alice :I am bob');
    await heard(house, 'I am bob');
    (await sandbox.client('alice')).cut();
    await eventually('the connection is over', () => house.stateOf()?.state !== 'online');
    await eventually('it is back', () => house.stateOf()?.state === 'online');
    bob.send('PRIVMSG alice :I am still bob');
    await heard(house, 'I am still bob');
    expect(departures(house)).toEqual([]);
    await session.close('shutdown');
    await bob[Symbol.asyncDispose]();
    const mallory = await come(sandbox, 'bob');
    sandbox.changeHost('bob', 'mallory', 'elsewhere.example.org');
    const again = rigs.begin({ port: sandbox.port, house, account, timings: { presence: 50 } });
    await again.until('online');
    mallory.send('PRIVMSG alice :I am bob, believe me');
    await heard(house, 'I am bob, believe me');
    expect(departures(house)).toEqual(['bob']);
  });

  it('is somebody else after we left the only room that showed them, unless they come from where they came from', async () => {
    const sandbox = await serve();
    const { house, account, session } = await begin(sandbox, { rooms: ['#lobby'] });
    if (!can(session, 'has-rooms')) throw new Error('there are rooms');
    const rooms: readonly DesiredRoom[] = [{ address: '#lobby', options: {} }];
    const [bob, carol] = [await come(sandbox, 'bob'), await come(sandbox, 'carol')];
    for (const one of [bob, carol]) {
      await one.join('#lobby');
      one.send(`PRIVMSG #lobby :I am ${one.nick}`);
      await heard(house, `I am ${one.nick}`);
    }
    session.setRooms(account, []);
    await carol.waitFor(/^:alice!\S+ PART #lobby/);
    await bob[Symbol.asyncDispose]();
    const mallory = await come(sandbox, 'bob');
    sandbox.changeHost('bob', 'mallory', 'elsewhere.example.org');
    await mallory.join('#lobby');
    session.setRooms(account, rooms);
    await carol.waitFor(/^:alice!\S+ JOIN :?#lobby/);
    mallory.send('PRIVMSG #lobby :I am bob, believe me');
    await heard(house, 'I am bob, believe me');
    carol.send('PRIVMSG #lobby :I am still carol');
    await heard(house, 'I am still carol');
    expect(departures(house)).toEqual(['bob']);
  });

  it('is the same after a netsplit', async () => {
    const sandbox = await serve();
    const { house } = await begin(sandbox, { rooms: ['#lobby'] });
    sandbox.populate('#lobby', 3);
    const alice = await sandbox.client('alice');
    alice.say(':guest1!~guest@guest1.example.org PRIVMSG alice :psst');
    await heard(house, 'psst');
    sandbox.netsplit();
    sandbox.netjoin();
    alice.say(':guest1!~guest@guest1.example.org PRIVMSG alice :again');
    await heard(house, 'again');
    expect(departures(house)).toEqual([]);
  });
});
