/* What servers do that they should not, and what wires do: on a server in this process that does as it is told. */
import { afterEach, expect, it, describe } from '@jest/globals';
import {
  can,
  wireIdOf,
  type JsonObject,
  type OutboundEnvelope,
  type Session,
  type SessionContext,
} from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId, type SessionState } from '#model';
import {
  eventually,
  freePort,
  scriptedIrc,
  type ScriptClient,
  type ScriptOptions,
  type ScriptServer,
} from '#peers';
import { createIrc, type IrcTimings } from './index.js';

const brisk: Partial<IrcTimings> = {
  connect: 1_000,
  register: 500,
  welcome: 100,
  firstRetry: 30,
  longestRetry: 120,
  throttled: 150,
  reclaim: 60,
  rejoin: 80,
  occupancy: 10,
  close: 400,
};
const everything = [
  'batch',
  'echo-message',
  'labeled-response',
  'message-tags',
  'server-time',
  'away-notify',
];

const opened: Session[] = [];
const servers: ScriptServer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.close('asked')));
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function serve(options: ScriptOptions = {}): Promise<ScriptServer> {
  const server = await scriptedIrc(options);
  servers.push(server);
  return server;
}

interface BeginOptions {
  readonly settings?: JsonObject;
  readonly rooms?: readonly string[];
  readonly secrets?: Readonly<Record<string, string>>;
  readonly timings?: Partial<IrcTimings>;
  readonly emitLimit?: number;
  readonly house?: TestContext;
  readonly account?: AccountId;
}

function begin(port: number, options: BeginOptions = {}) {
  const house =
    options.house ?? new TestContext({ secrets: options.secrets ?? {}, emitLimit: options.emitLimit ?? 500 });
  const turn: SessionContext['turn'] = () => Promise.resolve({ turn: 'go', addresses: ['127.0.0.1'] });
  const context: SessionContext = Object.assign(house, { turn });
  const account = options.account ?? newId<'AccountId'>();
  const settings = {
    host: '127.0.0.1',
    port,
    tls: false,
    nick: 'alice',
    burst: 1_000,
    linesPerSecond: 1_000,
  };
  const connector = createIrc({ timings: { ...brisk, ...options.timings } });
  const session = connector.open(
    { id: newId<'LinkId'>(), settings: { ...settings, ...options.settings } },
    context,
  );
  opened.push(session);
  const rooms = (options.rooms ?? []).map((address) => ({ address, options: {} }));
  session.attach({ id: account, desired: { rooms, contacts: [], presence: { presence: 'available' } } });
  session.connect();
  return { house, session, account };
}

const until = async <S extends SessionState['state']>(
  house: TestContext,
  state: S,
): Promise<Extract<SessionState, { state: S }>> =>
  eventually(`the account is ${state}`, () => {
    const now = house.stateOf();
    return now?.state === state ? (now as Extract<SessionState, { state: S }>) : undefined;
  });
const never = new AbortController().signal;
const envelope = (account: AccountId, to: string, text: string): OutboundEnvelope => ({
  id: newId(),
  account,
  kind: 'message',
  to,
  conversationKind: to.startsWith('#') ? 'room' : 'direct',
  content: { text },
  attempt: 1,
});
const texts = (house: TestContext): readonly string[] => house.heard().map(({ content }) => content.text);
const bob = (text: string, to = 'alice'): string => `:bob!b@example.org PRIVMSG ${to} :${text}`;

async function talking(options: ScriptOptions = {}, more: BeginOptions = {}) {
  const server = await serve(options);
  const rig = begin(server.port, more);
  await until(rig.house, 'online');
  return { server, client: await server.client(1), ...rig };
}

describe('outcomes', () => {
  it('are settled by echo, acknowledgement or refusal where the server answers by label', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      const [, label, rest = ''] = /^@label=(\S+) (PRIVMSG .*)$/.exec(line) ?? [];
      if (rest.includes('filtered')) client.send(`@label=${label ?? ''} :script ACK`);
      else if (rest.includes('refused'))
        client.send(`@label=${label ?? ''} :script 404 alice #a :Cannot send to channel`);
      else if (rest.includes('wrapped')) {
        client.send(
          `@label=${label ?? ''} :script BATCH +7 labeled-response`,
          '@batch=7 :script 301 alice bob :at lunch',
          `@batch=7;msgid=inside :alice!u@example.org ${rest}`,
          ':script BATCH -7',
        );
      } else return false;
      return true;
    };
    const { house, session, account } = await talking({ caps: everything, answer });
    const sent = ['echoed', 'filtered', 'refused', 'wrapped'].map((text) => envelope(account, 'bob', text));
    for (const one of sent) expect(await session.send(one, never)).toEqual({ outcome: 'pending', parts: 1 });
    await eventually('all are settled', () => house.messages().length + house.receipts().length === 4);
    const ids = sent.map(({ id }) => wireIdOf(id, 0));
    expect(house.messages().map(({ wireId, origin, content }) => [wireId, origin, content.text])).toEqual([
      [ids[0], 'own', 'echoed'],
      [ids[3], 'own', 'wrapped'],
    ]);
    expect(house.messages()[1]?.remoteId).toEqual({ scope: 'msgid', id: 'inside', by: 'network' });
    expect(house.receipts()).toMatchObject([
      { about: { wireId: ids[1] }, state: 'sent' },
      { about: { wireId: ids[2] }, state: 'failed', failure: { code: 'not-allowed' } },
    ]);
    expect(house.presences.get('bob')).toMatchObject({ presence: 'away', note: 'at lunch' });
  });

  it('are settled by the echo of the same kind to the same target where there are no labels', async () => {
    const { house, session, account } = await talking({ caps: ['echo-message', 'message-tags'] });
    const sent = [
      envelope(account, '#Lobby', 'one'),
      envelope(account, 'bob', 'two'),
      envelope(account, '#lobby', 'three'),
    ];
    await Promise.all(sent.map((one) => session.send(one, never)));
    await eventually('all are echoed', () => house.messages().length === 3);
    expect(house.messages().map(({ wireId, conversation }) => [wireId, conversation])).toEqual([
      [wireIdOf(sent[0]?.id ?? newId(), 0), '#lobby'],
      [wireIdOf(sent[1]?.id ?? newId(), 0), 'bob'],
      [wireIdOf(sent[2]?.id ?? newId(), 0), '#lobby'],
    ]);
  });

  it('are settled by refusals and by the answer to a later PING on a server of the old kind', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (!line.startsWith('PRIVMSG nobody')) return false;
      client.send(':script 401 alice nobody :No such nick');
      return true;
    };
    const { house, session, account, client } = await talking({ answer });
    const sent = [
      envelope(account, 'bob', 'one'),
      envelope(account, 'nobody', 'two'),
      envelope(account, 'bob', 'three'),
    ];
    await Promise.all(sent.map((one) => session.send(one, never)));
    await eventually('all are settled', () => house.receipts().length === 3);
    const byWire = new Map(
      house.receipts().map((one) => ['wireId' in one.about && one.about.wireId, one.state]),
    );
    expect(sent.map(({ id }) => byWire.get(wireIdOf(id, 0)))).toEqual(['sent', 'failed', 'sent']);
    expect(client.lines.filter((line) => line.startsWith('PING'))).toHaveLength(1);
  });

  it('are not claimed: without an answer to the PING nothing is sent, and when the link drops all is unknown', async () => {
    const answer = (line: string): boolean => line.startsWith('PING');
    const { house, session, account, client } = await talking({ answer });
    const sent = [envelope(account, 'bob', 'one'), envelope(account, 'bob', 'two')];
    for (const one of sent) expect(await session.send(one, never)).toEqual({ outcome: 'pending', parts: 1 });
    await client.waitFor(/^PING/);
    expect(house.receipts()).toEqual([]);
    client.cut();
    await eventually('all are settled', () => house.receipts().length === 2);
    expect(house.receipts().map(({ state }) => state)).toEqual(['unknown', 'unknown']);
  });

  it('become unknown when a server that answers by label never does', async () => {
    const answer = (line: string): boolean => line.includes('PRIVMSG');
    const timings = { pending: 100, idle: 50, answer: 1_000 };
    const { house, session, account } = await talking({ caps: everything, answer }, { timings });
    const one = envelope(account, 'bob', 'into the void');
    await session.send(one, never);
    await eventually('it is given up', () => house.receipts().length === 1);
    expect(house.receipts()).toMatchObject([{ state: 'unknown', about: { wireId: wireIdOf(one.id, 0) } }]);
    expect(house.stateOf()?.state).toBe('online');
  });

  it('say how far a message of several lines came when the link drops or the time is over', async () => {
    const settings = { burst: 6, linesPerSecond: 0.5 };
    const { house, session, account, client } = await talking({}, { settings });
    const long = session.send(
      envelope(account, 'bob', Array.from({ length: 9 }, (_, at) => `line ${String(at)}`).join('\n')),
      never,
    );
    const hurried = new AbortController();
    const next = session.send(envelope(account, 'bob', 'after it'), hurried.signal);
    const last = session.send(envelope(account, 'bob', 'last'), never);
    await client.waitFor(/PRIVMSG bob :line 0/);
    hurried.abort();
    expect(await next).toMatchObject({ outcome: 'later', failure: { code: 'timeout' } });
    expect(await session.send(envelope(account, 'bob', 'never'), AbortSignal.abort())).toMatchObject({
      outcome: 'later',
    });
    client.cut();
    expect(await long).toMatchObject({ outcome: 'unknown' });
    expect(await last).toMatchObject({ outcome: 'later' });
    await until(house, 'backing-off');
    expect(await session.send(envelope(account, 'bob', 'offline'), never)).toMatchObject({
      outcome: 'later',
    });
  });

  it('stop a message of several lines at the first refusal', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (!line.includes('PRIVMSG')) return false;
      client.send(':script 404 alice #quiet :Cannot send to channel');
      return true;
    };
    const { session, account, client } = await talking(
      { answer },
      { settings: { burst: 6, linesPerSecond: 5 } },
    );
    const lines = Array.from({ length: 20 }, (_, at) => `line ${String(at)}`).join('\n');
    expect(await session.send(envelope(account, '#quiet', lines), never)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-allowed' },
    });
    expect(client.lines.filter((line) => line.includes('PRIVMSG')).length).toBeLessThan(10);
  });

  it('are not taken from what another device says meanwhile, echoed or sent on by a bouncer', async () => {
    const answer = (line: string): boolean => line.startsWith('PRIVMSG');
    for (const caps of [['echo-message'], ['znc.in/self-message']]) {
      const { house, session, account, client } = await talking({ caps, answer });
      const mine = envelope(account, '#a', 'from my desk, at last');
      await session.send(mine, never);
      client.send(
        ':alice!u@example.org PRIVMSG #a :on my phone',
        // A server may change what is said on its way (here it takes colours out and a word away).
        ...(caps[0] === 'echo-message' ? [':alice!u@example.org PRIVMSG #a :from my <desk>, at last'] : []),
        bob('done', '#a'),
      );
      await eventually('all is told', () => texts(house).includes('done'));
      const own = house.messages().filter(({ origin }) => origin !== 'remote');
      expect(own.map(({ content, origin }) => [content.text, origin])).toEqual([
        ['on my phone', 'other-device'],
        ...(caps[0] === 'echo-message' ? [['from my <desk>, at last', 'own']] : []),
      ]);
      if (caps[0] !== 'echo-message') {
        await eventually('the PING has settled it', () => house.receipts()[0]?.state === 'sent');
      }
    }
  });

  it('find their line where the refusal names nobody, or the command', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (line.includes('too long')) client.send(':script 417 alice :Input line was too long');
      else if (line.startsWith('PRIVMSG #b')) client.send('FAIL PRIVMSG UNKNOWN_ERROR :No');
      else return false;
      return true;
    };
    const { house, session, account } = await talking({ caps: [], answer });
    await session.send(envelope(account, '#a', 'too long'), never);
    await eventually('it has failed', () => house.receipts()[0]?.failure?.code === 'too-large');
    await session.send(envelope(account, '#b', 'no'), never);
    await eventually('that too', () => house.receipts()[1]?.state === 'failed');
  });

  it('leave what another device said as such, and do not double what one says to oneself', async () => {
    const { house, session, account, client } = await talking({ caps: everything });
    client.send(':alice!u@example.org PRIVMSG bob :from my phone');
    await eventually('it is told', () => house.messages().length === 1);
    expect(house.messages()[0]).toMatchObject({ origin: 'other-device', conversation: 'bob' });
    const note = envelope(account, 'alice', 'note to self');
    await session.send(note, never);
    client.send(':alice!u@example.org PRIVMSG alice :note to self', bob('done'));
    await eventually('all is told', () => texts(house).includes('done'));
    expect(house.messages().filter(({ content }) => content.text === 'note to self')).toMatchObject([
      { origin: 'own', wireId: wireIdOf(note.id, 0), conversation: 'alice' },
    ]);
  });
});

describe('the rate', () => {
  it('counts every line, and lets PONG past', async () => {
    const settings = { burst: 8, linesPerSecond: 0.001 };
    const { session, account, client } = await talking({}, { settings });
    for (let at = 0; at < 10; at++) void session.send(envelope(account, 'bob', `line ${String(at)}`), never);
    client.send('PING :are you there');
    await client.waitFor(/^PONG :are you there$/);
    // CAP LS, NICK and USER have left before.
    expect(client.lines.filter((line) => !line.startsWith('PONG'))).toHaveLength(8);
    if (!can(session, 'paces')) throw new Error('it paces');
    expect(session.allowance(account)).toEqual({ envelopes: 0, againInMs: expect.any(Number) as unknown });
    expect(session.allowance(account).againInMs).toBeGreaterThan(1_000);
  });

  it('lets rooms go before messages, and only the last of several presences', async () => {
    const settings = { burst: 3, linesPerSecond: 20 };
    const { session, account, client } = await talking({}, { settings });
    if (!can(session, 'has-rooms') || !can(session, 'sets-presence'))
      throw new Error('abilities are missing');
    const sent = session.send(envelope(account, '#a', 'hello'), never);
    session.setRooms(account, [{ address: '#a', options: {} }]);
    session.setPresence(account, { presence: 'away', note: 'one' });
    session.setPresence(account, { presence: 'busy', note: 'two' });
    await sent;
    await client.waitFor(/^PRIVMSG/);
    const order = client.lines.filter((line) => /^(?:JOIN|AWAY|PRIVMSG)/.test(line));
    expect(order).toEqual(['JOIN #a', 'AWAY :busy: two', 'PRIVMSG #a :hello']);
    session.setPresence(account, { presence: 'available' });
    await client.waitFor(/^AWAY$/);
  });
});

describe('links', () => {
  it('back off from a dead port, and are silent once closed', async () => {
    const port = await freePort();
    const { house, session } = begin(port);
    await eventually(
      'three tries',
      () => house.states.filter(({ state }) => state.state === 'backing-off').length >= 3,
    );
    for (const { state } of house.states)
      if (state.state === 'backing-off') expect(state.code).toBe('network-unreachable');
    await session.close('asked');
    expect(house.stateOf()).toEqual({ state: 'offline' });
    const told = house.states.length;
    await new Promise((over) => setTimeout(over, 200));
    expect(house.states).toHaveLength(told);
  });

  it('wait for the person after a refusal that only a person can cure, and then try again', async () => {
    const server = await serve({ answer: answering(/^USER/, ':script 464 alice :Password incorrect') });
    const { house, session } = begin(server.port);
    await until(house, 'needs-person');
    await new Promise((over) => setTimeout(over, 200));
    expect(server.clients).toHaveLength(1);
    server.set({});
    session.connect();
    await until(house, 'online');
  });

  it('notice a half-open connection, and not a silent one that answers', async () => {
    const timings = { idle: 60, answer: 80 };
    let deaf = false;
    const answer = (line: string): boolean => deaf && line.startsWith('PING');
    const { house, client } = await talking({ answer }, { timings });
    await eventually(
      'it was asked twice',
      () => client.lines.filter((line) => line.startsWith('PING')).length >= 2,
    );
    expect(house.stateOf()?.state).toBe('online');
    deaf = true;
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'timeout' });
  });

  it.each([
    ['ERROR :Closing Link: alice (Throttled: Reconnecting too fast)', 'backing-off', 'rate-limited'],
    ['ERROR :Closing link: (u@example.org) [Excess Flood]', 'backing-off', 'rate-limited'],
    ['ERROR :Closing Link: alice (K-Lined)', 'needs-person', 'banned'],
    [':script 465 alice :You are banned from this server', 'needs-person', 'banned'],
    ['ERROR :Closing link: (u@example.org) [Server shutdown]', 'backing-off', 'server-shutdown'],
    ['ERROR :Closing Link: alice (Killed (oper (enough)))', 'needs-person', 'resource-conflict'],
    ['ERROR :Closing Link: alice (Ping timeout: 240 seconds)', 'backing-off', 'timeout'],
    ['ERROR :Closing Link: alice (Bad Password)', 'needs-person', 'auth-failed'],
    [':script 464 alice :Password incorrect', 'needs-person', 'auth-failed'],
    ['ERROR :who knows', 'backing-off', 'network-unreachable'],
  ] as const)('name the end by what the server said: %s', async (line, state, code) => {
    const answer = (said: string, client: ScriptClient): boolean => {
      if (said.startsWith('USER')) client.send(line);
      return said.startsWith('USER');
    };
    const server = await serve({ answer });
    const { house } = begin(server.port);
    expect(await until(house, state)).toMatchObject({ code });
    if (code === 'rate-limited') {
      const told = house.stateOf();
      if (told?.state !== 'backing-off') throw new Error('it backs off');
      expect(Date.parse(told.until) - Date.now()).toBeGreaterThan(80);
    }
  });

  it('are back in their rooms, tell the gap there, and not in rooms that are new', async () => {
    const { house, session, account, server, client } = await talking({}, { rooms: ['#home'] });
    await client.waitFor(/^JOIN #home/);
    await eventually('in the room', () => house.storage.stored.some((event) => event.type === 'room'));
    if (!can(session, 'has-rooms')) throw new Error('no rooms');
    client.cut();
    session.setRooms(
      account,
      ['#home', '#new'].map((address) => ({ address, options: {} })),
    );
    const second = await server.client(2);
    await second.waitFor(/^JOIN #home,#new$/);
    await eventually('the gap is told', () => house.storage.stored.some((event) => event.type === 'gap'));
    const gaps = house.storage.stored.filter((event) => event.type === 'gap');
    expect(gaps.map(({ conversation }) => conversation)).toEqual(['#home']);
    expect(house.breaches).toEqual([]);
  });

  it('tell the gap of a crash: what an earlier session noted counts', async () => {
    const { house, account, client, server } = await talking({}, { rooms: ['#home'] });
    client.send(bob('before the crash', '#home'));
    await eventually('it is stored', () => texts(house).length === 1);
    // The same house and account, another process: the first session is simply gone.
    const after = begin(server.port, { house, account, rooms: ['#home'] });
    await eventually('the gap is told', () => house.storage.stored.some((event) => event.type === 'gap'));
    expect(after.house.storage.stored.find((event) => event.type === 'gap')).toMatchObject({
      conversation: '#home',
    });
  });

  it('try a full room again, and not one that wants an invitation', async () => {
    let full = true;
    const answer = (line: string, client: ScriptClient): boolean => {
      if (!line.startsWith('JOIN')) return false;
      if (line.includes('#closed'))
        client.send(':script 473 alice #closed :Cannot join channel (invite only)');
      if (!line.includes('#full')) return true;
      client.send(
        full
          ? ':script 471 alice #full :Cannot join channel (channel is full)'
          : ':alice!u@example.org JOIN #full',
      );
      full = false;
      return true;
    };
    const { house, client } = await talking({ answer }, { rooms: ['#full', '#closed'] });
    const told = await eventually('it is in', () => {
      const rooms = house.storage.stored.filter((event) => event.type === 'room');
      return rooms.some(({ joined }) => joined === true) ? rooms : undefined;
    });
    expect(told.map(({ conversation, joined, failure }) => [conversation, joined, failure?.code])).toEqual(
      expect.arrayContaining([
        ['#full', false, 'not-allowed'],
        ['#closed', false, 'not-allowed'],
        ['#full', true, undefined],
      ]),
    );
    expect(client.lines.filter((line) => line.startsWith('JOIN') && line.includes('#closed'))).toHaveLength(
      1,
    );
  });

  it('end once, however often they are asked to', async () => {
    const { house, session, account, client } = await talking();
    await Promise.all([session.detach(account), session.close('asked'), session.detach(account)]);
    await session.close('shutdown');
    expect(house.states.filter(({ state }) => state.state === 'offline')).toHaveLength(1);
    await client.waitFor(/^QUIT/);
    expect(client.lines.filter((line) => line.startsWith('QUIT'))).toHaveLength(1);
  });

  it('settle and say good-bye when closed, and touch nothing afterwards', async () => {
    const { house, session, account, client } = await talking({ caps: everything });
    const sent = envelope(account, 'bob', 'last words');
    const outcome = session.send(sent, never);
    await session.close('shutdown');
    expect(await outcome).toMatchObject({ outcome: 'pending' });
    expect(house.messages()).toMatchObject([{ wireId: wireIdOf(sent.id, 0), origin: 'own' }]);
    expect(house.stateOf()).toEqual({ state: 'offline' });
    expect(client.lines.at(-1)).toMatch(/^QUIT/);
    house.closed = true;
    client.send(bob('too late'));
    session.connect();
    await new Promise((over) => setTimeout(over, 50));
    expect(house.breaches).toEqual([]);
  });
});

describe('registration', () => {
  const credentials = { settings: { saslAccount: 'alice' }, secrets: { password: 'sesame' } };

  it.each<readonly [string, ScriptOptions, string]>([
    ['a server without capabilities', {}, 'auth-method'],
    ['a server without SASL', { caps: ['server-time'] }, 'auth-method'],
    ['a server with another mechanism only', { caps: ['sasl=EXTERNAL'] }, 'auth-method'],
    [
      'a server that breaks the sign-in off',
      {
        caps: ['sasl'],
        answer: answering(/^AUTHENTICATE PLAIN/, ':script 906 alice :SASL authentication aborted'),
      },
      'auth-method',
    ],
    [
      'a server that refuses all capabilities',
      { caps: ['sasl=PLAIN'], answer: answering(/^CAP REQ/, ':script CAP * NAK :sasl') },
      'auth-method',
    ],
    [
      'a server that says nonsense',
      { caps: ['sasl=PLAIN'], answer: answering(/^AUTHENTICATE PLAIN/, 'AUTHENTICATE !!!') },
      'auth-method',
    ],
    [
      'a server that welcomes us all the same',
      { caps: ['sasl=PLAIN'], answer: answering(/^CAP REQ/, ':script 001 alice :Welcome') },
      'auth-method',
    ],
    [
      'a server that finds the password wrong',
      { caps: ['sasl=PLAIN'], answer: signingIn(':script 904 alice :SASL authentication failed') },
      'auth-failed',
    ],
  ])('goes on signed in or not at all: %s', async (_what, options, code) => {
    const server = await serve(options);
    const { house } = begin(server.port, credentials);
    await eventually('it says why', () =>
      house.states.some(({ state }) => 'code' in state && state.code === code),
    );
    expect(house.states.some(({ state }) => state.state === 'online')).toBe(false);
    for (const client of server.clients) expect(client.lines).not.toContain('CAP END');
  });

  it('signs in and forgets the password', async () => {
    const answer = signingIn(
      ':script 900 alice alice!u@example.org alice :You are now logged in',
      ':script 903 alice :done',
    );
    const server = await serve({ caps: ['sasl=PLAIN,EXTERNAL'], answer });
    const { house } = begin(server.port, credentials);
    await until(house, 'online');
    const plain = Buffer.from('alice\0alice\0sesame').toString('base64');
    expect((await server.client(1)).lines).toContain(`AUTHENTICATE ${plain}`);
    expect(JSON.stringify(house.logged)).not.toContain('sesame');
  });

  it('asks for the password that is missing instead of trying without', async () => {
    const server = await serve({ caps: ['sasl=PLAIN'] });
    const { house } = begin(server.port, { settings: { saslAccount: 'alice' } });
    expect(await until(house, 'needs-person')).toMatchObject({ code: 'auth-required' });
    expect(server.clients).toHaveLength(0);
  });

  it('takes alternates, then variations, and gets its nick back when it is free', async () => {
    const server = await serve({ taken: ['alice', 'al'] });
    const { house } = begin(server.port, { settings: { alternateNicks: ['al'] } });
    expect(await until(house, 'online')).toMatchObject({ localAddress: 'alice_' });
    server.set({});
    await eventually('it has its nick', () => {
      const state = house.stateOf();
      return state?.state === 'online' && state.localAddress === 'alice';
    });
  });

  it('asks for its nick as soon as somebody gives it up', async () => {
    const server = await serve({ taken: ['alice'] });
    const { house } = begin(server.port, { timings: { reclaim: 60_000 } });
    await until(house, 'online');
    server.set({});
    (await server.client(1)).send(':alice!u@example.org QUIT :bye');
    await eventually('it has its nick', () => {
      const state = house.stateOf();
      return state?.state === 'online' && state.localAddress === 'alice';
    });
  });

  it('says so when no nick is to be had, or none that the server accepts', async () => {
    const inUse = await serve({
      answer: answering(/^NICK/, ':script 433 * alice :Nickname is already in use.'),
    });
    expect(await until(begin(inUse.port).house, 'needs-person')).toMatchObject({ code: 'name-in-use' });
    const odd = await serve({ answer: answering(/^NICK/, ':script 432 * alice :Erroneous Nickname') });
    expect(await until(begin(odd.port).house, 'needs-person')).toMatchObject({ code: 'not-allowed' });
  });

  it('gives up on a server that never registers it', async () => {
    const server = await serve({ answer: (line) => line.startsWith('USER') });
    const { house } = begin(server.port);
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'timeout' });
  });
});

describe('hostile servers', () => {
  it.each<readonly [string, Buffer]>([
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
    ['a line that never ends', Buffer.alloc(100_000, 'x')],
    ['binary noise', Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7919) % 256))],
    ['a CAP without parameters', Buffer.from('CAP\r\n')],
    ['a welcome for nobody', Buffer.from(':script 001\r\n')],
    ['an endless list of capabilities', Buffer.from(':script CAP * LS * :a b c\r\n'.repeat(10_000))],
  ])('end in protocol-violation and a pause: %s', async (_what, bytes) => {
    const server = await serve({
      answer: (line, client) => {
        if (line.startsWith('USER')) client.write(bytes);
        return true;
      },
    });
    const { house } = begin(server.port);
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'protocol-violation' });
    expect(house.breaches).toEqual([]);
  });

  it('are forgiven an odd line now and then, and no binary', async () => {
    const { house, client } = await talking();
    client.send('!!! not a line', ':script', '@only=tags', bob('still here'));
    await eventually('it goes on', () => texts(house).includes('still here'));
    expect(house.stateOf()?.state).toBe('online');
    client.write(Buffer.from('\0\x07\x1b\r\n'));
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'protocol-violation' });
  });

  it('may split everything at every byte', async () => {
    const { house, client } = await talking({ caps: everything });
    const text = 'שלום 👩‍👩‍👧‍👦 é 日本語';
    for (const byte of Buffer.from(`@time=2026-01-02T03:04:05.678Z;msgid=a\\:b ${bob(text)}\r\n`)) {
      client.write(Buffer.from([byte]));
      await client.flushed();
      await new Promise((turn) => setImmediate(turn));
    }
    await eventually('it is heard', () => house.heard().length === 1);
    expect(house.heard()[0]).toMatchObject({
      content: { text },
      at: new Date('2026-01-02T03:04:05.678Z'),
      remoteId: { id: 'a;b' },
    });
  });

  it('flood in vain: what is held is bounded, the order holds, and another account does not notice', async () => {
    const { house, client } = await talking({}, { emitLimit: 20 });
    const other = await talking();
    house.storage.withhold();
    const flood = Array.from({ length: 30_000 }, (_, at) => `flood ${String(at)}`);
    client.write(Buffer.from(flood.map((text) => `${bob(text)}\r\n`).join('')));
    await eventually('the house is asked', () => house.storage.waiting > 0);
    other.client.send(bob('undisturbed'));
    await eventually('the other hears', () => texts(other.house).includes('undisturbed'));
    expect(texts(house)).toEqual([]);
    house.storage.release();
    await eventually('all is stored', () => texts(house).length === flood.length);
    expect(texts(house)).toEqual(flood);
    expect(house.storage.mostOutstanding).toBeLessThanOrEqual(20);
  });

  it('that ask and never read are left alone', async () => {
    const { house, client } = await talking();
    client.stopReading();
    const pings = Buffer.from(`PING :${'x'.repeat(400)}\r\n`.repeat(20_000));
    client.write(pings);
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'timeout' });
  });

  it('send nothing that a handler could stumble over', async () => {
    const { house, client } = await talking({ caps: everything }, { rooms: ['#a'] });
    const verbs = [
      'PRIVMSG',
      'NOTICE',
      'JOIN',
      'PART',
      'KICK',
      'QUIT',
      'NICK',
      'TOPIC',
      'MODE',
      'AWAY',
      'CHGHOST',
      'BATCH',
      'ACK',
    ];
    const numerics = [
      '001',
      '005',
      '301',
      '331',
      '332',
      '353',
      '366',
      '396',
      '401',
      '404',
      '433',
      '471',
      '482',
      '900',
      '904',
    ];
    const sources = [
      '',
      ':',
      ':alice!u@example.org ',
      ':x ',
      ':script ',
      '@label=;batch=;time=x;msgid= :y!y@y ',
    ];
    const rests = [
      '',
      ' ',
      ' :',
      ' #a',
      ' alice',
      ' #a alice :',
      ' #a +ovb',
      ' * = #a :@+ !@ :',
      ' +x',
      ' -',
      ' alice #a',
    ];
    for (const verb of [...verbs, ...numerics, 'FAIL', 'CAP', 'AUTHENTICATE']) {
      for (const source of sources) client.send(...rests.map((rest) => `${source}${verb}${rest}`));
    }
    client.send(':carol!c@example.org PRIVMSG alice :the end');
    await eventually('it came through, or closed in order', () => {
      const state = house.stateOf()?.state;
      return texts(house).includes('the end') || state === 'backing-off';
    });
    expect(house.breaches).toEqual([]);
    await until(house, 'online');
  });
});

describe('the house', () => {
  it('is offered again what it did not store, in its order', async () => {
    const { house, client } = await talking();
    house.storage.failNext({ fault: 'not-stored', retryAfterMs: 20 }, 3);
    for (let at = 0; at < 5; at++) {
      client.send(bob(`word ${String(at)}`));
      await client.flushed();
    }
    await eventually('all is stored', () => texts(house).length === 5);
    expect(texts(house)).toEqual([0, 1, 2, 3, 4].map((at) => `word ${String(at)}`));
  });

  it('ends the session in silence when another worker holds the link', async () => {
    const { house, client, session, account } = await talking();
    house.storage.failNext({ fault: 'fenced' });
    client.send(bob('whose is this'));
    await eventually('the link is closed', () => client.isClosed);
    house.closed = true;
    expect(await session.send(envelope(account, 'bob', 'x'), never)).toMatchObject({ outcome: 'later' });
    expect(house.breaches).toEqual([]);
    expect(house.stateOf()?.state).toBe('online');
  });

  it('that stores nothing for too long costs the connection, and nothing that was read', async () => {
    const { house, client, server } = await talking(
      {},
      { emitLimit: 4, timings: { stalled: 100, idle: 50, answer: 50 } },
    );
    house.storage.withhold();
    client.send(...Array.from({ length: 50 }, (_, at) => bob(`word ${String(at)}`)));
    expect(await until(house, 'backing-off')).toMatchObject({ code: 'storage-unavailable' });
    house.storage.release();
    await until(house, 'online');
    expect(server.clients.length).toBeGreaterThan(1);
    expect(texts(house).slice(0, 4)).toEqual(['word 0', 'word 1', 'word 2', 'word 3']);
  });
});

/** Answers lines that fit, as often as they come. */
function answering(pattern: RegExp, ...answers: readonly string[]) {
  return (line: string, client: ScriptClient): boolean => {
    if (!pattern.test(line)) return false;
    client.send(...answers);
    return true;
  };
}

/** Plays SASL up to the end that is given. */
function signingIn(...answers: readonly string[]) {
  return (line: string, client: ScriptClient): boolean => {
    if (!line.startsWith('AUTHENTICATE')) return false;
    if (line === 'AUTHENTICATE PLAIN') client.send('AUTHENTICATE +');
    else client.send(...answers);
    return true;
  };
}
