/*
 * What is asked of rooms and people, and who is seen to be there, on servers that are used: InspIRCd and IRCD-Hybrid. What
 * the others see is read off plain clients.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { can, type InboundRoom, type JsonObject, type RequestOutcome } from '#connector';
import type { TestContext } from '#connector/testing';
import { Rigs } from '#connectors/irc/testing';
import {
  anope,
  describeWithPeers,
  eventually,
  inspircdPeers,
  ircdHybrid,
  plainClient,
  startAnope,
  startInspircd,
  startIrcdHybrid,
  type PlainClient,
} from '#peers';

const secret = randomBytes(12).toString('hex');

/** What InspIRCd has beyond its usual self: more ranks, knocking, rooms that send on, people who are put into rooms. */
const furnished = `
${['customprefix', 'knock', 'redirect', 'sajoin', 'sapart'].map((name) => `<module name="${name}">`).join('\n')}
<customprefix name="founder" letter="q" prefix="~" rank="50000" ranktoset="50000">
<customprefix name="halfop" letter="h" prefix="%" rank="20000" ranktoset="30000">
<class name="all" commands="*" privs="*" usermodes="*" chanmodes="*">
<type name="root" classes="all">
<oper name="root" password="${secret}" host="*@*" type="root">
`;

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const told = (house: TestContext): readonly InboundRoom[] =>
  house.storage.stored.filter((event) => event.type === 'room');
const roomTold = (house: TestContext, sentence: string, fits: (event: InboundRoom) => boolean) =>
  eventually(sentence, () => told(house).find((event) => fits(event)));
const isIn = (house: TestContext, room: string, joined = true) =>
  roomTold(
    house,
    `${joined ? 'in' : 'out of'} ${room}`,
    (event) => event.conversation === room && event.joined === joined && event.failure === undefined,
  );
const sees = (house: TestContext, address: string, presence: string, note?: string) =>
  eventually(`${address} is ${presence}`, () => {
    const shown = house.presences.get(address);
    return shown?.presence === presence && (note === undefined || shown.note === note);
  });

async function begin(port: number, rooms: readonly string[] = [], contacts: readonly string[] = []) {
  const rigs = new Rigs();
  stack.push(rigs);
  const rig = rigs.begin({ port, rooms, contacts, timings: { presence: 100 } });
  const { session, account, house } = rig;
  await rig.until('online');
  for (const room of rooms) await isIn(house, room);
  if (!can(session, 'takes-requests') || !can(session, 'has-rooms')) throw new Error('it has rooms');
  const ask = (kind: string, options: JsonObject = {}, conversation?: string): Promise<RequestOutcome> =>
    session.request(
      account,
      { kind, options, ...(conversation !== undefined && { conversation }) },
      AbortSignal.timeout(10_000),
    );
  const wish = (...wanted: readonly { readonly address: string; readonly options: JsonObject }[]): void => {
    session.setRooms(account, wanted);
  };
  const rolesOf = (room: string, address: string) => {
    const one = session.occupants(account, room).find((occupant) => occupant.address === address);
    return one && (one.roles ?? (one.role === undefined ? [] : [one.role]));
  };
  return { ...rig, ask, wish, rolesOf };
}

async function come(port: number, nick: string, ...rooms: readonly string[]): Promise<PlainClient> {
  const client = await plainClient({ port, nick });
  stack.push(client);
  for (const room of rooms) await client.join(room);
  return client;
}

/** All at once: InspIRCd welcomes those who wait for it once a second. */
const together = <T extends readonly Promise<unknown>[]>(
  ...comings: T
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => Promise.all(comings);

const done = { outcome: 'done', answer: null };
const refusedAs = (code: string) => ({ outcome: 'refused', failure: { code } });

const servers = [
  {
    name: 'InspIRCd',
    peers: inspircdPeers,
    start: async () => {
      const server = await startInspircd({ hurried: true, extra: furnished });
      return { server, port: server.ports.plain };
    },
  },
  {
    name: 'IRCD-Hybrid',
    peers: [ircdHybrid],
    start: async () => {
      const server = await startIrcdHybrid();
      return { server, port: server.port };
    },
  },
];

for (const { name, peers, start } of servers) {
  describeWithPeers(`rooms and people on ${name}`, peers, () => {
    let server: AsyncDisposable;
    let port: number;
    beforeAll(async () => {
      ({ server, port } = await start());
    });
    afterAll(async () => {
      await server[Symbol.asyncDispose]();
    });

    it('somebody is kicked, and nobody where we have no right to', async () => {
      const [{ ask, house, wish }, bob] = await together(begin(port, ['#den']), come(port, 'bob', '#bobs'));
      wish(...['#den', '#bobs'].map((address) => ({ address, options: {} })));
      await isIn(house, '#bobs');
      await bob.join('#den');
      expect(await ask('kick', { who: 'bob', reason: 'time to go' }, '#den')).toEqual(done);
      await bob.waitFor(/^:alice!\S+ KICK #den bob :time to go$/);
      expect(await roomTold(house, 'the kick', ({ act }) => act === 'kick')).toMatchObject({
        conversation: '#den',
        detail: 'bob: time to go',
        by: { address: 'alice' },
      });
      expect(await ask('kick', { who: 'bob' }, '#den')).toMatchObject(refusedAs('not-found'));
      expect(await ask('kick', { who: 'nobody' }, '#den')).toMatchObject(refusedAs('not-found'));
      expect(await ask('kick', { who: 'bob' }, '#bobs')).toMatchObject(refusedAs('not-allowed'));
      expect(await ask('kick', { who: 'bob' }, '#nowhere')).toMatchObject(refusedAs('not-found'));
      expect(bob.lines.some((line) => line.includes(' KICK #bobs '))).toBe(false);
    });

    it('a ban keeps somebody out until it is taken back', async () => {
      const [{ ask, house }, bob] = await together(begin(port, ['#den']), come(port, 'bob'));
      expect(await ask('ban', { mask: 'bob!*@*' }, '#den')).toEqual(done);
      expect(await roomTold(house, 'the ban', ({ act }) => act === 'ban')).toMatchObject({
        conversation: '#den',
        detail: '+b bob!*@*',
        by: { address: 'alice' },
      });
      bob.send('JOIN #den');
      await bob.waitFor(/ 474 bob #den /);
      expect(await ask('bans', {}, '#den')).toMatchObject({
        outcome: 'done',
        answer: {
          bans: [
            {
              mask: 'bob!*@*',
              by: expect.stringMatching(/^alice/) as unknown,
              at: expect.stringMatching(/^20/) as unknown,
            },
          ],
        },
      });
      expect(await ask('unban', { mask: 'bob!*@*' }, '#den')).toEqual(done);
      expect(await ask('bans', {}, '#den')).toEqual({ outcome: 'done', answer: { bans: [] } });
      await bob.join('#den');
      expect(await ask('ban', { who: 'bob', kick: true, reason: 'out' }, '#den')).toEqual(done);
      await bob.waitFor(/ KICK #den bob :out$/);
      const after = bob.lines.length;
      bob.send('JOIN #den');
      await bob.waitFor(/ 474 bob #den /, { after });
    });

    it('invitations go out and come in, and open a room that is closed', async () => {
      const [{ ask, house, wish }, bob] = await together(begin(port, ['#den']), come(port, 'bob', '#closed'));
      bob.send('MODE #closed +i');
      await bob.waitFor(/ MODE #closed :?\+i$/);
      expect(await ask('invite', { who: 'bob' }, '#den')).toEqual(done);
      await bob.waitFor(/^:alice!\S+ INVITE bob :?#den/);
      expect(await ask('invite', { who: 'nobody' }, '#den')).toMatchObject(refusedAs('not-found'));
      const closed = { address: '#closed', options: {} };
      wish({ address: '#den', options: {} }, closed);
      const failed = await roomTold(house, 'the refusal', ({ failure }) => failure !== undefined);
      expect(failed).toMatchObject({
        conversation: '#closed',
        joined: false,
        failure: { code: 'not-allowed' },
      });
      bob.send('INVITE alice #closed');
      expect(await roomTold(house, 'the invitation', ({ act }) => act === 'invite')).toMatchObject({
        conversation: '#closed',
        detail: 'alice',
        by: { address: 'bob' },
      });
      wish(closed);
      await isIn(house, '#closed');
      await isIn(house, '#den', false);
    });

    it('a knock is heard inside, and refused where the door is open', async () => {
      const [{ ask }, bob] = await together(begin(port), come(port, 'bob', '#closed', '#quiet', '#open'));
      bob.send('MODE #closed +i');
      bob.send('MODE #quiet +i');
      await bob.waitFor(/ MODE #quiet :?\+i$/);
      expect(await ask('knock', { message: 'it is me' }, '#closed')).toEqual(done);
      await bob.waitFor(/#closed .*(?:KNOCKing|knock|asked for an invite)/i);
      expect(await ask('knock', {}, '#quiet')).toEqual(done);
      await bob.waitFor(/#quiet .*(?:KNOCKing|knock|asked for an invite)/i);
      expect(await ask('knock', { message: 'hello' }, '#open')).toMatchObject(refusedAs('resource-conflict'));
      expect(await ask('knock', { message: 'hello' }, '#nowhere')).toMatchObject(refusedAs('not-found'));
    });

    it('modes and roles change, and people are shown with all the roles that they have', async () => {
      const [{ ask, house, rolesOf }, bob, carol] = await together(
        begin(port, ['#den']),
        come(port, 'bob'),
        come(port, 'carol'),
      );
      await bob.join('#den');
      await carol.join('#den');
      await eventually('bob is there', () => rolesOf('#den', 'bob')?.length === 0);
      expect(rolesOf('#den', 'alice')).toEqual(['operator']);
      expect(await ask('role', { who: 'bob', role: 'voice' }, '#den')).toEqual(done);
      await bob.waitFor(/^:alice!\S+ MODE #den \+v :?bob$/);
      expect(await ask('role', { who: 'bob', role: 'operator' }, '#den')).toEqual(done);
      await eventually('both are shown', () => rolesOf('#den', 'bob')?.join() === 'operator,voice');
      expect(await ask('mode', { changes: '+mv carol' }, '#den')).toEqual(done);
      await carol.waitFor(/ MODE #den \+mv :?carol$/);
      await eventually('carol has a voice', () => rolesOf('#den', 'carol')?.join() === 'voice');
      expect(
        await roomTold(house, 'the modes', ({ act, detail }) => act === 'mode' && detail === '+mv carol'),
      ).toMatchObject({ conversation: '#den', by: { address: 'alice' } });
      expect(await ask('role', { who: 'bob', role: 'operator', remove: true }, '#den')).toEqual(done);
      await eventually('the voice is left', () => rolesOf('#den', 'bob')?.join() === 'voice');
      bob.send('MODE #den +o carol');
      await bob.waitFor(/ 482 bob #den /);
      expect(await ask('role', { who: 'nobody', role: 'voice' }, '#den')).toMatchObject(
        refusedAs('not-found'),
      );
      expect(await ask('mode', { changes: '+y' }, '#den')).toMatchObject(refusedAs('unsupported'));
    });

    it('people are seen with the roles that they had before we came', async () => {
      const [{ rolesOf, ask, wish }, bob] = await together(begin(port), come(port, 'bob', '#early'));
      bob.send('MODE #early +v bob');
      await bob.waitFor(/ MODE #early \+v :?bob$/);
      wish({ address: '#early', options: {} });
      await eventually('both are shown', () => rolesOf('#early', 'bob')?.join() === 'operator,voice');
      expect(await ask('role', { who: 'alice', role: 'operator' }, '#early')).toMatchObject(
        refusedAs('not-allowed'),
      );
    });

    it('the rooms are listed as they are searched', async () => {
      const [{ ask }] = await together(
        begin(port),
        come(port, 'bob', '#lounge', '#large-lounge', '#elsewhere'),
        come(port, 'carol', '#large-lounge', '#elsewhere'),
      );
      const rooms = async (options: JsonObject) => {
        const outcome = await ask('list', options);
        if (outcome.outcome !== 'done') throw new Error(JSON.stringify(outcome));
        return (outcome.answer as { rooms: { address: string; members: number }[] }).rooms.map(
          ({ address, members }) => [address, members],
        );
      };
      expect(await rooms({ search: 'LOUNGE' })).toEqual([
        ['#large-lounge', 2],
        ['#lounge', 1],
      ]);
      expect(await rooms({ search: 'lounge', minMembers: 2 })).toEqual([['#large-lounge', 2]]);
      expect(await rooms({ minMembers: 2 })).toEqual([
        ['#elsewhere', 2],
        ['#large-lounge', 2],
      ]);
      expect(await rooms({ limit: 1 })).toHaveLength(1);
      expect(await rooms({ search: 'nothing-like-that' })).toEqual([]);
    });

    it('somebody is described', async () => {
      const [{ ask }, bob] = await together(begin(port), come(port, 'Bob', '#lounge'));
      bob.send('AWAY :at lunch');
      await bob.waitFor(/ 306 /);
      expect(await ask('whois', { who: 'bob' })).toMatchObject({
        outcome: 'done',
        answer: {
          nick: 'Bob',
          realName: 'Bob',
          away: 'at lunch',
          idleSeconds: expect.any(Number) as unknown,
          signedOnAt: expect.stringMatching(/^20/) as unknown,
          rooms: [{ address: '#lounge', roles: ['operator'] }],
        },
      });
      expect(await ask('whois', { who: 'nobody' })).toMatchObject(refusedAs('not-found'));
    });

    it('a room with a key is entered with it, and not without', async () => {
      const [{ house, wish }, bob] = await together(begin(port), come(port, 'bob', '#keyed'));
      bob.send('MODE #keyed +k sesame');
      await bob.waitFor(/ MODE #keyed \+k /);
      wish({ address: '#keyed', options: {} });
      const failed = await roomTold(house, 'the refusal', ({ failure }) => failure !== undefined);
      expect(failed).toMatchObject({
        conversation: '#keyed',
        joined: false,
        failure: { code: 'auth-failed' },
      });
      wish({ address: '#keyed', options: { key: 'sesame' } });
      await isIn(house, '#keyed');
    });

    it('contacts are watched by MONITOR as they come, are away, come back and go', async () => {
      const { house } = await begin(port, ['#lounge'], ['bob', 'carol']);
      await sees(house, 'bob', 'offline');
      const bob = await come(port, 'bob');
      await sees(house, 'bob', 'available');
      bob.send('AWAY :at lunch');
      await sees(house, 'bob', 'away');
      bob.send('AWAY');
      await sees(house, 'bob', 'available');
      await bob.join('#lounge');
      await eventually('bob is in the room', () => house.rooms.get('#lounge')?.has('bob') === true);
      bob.send('AWAY :at tea');
      await sees(house, 'bob', 'away', 'at tea');
      expect(house.presences.get('carol')?.presence).toBe('offline');
      bob.send('NICK bobby');
      await sees(house, 'bob', 'offline');
      bob.send('NICK bob');
      await sees(house, 'bob', 'away');
      await bob[Symbol.asyncDispose]();
      await sees(house, 'bob', 'offline');
    });
  });
}

describeWithPeers('rooms and people on InspIRCd with services', [...inspircdPeers, anope], () => {
  let port: number;
  const up: AsyncDisposable[] = [];
  beforeAll(async () => {
    const server = await startInspircd({ hurried: true, extra: furnished });
    up.push(server);
    up.push(await startAnope(server, [{ nick: 'bobby', password: secret }]));
    port = server.ports.plain;
  });
  afterAll(async () => {
    for (const one of up.reverse()) await one[Symbol.asyncDispose]();
  });

  it('somebody’s account is part of who they are', async () => {
    const [{ ask }, bob] = await together(begin(port), come(port, 'bob'));
    bob.say('NickServ', `IDENTIFY bobby ${secret}`);
    await bob.waitFor(/ 900 /);
    expect(await ask('whois', { who: 'bob' })).toMatchObject({ answer: { nick: 'bob', account: 'bobby' } });
  });

  it('every rank is a role: founder, half-operator', async () => {
    const [{ ask, rolesOf }, bob] = await together(begin(port, ['#ranks']), come(port, 'bob'));
    await bob.join('#ranks');
    expect(await ask('role', { who: 'bob', role: 'half-operator' }, '#ranks')).toEqual(done);
    expect(await ask('role', { who: 'bob', role: 'voice' }, '#ranks')).toEqual(done);
    await eventually('both are shown', () => rolesOf('#ranks', 'bob')?.join() === 'half-operator,voice');
    expect(await ask('role', { who: 'bob', role: 'owner' }, '#ranks')).toMatchObject(
      refusedAs('not-allowed'),
    );
    expect(await ask('role', { who: 'bob', role: 'admin' }, '#ranks')).toMatchObject(
      refusedAs('unsupported'),
    );
  });

  it('we are told of invitations to others, and of being put into rooms and out of them', async () => {
    const [{ house, ask }, root] = await together(
      begin(port, ['#den']),
      come(port, 'root'),
      come(port, 'carol'),
    );
    await root.join('#den');
    expect(await ask('role', { who: 'root', role: 'operator' }, '#den')).toEqual(done);
    root.send('INVITE carol #den');
    expect(await roomTold(house, 'the invitation', ({ act }) => act === 'invite')).toMatchObject({
      conversation: '#den',
      detail: 'carol',
      by: { address: 'root' },
    });
    root.send(`OPER root ${secret}`);
    await root.waitFor(/ 381 /);
    root.send('SAJOIN alice #forced');
    await isIn(house, '#forced');
    root.send('SAPART alice #forced :enough');
    await isIn(house, '#forced', false);
  });

  it('a room that takes no knocks refuses them', async () => {
    const [{ ask }, bob] = await together(begin(port), come(port, 'bob', '#deaf'));
    bob.send('MODE #deaf +iK');
    await bob.waitFor(/ MODE #deaf :?\+iK$/);
    expect(await ask('knock', { message: 'hello' }, '#deaf')).toMatchObject(refusedAs('not-allowed'));
  });

  it('a full room sends us on, which is told of both rooms', async () => {
    const [{ house, wish }, bob] = await together(begin(port), come(port, 'bob', '#full', '#overflow'));
    bob.send('MODE #full +lL 1 #overflow');
    await bob.waitFor(/ MODE #full \+lL 1 :?#overflow$/);
    wish({ address: '#full', options: {} });
    await isIn(house, '#overflow');
    expect(await roomTold(house, 'the refusal', ({ failure }) => failure !== undefined)).toMatchObject({
      conversation: '#full',
      joined: false,
      failure: { code: 'not-allowed' },
    });
  });
});

describeWithPeers('contacts on InspIRCd of the old kind', inspircdPeers, () => {
  describe.each([
    ['WATCH', '<module name="watch">', / WATCH=\d+ /],
    ['ISON', '', / 005 /],
  ])('watched by %s', (_name, extra, token) => {
    it('come, are away and go', async () => {
      const server = await startInspircd({ hurried: true, plainest: true, extra });
      stack.push(server);
      const port = server.ports.plain;
      const carol = await come(port, 'carol');
      await carol.waitFor(token);
      const { house } = await begin(port, [], ['bob']);
      await sees(house, 'bob', 'offline');
      const bob = await come(port, 'bob');
      await sees(house, 'bob', 'available');
      bob.send('AWAY :at lunch');
      await sees(house, 'bob', 'away');
      bob.send('AWAY');
      await sees(house, 'bob', 'available');
      await bob[Symbol.asyncDispose]();
      await sees(house, 'bob', 'offline');
    });
  });
});
