/* The whole way against InspIRCd with Anope, watched by a plain client that shares no code with the connector. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import {
  can,
  type InboundMessage,
  type InboundRoom,
  type JsonObject,
  type OutboundEnvelope,
  type Session,
  type SessionContext,
} from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId, type ConversationKind, type LinkId, type MessageContent } from '#model';
import {
  anope,
  describeWithPeers,
  eventually,
  inspircdPeers,
  makeAuthority,
  plainClient,
  scratchDirectory,
  startAnope,
  startInspircd,
  type Inspircd,
} from '#peers';
import { createIrc, type IrcTimings } from './index.js';

const minute = 60_000;
// Longer than any deadline of `eventually`, so that what was not seen is said by name.
const brisk: Partial<IrcTimings> = { firstRetry: 200, longestRetry: 1_000, reclaim: 500, occupancy: 20 };

describeWithPeers('IRC on InspIRCd', [...inspircdPeers, anope], () => {
  let server: Inspircd;
  const peers: AsyncDisposable[] = [];
  const password = randomBytes(12).toString('hex');
  const opened: Session[] = [];

  beforeAll(async () => {
    server = await startInspircd({ hurried: true });
    peers.push(server);
    peers.push(await startAnope(server, [{ nick: 'alice', password }]));
  }, minute);
  afterAll(async () => {
    for (const peer of peers.splice(0).reverse()) await peer[Symbol.asyncDispose]();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((session) => session.close('asked')));
  });

  /** A session with a house of its own, connecting. */
  function begin(
    settings: JsonObject,
    options: {
      readonly rooms?: readonly string[];
      readonly secrets?: Record<string, string>;
      readonly timings?: Partial<IrcTimings>;
    } = {},
  ) {
    const house = new TestContext({ secrets: options.secrets ?? {} });
    const turn: SessionContext['turn'] = () => Promise.resolve({ turn: 'go', addresses: ['127.0.0.1'] });
    const context: SessionContext = Object.assign(house, { turn });
    const account = newId<'AccountId'>();
    const connector = createIrc({ timings: { ...brisk, ...options.timings } });
    const usual = {
      host: '127.0.0.1',
      port: server.ports.plain,
      tls: false,
      burst: 1_000,
      linesPerSecond: 1_000,
    };
    const session = connector.open(
      { id: newId<'LinkId'>() satisfies LinkId, settings: { ...usual, ...settings } },
      context,
    );
    opened.push(session);
    const rooms = (options.rooms ?? []).map((address) => ({ address, options: {} }));
    session.attach({ id: account, desired: { rooms, contacts: [], presence: { presence: 'available' } } });
    session.connect();
    return { house, session, account };
  }

  const online = async (house: TestContext, nick: string): Promise<void> => {
    await eventually(`${nick} is online`, () => {
      const state = house.stateOf();
      if (state?.state === 'needs-person') throw new Error(JSON.stringify(state));
      return state?.state === 'online' && state.localAddress === nick;
    });
  };
  const inRoom = async (house: TestContext, address: string): Promise<void> => {
    await eventually(`in ${address}`, () =>
      house.storage.stored.some(
        (event) => event.type === 'room' && event.conversation === address && event.joined === true,
      ),
    );
  };
  const rooms = (house: TestContext): readonly InboundRoom[] =>
    house.storage.stored.filter((event) => event.type === 'room');
  const said = async (
    house: TestContext,
    fits: (message: InboundMessage) => boolean,
  ): Promise<InboundMessage> => eventually('the message arrives', () => house.messages().find(fits));
  const envelope = (
    account: AccountId,
    to: string,
    content: MessageContent,
    kind: ConversationKind = to.startsWith('#') ? 'room' : 'direct',
  ): OutboundEnvelope => ({
    id: newId(),
    account,
    kind: 'message',
    to,
    conversationKind: kind,
    content,
    attempt: 1,
  });
  const never = new AbortController().signal;

  it('signs in over TLS by SASL, trusts the given authority only, and talks both ways', async () => {
    const settings = {
      port: server.ports.tls,
      tls: true,
      caCertificate: server.authority.pem,
      nick: 'alice',
      saslAccount: 'alice',
    };
    const { house, session, account } = begin(settings, { rooms: ['#lobby'], secrets: { password } });
    await online(house, 'alice');
    await inRoom(house, '#lobby');
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await bob.join('#lobby');
    bob.send('WHOIS alice');
    expect(await bob.waitFor(/ 330 /)).toContain('alice alice :is logged in as');
    expect(await session.send(envelope(account, '#lobby', { text: 'grüß dich 👋' }), never)).toEqual({
      outcome: 'pending',
      parts: 1,
    });
    await bob.waitFor(/^:alice!\S+ PRIVMSG #lobby :grüß dich 👋$/);
    bob.say('#lobby', 'hello in the room');
    bob.say('alice', 'hello in private');
    const inTheRoom = await said(house, ({ content }) => content.text === 'hello in the room');
    expect(inTheRoom).toMatchObject({
      conversation: '#lobby',
      conversationKind: 'room',
      author: { address: 'bob', kind: 'transient' },
      origin: 'remote',
      mode: 'live',
      remoteId: { scope: 'msgid', by: 'network' },
    });
    expect(await said(house, ({ content }) => content.text === 'hello in private')).toMatchObject({
      conversation: 'bob',
      conversationKind: 'direct',
    });
    expect(house.breaches).toEqual([]);
  });

  it('tells who signed in to services by their stable address', async () => {
    const { house } = begin({ nick: 'carol' }, { rooms: ['#vouched'] });
    await online(house, 'carol');
    await inRoom(house, '#vouched');
    const alice = begin(
      { nick: 'alice', saslAccount: 'alice' },
      { rooms: ['#vouched'], secrets: { password } },
    );
    await online(alice.house, 'alice');
    await inRoom(alice.house, '#vouched');
    await alice.session.send(envelope(alice.account, '#vouched', { text: 'it is me' }), never);
    const heard = await said(house, ({ content }) => content.text === 'it is me');
    expect(heard.author).toMatchObject({ address: 'alice', stableAddress: 'account:alice' });
  });

  it('completes a message by its labelled echo, with the id that the network gave it', async () => {
    const { house, session, account } = begin({ nick: 'dave' }, { rooms: ['#echo'] });
    await online(house, 'dave');
    await inRoom(house, '#echo');
    const sent = envelope(account, '#echo', { text: 'first\nsecond' });
    expect(await session.send(sent, never)).toEqual({ outcome: 'pending', parts: 2 });
    const echoes = await eventually('two echoes', () => {
      const own = house.messages().filter(({ origin }) => origin === 'own');
      return own.length === 2 ? own : undefined;
    });
    expect(echoes.map(({ content, wireId }) => [content.text, wireId])).toEqual([
      ['first', `${sent.id.replaceAll('-', '')}-0`],
      ['second', `${sent.id.replaceAll('-', '')}-1`],
    ]);
    expect(new Set(echoes.map(({ remoteId }) => remoteId?.id)).size).toBe(2);
    expect(house.receipts()).toEqual([]);
  });

  it('says why a message was refused: nobody there, and not welcome there', async () => {
    await using op = await plainClient({ port: server.ports.plain, nick: 'warden' });
    await op.join('#hush');
    op.send('MODE #hush +m');
    const { house, session, account } = begin({ nick: 'erin' }, { rooms: ['#hush'] });
    await online(house, 'erin');
    await inRoom(house, '#hush');
    const refusals = [
      envelope(account, 'nobody-here', { text: 'hello?' }),
      envelope(account, '#hush', { text: 'psst' }),
    ];
    for (const one of refusals)
      expect(await session.send(one, never)).toEqual({ outcome: 'pending', parts: 1 });
    const receipts = await eventually('two receipts', () =>
      house.receipts().length === 2 ? house.receipts() : undefined,
    );
    expect(receipts.map(({ state, failure }) => [state, failure?.code])).toEqual([
      ['failed', 'not-found'],
      ['failed', 'not-allowed'],
    ]);
  });

  it('tries a wrong password once, registers nobody, and waits for the person', async () => {
    await using lookout = await plainClient({ port: server.ports.plain, nick: 'lookout' });
    const { house } = begin({ nick: 'mallory', saslAccount: 'alice' }, { secrets: { password: 'wrong' } });
    const state = await eventually('it needs the person', () =>
      house.stateOf()?.state === 'needs-person' ? house.stateOf() : undefined,
    );
    expect(state).toMatchObject({ code: 'auth-failed', remedy: 'ask-person' });
    lookout.send('WHOIS mallory');
    await lookout.waitFor(/ 401 .*mallory/);
    expect(house.states.filter((told) => told.state.state === 'connecting')).toHaveLength(1);
    expect(JSON.stringify(house.logged)).not.toContain('wrong');
  });

  it('trusts no other authority, no other name and no old certificate, and asks the person once', async () => {
    const tls = { port: server.ports.tls, tls: true, nick: 'frank' };
    using scratch = scratchDirectory('authority');
    const other = await makeAuthority(scratch.path);
    const untrusted = begin({ ...tls, caCertificate: other.pem });
    const public_ = begin({ ...tls });
    for (const { house } of [untrusted, public_]) {
      await eventually('it is not trusted', () => house.stateOf()?.state === 'needs-person');
      expect(house.stateOf()).toMatchObject({ code: 'tls-untrusted' });
    }
    await using named = await startInspircd({ hurried: true, names: ['irc.example.org'] });
    await using expired = await startInspircd({ hurried: true, expired: true });
    for (const [one, code] of [
      [named, 'tls-mismatch'],
      [expired, 'tls-expired'],
    ] as const) {
      const { house } = begin({ ...tls, port: one.ports.tls, caCertificate: one.authority.pem });
      await eventually(`it is ${code}`, () => house.stateOf()?.state === 'needs-person');
      expect(house.stateOf()).toMatchObject({ code });
    }
  });

  it('gives the server password where one is wanted', async () => {
    const locked = { port: server.ports.locked, nick: 'grace' };
    const { house } = begin(locked, { secrets: { serverPassword: server.serverPassword } });
    await online(house, 'grace');
    const { house: refused } = begin({ ...locked, nick: 'grace2' }, { secrets: { serverPassword: 'wrong' } });
    await eventually('it needs the person', () => refused.stateOf()?.state === 'needs-person');
    expect(refused.stateOf()).toMatchObject({ state: 'needs-person', code: 'not-allowed' });
  });

  it('takes another nick while its own is taken, and its own as soon as it is free', async () => {
    const holder = await plainClient({ port: server.ports.plain, nick: 'heidi' });
    const { house } = begin({ nick: 'heidi', alternateNicks: ['heidi-too'] });
    await online(house, 'heidi-too');
    await holder[Symbol.asyncDispose]();
    await online(house, 'heidi');
  });

  it('is back in its rooms after the server was restarted, and tells the gap', async () => {
    await using own = await startInspircd({ hurried: true });
    const { house, session, account } = begin(
      { port: own.ports.plain, nick: 'ivan' },
      { rooms: ['#home', '#Away'] },
    );
    await online(house, 'ivan');
    await inRoom(house, '#home');
    await own.restart();
    await eventually('it is back', () => {
      const joins = rooms(house).filter(
        ({ conversation, joined }) => conversation === '#home' && joined === true,
      );
      return joins.length === 2;
    });
    const gap = house.storage.stored.find((event) => event.type === 'gap' && event.conversation === '#home');
    expect(gap).toBeDefined();
    expect(house.states.some(({ state }) => state.state === 'backing-off')).toBe(true);
    await using bob = await plainClient({ port: own.ports.plain, nick: 'bob' });
    await bob.join('#home');
    await session.send(envelope(account, '#home', { text: 'back again' }), never);
    await bob.waitFor(/PRIVMSG #home :back again$/);
  });

  it('finds out that a server is frozen, and comes back when it thaws', async () => {
    await using own = await startInspircd({ hurried: true });
    const { house } = begin({ port: own.ports.plain, nick: 'judy' }, { timings: { idle: 300, answer: 300 } });
    await online(house, 'judy');
    own.pause();
    await eventually('the silence is noticed', () => house.stateOf()?.state === 'backing-off');
    expect(house.stateOf()).toMatchObject({ code: 'timeout' });
    own.resume();
    await online(house, 'judy');
  });

  it('parts a long message so that nothing of it is lost', async () => {
    const { house, session, account } = begin({ nick: 'kim' }, { rooms: ['#long'] });
    await online(house, 'kim');
    await inRoom(house, '#long');
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await bob.join('#long');
    const unbroken = '👩‍👩‍👧‍👦é漢字🇩🇪'.repeat(60);
    const worded = 'The quick brown fox jumps over the lazy dög. '.repeat(40).trim();
    for (const text of [unbroken, worded, 'x'.repeat(2_000)]) {
      await session.send(envelope(account, '#long', { text }), never);
      await session.send(envelope(account, '#long', { text: 'end' }), never);
      await bob.waitFor(/PRIVMSG #long :end$/, { after: bob.lines.length });
      const heard = bob.heard('kim', '#long');
      const parts = heard.slice(heard.lastIndexOf('end', -2) + 1, -1);
      bob.send('PING done');
      await bob.waitFor(/PONG .*done/);
      const whole = text === worded ? parts.join(' ') : parts.join('');
      expect(whole).toBe(text);
      (bob.lines as string[]).length = 0;
      // As long as a line may be: one byte more and the server would have cut it.
      if (text.startsWith('xx')) {
        const mask = ':kim!kim@127.0.0.1 PRIVMSG #long :\r\n';
        expect(parts[0]).toHaveLength(512 - mask.length);
      }
    }
  });

  it('lets no text, topic or target smuggle in a second line', async () => {
    const { house, session, account } = begin({ nick: 'leo' }, { rooms: ['#safe'] });
    await online(house, 'leo');
    await inRoom(house, '#safe');
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await bob.join('#safe');
    const evil = 'a\r\nPRIVMSG bob :smuggled\0\nQUIT :smuggled';
    await session.send(envelope(account, '#safe', { text: evil }), never);
    await session.send(envelope(account, '#safe', { text: evil, emote: true }), never);
    await session.send(envelope(account, '#safe', { text: evil, notice: true }), never);
    expect(await session.send(envelope(account, 'bob\r\nQUIT', { text: 'x' }), never)).toMatchObject({
      outcome: 'refused',
    });
    expect(await session.send(envelope(account, 'bob,#safe', { text: 'x' }), never)).toMatchObject({
      outcome: 'refused',
    });
    if (!can(session, 'takes-requests') || !can(session, 'sets-presence'))
      throw new Error('abilities are missing');
    session.setPresence(account, { presence: 'away', note: 'gone\r\nQUIT :smuggled' });
    const topic = { kind: 'topic', conversation: '#safe', options: { topic: 'calm\r\nQUIT :smuggled' } };
    expect(await session.request(account, topic, never)).toEqual({ outcome: 'done', answer: null });
    await bob.waitFor(/TOPIC #safe :calm QUIT :smuggled$/);
    await session.send(envelope(account, '#safe', { text: 'still here' }), never);
    await bob.waitFor(/PRIVMSG #safe :still here$/);
    expect(bob.lines.filter((line) => /^:leo\S* (?:QUIT|PRIVMSG bob)/.test(line))).toEqual([]);
  });

  it('stays within what the server tolerates however much is to be sent', async () => {
    await using unhurried = await startInspircd();
    const settings = { port: unhurried.ports.strict, nick: 'mia', burst: 10, linesPerSecond: 0.9 };
    const { house, session, account } = begin(settings, { rooms: ['#flood'] });
    await online(house, 'mia');
    await inRoom(house, '#flood');
    const envelopes = Array.from({ length: 14 }, (_, at) =>
      envelope(account, '#flood', { text: `line ${String(at)}` }),
    );
    await Promise.all(envelopes.map((one) => session.send(one, never)));
    await eventually('all are echoed', () => house.messages().length === envelopes.length);
    expect(house.messages().map(({ content }) => content.text)).toEqual(
      envelopes.map(({ content }) => content.text),
    );
    expect(house.states.filter(({ state }) => state.state === 'backing-off')).toEqual([]);
  });

  it('is thrown out by such a server without that care', async () => {
    await using unhurried = await startInspircd();
    const { house, session, account } = begin(
      { port: unhurried.ports.strict, nick: 'nora' },
      { rooms: ['#flood2'] },
    );
    await online(house, 'nora');
    await inRoom(house, '#flood2');
    const sends = Array.from({ length: 60 }, (_, at) =>
      session.send(envelope(account, '#flood2', { text: `line ${String(at)}` }), never),
    );
    await Promise.all(sends);
    // "Excess Flood", or a reset that overtook the word.
    await eventually('it is thrown out', () =>
      house.states.some(
        ({ state }) =>
          state.state === 'backing-off' && ['rate-limited', 'network-unreachable'].includes(state.code),
      ),
    );
    await eventually('every part is settled', () => {
      const settled = house.messages().length + house.receipts().length;
      return settled === 60;
    });
    expect(house.receipts().every(({ state }) => state === 'unknown')).toBe(true);
  });

  it('enters and leaves rooms as wished, and says why it cannot enter one', async () => {
    await using op = await plainClient({ port: server.ports.plain, nick: 'warden' });
    await op.join('#keyed');
    op.send('MODE #keyed +k sesame');
    await op.join('#members');
    op.send('MODE #members +i');
    const { house, session, account } = begin({ nick: 'olivia' }, { rooms: ['#Plain'] });
    await online(house, 'olivia');
    if (!can(session, 'has-rooms')) throw new Error('no rooms');
    session.setRooms(account, [
      { address: '#plain', options: {} },
      { address: '#keyed', options: { key: 'sesame' } },
      { address: '#members', options: {} },
    ]);
    await inRoom(house, '#keyed');
    const refused = await eventually('the refusal is told', () =>
      rooms(house).find(({ failure }) => failure),
    );
    expect(refused).toMatchObject({
      conversation: '#members',
      joined: false,
      failure: { code: 'not-allowed' },
    });
    session.setRooms(account, [{ address: '#keyed', options: { key: 'sesame' } }]);
    await eventually('it left', () =>
      rooms(house).some(({ conversation, joined }) => conversation === '#plain' && joined === false),
    );
    await eventually('the occupants are known', () => session.occupants(account, '#keyed').length === 2);
    expect(session.occupants(account, '#keyed')).toEqual(
      expect.arrayContaining([{ address: 'warden', role: 'operator' }, { address: 'olivia' }]),
    );
    op.send('KICK #keyed olivia :enough');
    const kicked = await eventually('the kick is told', () => rooms(house).find(({ act }) => act === 'kick'));
    expect(kicked).toMatchObject({ joined: false, by: { address: 'warden' }, detail: 'olivia: enough' });
  });

  it('tells renames, topics, comings and goings of others', async () => {
    const { house } = begin({ nick: 'peggy' }, { rooms: ['#watch'] });
    await online(house, 'peggy');
    await inRoom(house, '#watch');
    const bob = await plainClient({ port: server.ports.plain, nick: 'Bob' });
    await bob.join('#watch');
    await eventually('bob is seen', () => house.rooms.get('#watch')?.has('bob') === true);
    bob.send('NICK Robert');
    await eventually('the rename is told', () =>
      house.storage.stored.some(
        (event) => event.type === 'identity' && event.formerly === 'bob' && event.party.address === 'robert',
      ),
    );
    // Presence is told of whom one knows, not of everybody in a room.
    bob.say('#watch', 'off to lunch');
    await said(house, ({ content }) => content.text === 'off to lunch');
    bob.send('AWAY :at lunch');
    await eventually('the absence is told', () => house.presences.get('robert')?.note === 'at lunch');
    await bob[Symbol.asyncDispose]();
    await eventually('he is gone', () => house.rooms.get('#watch')?.has('robert') === false);
    await eventually('his address is nobody’s', () =>
      house.storage.stored.some((event) => event.type === 'departure' && event.address === 'robert'),
    );
  });

  it('works on a server without any IRCv3, and still says what was refused', async () => {
    await using old = await startInspircd({ plainest: true, hurried: true });
    const { house, session, account } = begin({ port: old.ports.plain, nick: 'quinn' }, { rooms: ['#old'] });
    await online(house, 'quinn');
    await inRoom(house, '#old');
    await using bob = await plainClient({ port: old.ports.plain, nick: 'bob' });
    await bob.join('#old');
    const good = envelope(account, '#old', { text: 'taken' });
    const bad = envelope(account, 'nobody-here', { text: 'refused' });
    await Promise.all([session.send(good, never), session.send(bad, never)]);
    await bob.waitFor(/PRIVMSG #old :taken$/);
    const receipts = await eventually('both are settled', () =>
      house.receipts().length === 2 ? house.receipts() : undefined,
    );
    expect(
      Object.fromEntries(receipts.map(({ about, state }) => ['wireId' in about && about.wireId, state])),
    ).toEqual({
      [`${good.id.replaceAll('-', '')}-0`]: 'sent',
      [`${bad.id.replaceAll('-', '')}-0`]: 'failed',
    });
    expect(house.messages()).toEqual([]);
  });

  it('does not go on without signing in where no sign-in is offered', async () => {
    await using old = await startInspircd({ plainest: true, hurried: true });
    await using lookout = await plainClient({ port: old.ports.plain, nick: 'lookout' });
    const { house } = begin(
      { port: old.ports.plain, nick: 'rupert', saslAccount: 'alice' },
      { secrets: { password: 'anything' } },
    );
    await eventually('it says so', () =>
      house.states.some(({ state }) => 'code' in state && state.code === 'auth-method'),
    );
    lookout.send('WHOIS rupert');
    await lookout.waitFor(/ 401 .*rupert/);
  });
});
