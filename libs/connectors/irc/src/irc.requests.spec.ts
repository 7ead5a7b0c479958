/* What can be asked at once: on the sandbox, with labels and without, and on a script for what it never says. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { can, type InboundRoom, type JsonObject, type RequestOutcome } from '#connector';
import { Rigs } from '#connectors/irc/testing';
import { eventually, plainClient, scriptedIrc, type PlainClient, type ScriptOptions } from '#peers';
import { allCaps, startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function begin(port: number, rooms: readonly string[] = []) {
  const rigs = new Rigs();
  stack.push(rigs);
  const rig = rigs.begin({ port, rooms });
  await rig.until('online');
  for (const room of rooms) {
    await eventually(`in ${room}`, () =>
      rig.house.storage.stored.some(
        (event) => event.type === 'room' && event.conversation === room && event.joined === true,
      ),
    );
  }
  const { session } = rig;
  if (!can(session, 'takes-requests')) throw new Error('it takes requests');
  const ask = (kind: string, options: JsonObject = {}, conversation?: string): Promise<RequestOutcome> =>
    session.request(
      rig.account,
      { kind, options, ...(conversation !== undefined && { conversation }) },
      AbortSignal.timeout(10_000),
    );
  return { ...rig, ask };
}

async function sandbox(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const server = await startSandboxIrc(options);
  stack.push(server);
  return server;
}

async function come({ port }: SandboxIrc, nick: string, ...rooms: readonly string[]): Promise<PlainClient> {
  const client = await plainClient({ port, nick });
  stack.push(client);
  for (const room of rooms) await client.join(room);
  return client;
}

const done = { outcome: 'done', answer: null };
const refusedAs = (code: string) => ({ outcome: 'refused', failure: { code } });
const withoutLabels = allCaps.filter((cap) => cap !== 'labeled-response');

describe.each([
  ['answered by label', {}],
  ['answered by numeric and PING', { caps: withoutLabels }],
  ['without IRCv3', { caps: false as const }],
])('acts in a room, %s', (_name, options: SandboxOptions) => {
  it('are done, or refused with a closed code', async () => {
    const server = await sandbox(options);
    const { house, ask, session, account } = await begin(server.port, ['#den']);
    const bob = await come(server, 'bob', '#den', '#other');
    await come(server, 'carol');
    expect(await ask('role', { who: 'bob', role: 'voice' }, '#den')).toEqual(done);
    expect(server.members('#den')).toContain('+bob');
    expect(await ask('mode', { changes: '+mo bob' }, '#den')).toEqual(done);
    expect(server.members('#den')).toContain('@+bob');
    await eventually('both roles are shown', () => {
      if (!can(session, 'has-rooms')) throw new Error('it has rooms');
      const shown = session.occupants(account, '#den').find(({ address }) => address === 'bob');
      return shown?.role === 'operator' && shown.roles?.join() === 'operator,voice';
    });
    expect(await ask('topic', { topic: 'news' }, '#den')).toEqual(done);
    expect(await ask('invite', { who: 'carol' }, '#den')).toEqual(done);
    expect(await ask('invite', { who: 'bob' }, '#den')).toMatchObject(refusedAs('resource-conflict'));
    expect(await ask('invite', { who: 'nobody' }, '#den')).toMatchObject(refusedAs('not-found'));
    expect(await ask('ban', { mask: '*!*@evil.example.org' }, '#den')).toEqual(done);
    expect(await ask('bans', {}, '#den')).toMatchObject({
      outcome: 'done',
      answer: { bans: [{ mask: '*!*@evil.example.org' }] },
    });
    expect(await ask('unban', { mask: '*!*@evil.example.org' }, '#den')).toEqual(done);
    expect(await ask('bans', {}, '#den')).toEqual({ outcome: 'done', answer: { bans: [] } });
    expect(await ask('kick', { who: 'bob', reason: 'time to go' }, '#den')).toEqual(done);
    await bob.waitFor(/ KICK #den bob :time to go$/);
    expect(await ask('kick', { who: 'bob' }, '#den')).toMatchObject(refusedAs('not-found'));
    expect(await ask('kick', { who: 'bob' }, '#other')).toMatchObject(refusedAs('not-allowed'));
    expect(await ask('topic', { topic: 'x' }, '#nowhere')).toMatchObject(refusedAs('not-found'));
    await eventually('the kick is told once', () =>
      house.storage.stored.some(
        (event): event is InboundRoom => event.type === 'room' && event.act === 'kick',
      ),
    );
  });
});

describe('what is asked wrongly', () => {
  it('is refused with what is taken, and not one byte of it is sent', async () => {
    const server = await sandbox();
    const { ask } = await begin(server.port, ['#den']);
    const alice = await server.client('alice');
    const before = alice.lines.length;
    const bad = [
      '',
      ' ',
      'a b',
      ':bob',
      'a,b',
      'a\r\nQUIT',
      'a\nb',
      'a\0b',
      'x'.repeat(300),
      7,
      null,
      ['bob'],
      {},
    ];
    for (const who of bad) {
      for (const kind of ['kick', 'invite', 'role', 'whois', 'ban']) {
        const outcome = await ask(kind, { who, role: 'voice' }, '#den');
        expect({ who, kind, outcome }).toMatchObject({ outcome: refusedAs('unsupported') });
      }
    }
    for (const changes of ['', '+o :bob', '+o a\r\nQUIT', 'bob +o', '+o\tbob', 7])
      expect(await ask('mode', { changes }, '#den')).toMatchObject(refusedAs('unsupported'));
    expect(await ask('kick', { who: 'bob' })).toMatchObject(refusedAs('unsupported'));
    expect(await ask('list', { limit: 0 })).toMatchObject(refusedAs('unsupported'));
    expect(await ask('list', { minMembers: -1 })).toMatchObject(refusedAs('unsupported'));
    const wrong = await ask('kick', {}, '#den');
    expect(wrong).toMatchObject({ failure: { detail: 'IRC takes: kick {who, reason?}, in a channel.' } });
    expect(alice.lines.slice(before)).toEqual([]);
  });
});

describe('whois', () => {
  it('tells all that the server says of somebody in one answer', async () => {
    const server = await sandbox();
    const { ask } = await begin(server.port);
    const bob = await come(server, 'Bob', '#den');
    server.signIn('Bob', 'bobby');
    bob.send('AWAY :at lunch');
    await bob.waitFor(/ 306 /);
    expect(await ask('whois', { who: 'bob' })).toMatchObject({
      outcome: 'done',
      answer: {
        nick: 'Bob',
        account: 'bobby',
        away: 'at lunch',
        idleSeconds: expect.any(Number) as unknown,
        signedOnAt: expect.stringMatching(/^20/) as unknown,
        rooms: [{ address: '#den', roles: ['operator'] }],
      },
    });
    expect(await ask('whois', { who: 'nobody' })).toMatchObject(refusedAs('not-found'));
  });
});

describe('the list of rooms', () => {
  it('is searched by the server where it can, and cut to the largest', async () => {
    const server = await sandbox();
    const { ask } = await begin(server.port);
    for (const [room, count] of [
      ['#small', 2],
      ['#large', 9],
      ['#largest', 12],
    ] as const)
      server.populate(room, count, { name: room.slice(1) });
    const rooms = async (options: JsonObject) => {
      const outcome = await ask('list', options);
      if (outcome.outcome !== 'done') throw new Error(JSON.stringify(outcome));
      return (outcome.answer as { rooms: { address: string; members: number }[] }).rooms.map(
        ({ address }) => address,
      );
    };
    expect(await rooms({ minMembers: 3 })).toEqual(['#largest', '#large']);
    expect(await rooms({ search: 'LARGE', limit: 1 })).toEqual(['#largest']);
    expect(await rooms({ search: 'small' })).toEqual(['#small']);
    server.setTokens({ ELIST: false });
    await ask('whois', { who: 'alice' });
    expect(await rooms({ search: 'small', minMembers: 2 })).toEqual(['#small']);
  });

  it('of 100,000 rooms is read in a stream: small in memory, and nothing else waits', async () => {
    const options: ScriptOptions = {
      answer: (line, client) => {
        if (!line.startsWith('LIST')) return false;
        for (let at = 0; at < 100_000; at += 1_000) {
          client.send(
            ...Array.from(
              { length: 1_000 },
              (_, i) =>
                `:script 322 alice #room${String(at + i)} ${String((at + i) % 5_000)} :topic ${String(i)}`,
            ),
          );
        }
        client.send(':script 323 alice :End of /LIST');
        return true;
      },
    };
    const server = await scriptedIrc(options);
    stack.push(server);
    const { ask } = await begin(server.port);
    const outcome = await ask('list', { limit: 5 });
    expect(outcome).toMatchObject({ outcome: 'done', answer: { seen: 100_000 } });
    const { rooms } = (outcome as unknown as { answer: { rooms: { members: number }[] } }).answer;
    expect(rooms.map(({ members }) => members)).toEqual([4_999, 4_999, 4_999, 4_999, 4_999]);
  });

  it('that the server does not give now is refused with a reason, and one list is asked at a time', async () => {
    const server = await scriptedIrc({
      answer: (line, client) => {
        if (!line.startsWith('LIST')) return false;
        setTimeout(() => {
          client.send(':script 263 alice LIST :Server load is temporarily too heavy');
        }, 50);
        return true;
      },
    });
    stack.push(server);
    const { ask } = await begin(server.port);
    const [first, second] = await Promise.all([ask('list'), ask('list')]);
    expect(first).toMatchObject(refusedAs('rate-limited'));
    expect(second).toMatchObject(refusedAs('resource-conflict'));
  });
});
