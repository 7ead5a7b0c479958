/*
 * Through a bouncer: ZNC, which stays on InspIRCd in our place, shows what our other clients say and plays back what we
 * missed. Watched by plain clients on both sides.
 */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope, type Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId } from '#model';
import {
  describeWithPeers,
  eventually,
  inspircdPeers,
  plainClient,
  startInspircd,
  startZnc,
  znc,
  type Inspircd,
  type Znc,
} from '#peers';
import { createIrc } from './index.js';

// Longer than any deadline of `eventually`, so that what was not seen is said by name.
const users = ['alice', 'amy', 'ann', 'ava'] as const;
const never = new AbortController().signal;

describeWithPeers('IRC through ZNC', [...inspircdPeers, znc], () => {
  let server: Inspircd;
  let bouncer: Znc;
  const opened: Session[] = [];

  beforeAll(async () => {
    server = await startInspircd();
    bouncer = await startZnc({ upstream: { port: server.ports.plain }, users });
    // It takes its users to the network one a second.
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await eventually(
      'the bouncer is on the network for all its users',
      () => {
        bob.send(`ISON ${users.join(' ')}`);
        return bob.lines.some((line) => users.every((user) => line.includes(user)));
      },
      20_000,
    );
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((session) => session.close('asked')));
  });
  afterAll(async () => {
    await bouncer[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  function begin(
    nick: (typeof users)[number],
    rooms: readonly string[],
    more: { house?: TestContext; account?: AccountId; serverPassword?: string } = {},
  ) {
    const { account = newId<'AccountId'>(), serverPassword = bouncer.pass(nick) } = more;
    const house = more.house ?? new TestContext({ secrets: { serverPassword } });
    const settings = {
      host: bouncer.host,
      port: bouncer.port,
      tls: false,
      nick,
      burst: 1_000,
      linesPerSecond: 1_000,
    };
    const session = createIrc({ timings: { firstRetry: 100, longestRetry: 1_000 } }).open(
      { id: newId<'LinkId'>(), settings },
      house,
    );
    opened.push(session);
    session.attach({
      id: account,
      desired: {
        rooms: rooms.map((address) => ({ address, options: {} })),
        contacts: [],
        presence: { presence: 'available' },
      },
    });
    session.connect();
    return { house, session, account };
  }

  async function inRoom(house: TestContext, room: string, times = 1): Promise<void> {
    await eventually(`in ${room}`, () => {
      const told = house.storage.stored.filter(
        (event) => event.type === 'room' && event.conversation === room && event.joined === true,
      );
      return told.length >= times;
    });
  }

  const envelope = (account: AccountId, to: string, text: string): OutboundEnvelope => ({
    id: newId(),
    account,
    kind: 'message',
    to,
    conversationKind: to.startsWith('#') ? 'room' : 'direct',
    content: { text },
    attempt: 1,
  });
  const told = (house: TestContext): readonly string[] =>
    house
      .messages()
      .map(({ origin, mode, conversation, content }) => `${origin} ${mode} ${conversation}: ${content.text}`);

  it('comes in by the server password and talks both ways', async () => {
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await bob.join('#lobby');
    const { house, session, account } = begin('alice', ['#lobby']);
    await inRoom(house, '#lobby');
    const sent = [envelope(account, '#lobby', 'hello all'), envelope(account, 'bob', 'hello bob')];
    for (const one of sent)
      expect(await session.send(one, never)).toMatchObject({
        outcome: expect.stringMatching(/sent|pending/) as unknown,
      });
    await bob.waitFor(/^:alice!\S+ PRIVMSG #lobby :hello all$/);
    await bob.waitFor(/^:alice!\S+ PRIVMSG bob :hello bob$/);
    await eventually(
      'both are completed, by echo or by the answer to a later ping',
      () =>
        house.receipts().filter(({ state }) => state === 'sent').length +
          house.messages().filter(({ origin }) => origin === 'own').length ===
        2,
    );
    bob.say('#lobby', 'hello in the room');
    bob.say('alice', 'hello alice');
    await eventually('both arrive', () => house.heard().length === 2);
    expect(house.breaches).toEqual([]);
  });

  it('tells what our other clients say as said from another device, and never as somebody else’s', async () => {
    const { house } = begin('amy', ['#devices']);
    await inRoom(house, '#devices');
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob2' });
    await bob.join('#devices');
    await using phone = await plainClient({ port: bouncer.port, nick: 'amy', password: bouncer.pass('amy') });
    phone.say('#devices', 'from my phone');
    phone.say('bob2', 'from my phone to you');
    await bob.waitFor(/PRIVMSG bob2 :from my phone to you$/);
    await eventually('both are told', () => house.messages().length === 2);
    expect(told(house)).toEqual([
      'other-device live #devices: from my phone',
      'other-device live bob2: from my phone to you',
    ]);
  });

  it('catches up with what was said meanwhile, once, at the time it was said, without the bouncer’s own words', async () => {
    const first = begin('ann', ['#missed']);
    await inRoom(first.house, '#missed');
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob3' });
    await bob.join('#missed');
    bob.say('#missed', 'while you are here');
    await eventually('it is heard', () => first.house.heard().length === 1);
    await first.session.close('asked');
    const before = Date.now();
    bob.say('#missed', 'while you are away');
    bob.say('ann', 'to you, too');
    await using reader = await plainClient({ port: server.ports.plain, nick: 'reader' });
    await reader.join('#missed');
    bob.say('#missed', 'one more');
    await reader.waitFor(/one more/);
    const house = new TestContext({ secrets: { serverPassword: bouncer.pass('ann') } });
    const second = begin('ann', ['#missed'], { house, account: first.account });
    await inRoom(house, '#missed');
    await eventually('all three are caught up with', () => house.messages().length >= 3);
    bob.say('#missed', 'back again');
    await eventually('it goes on live', () => told(house).some((one) => one.endsWith('back again')));
    expect(house.messages().map(({ content, origin }) => `${origin}: ${content.text}`)).toEqual([
      'remote: while you are away',
      'remote: one more',
      'remote: to you, too',
      'remote: back again',
    ]);
    expect(house.messages().map(({ mode }) => mode === 'live')).toEqual([false, false, false, true]);
    for (const { at } of house.messages()) {
      expect(at.getTime()).toBeGreaterThanOrEqual(before - 1_000);
      expect(at.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
    }
    await second.session.close('asked');
  });

  it('waits for a person when the bouncer does not take the password', async () => {
    const { house } = begin('ava', [], { serverPassword: 'ava/test:wrong' });
    const state = await eventually('it waits', () => {
      const now = house.stateOf();
      return now?.state === 'needs-person' ? now : undefined;
    });
    expect(state).toMatchObject({ code: 'auth-failed' });
  });

  it('says that a message was lost while the bouncer is off the network, and goes on when it is back', async () => {
    const { house, session, account } = begin('ava', ['#again']);
    await inRoom(house, '#again');
    await server.stop();
    await eventually('the bouncer says that it is off the network', () =>
      house.heard().some(({ conversation }) => conversation === '*status'),
    );
    const lost = [envelope(account, '#again', 'into the void'), envelope(account, 'bob4', 'and again')];
    for (const one of lost) expect(await session.send(one, never)).toMatchObject({ outcome: 'pending' });
    await eventually('both are lost', () => house.receipts().length === 2);
    expect(house.receipts()).toMatchObject(
      lost.map(({ id }) => ({
        state: 'failed',
        about: { wireId: wireIdOf(id, 0) },
        failure: { code: 'network-unreachable', remedy: 'retry' },
      })),
    );
    await server.start();
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob4' });
    await bob.join('#again');
    await bob.waitFor(/^:ava!\S+ JOIN |^:\S+ 353 .*\bava\b/, { deadlineMs: 20_000 });
    expect(await session.send(envelope(account, '#again', 'are you there?'), never)).toMatchObject({
      outcome: 'pending',
    });
    await bob.waitFor(/^:ava!\S+ PRIVMSG #again :are you there\?$/);
    bob.say('#again', 'here I am');
    await eventually('the answer is heard', () =>
      house.heard().some(({ content }) => content.text === 'here I am'),
    );
  });
});
