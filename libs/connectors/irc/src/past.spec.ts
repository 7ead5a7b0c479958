/* What a person asks for of the past, how far they have read, and what bouncers play back unasked. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  can,
  type HistoryOutcome,
  type InboundMessage,
  type JsonObject,
  type Place,
  type Session,
} from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId } from '#model';
import { eventually, plainClient, scriptedIrc, type PlainClient, type ScriptOptions } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';
import { createIrc } from './index.js';

const never = new AbortController().signal;
const opened: AsyncDisposable[] = [];
const sessions: Session[] = [];
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close('asked')));
  for (const one of opened.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function serve(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const server = await startSandboxIrc(options);
  opened.push(server);
  return server;
}

async function script(options: ScriptOptions) {
  const server = await scriptedIrc(options);
  opened.push(server);
  return server;
}

async function visit(port: number, nick: string): Promise<PlainClient> {
  const client = await plainClient({ port, nick });
  opened.push(client);
  return client;
}

async function begin(
  port: number,
  options: {
    rooms?: readonly string[];
    house?: TestContext;
    account?: AccountId;
    settings?: JsonObject;
    password?: string;
  } = {},
) {
  const { password } = options;
  const house = options.house ?? new TestContext(password === undefined ? {} : { secrets: { password } });
  const account = options.account ?? newId<'AccountId'>();
  const timings = { firstRetry: 20, longestRetry: 100, welcome: 100, history: 400, close: 400 };
  const settings = {
    host: '127.0.0.1',
    port,
    tls: false,
    nick: 'alice',
    burst: 1_000,
    linesPerSecond: 1_000,
    ...options.settings,
  };
  const session = createIrc({ timings }).open({ id: newId<'LinkId'>(), settings }, house);
  sessions.push(session);
  const rooms = options.rooms ?? [];
  session.attach({
    id: account,
    desired: {
      rooms: rooms.map((address) => ({ address, options: {} })),
      presence: { presence: 'available' },
      contacts: [],
    },
  });
  session.connect();
  await eventually('we are online', () => house.stateOf()?.state === 'online');
  for (const room of rooms) {
    await eventually(`in ${room}`, () =>
      house.storage.stored.some(
        (event) => event.type === 'room' && event.conversation === room && event.joined === true,
      ),
    );
  }
  if (!can(session, 'has-history') || !can(session, 'marks-read')) throw new Error('abilities are missing');
  return { house, session, account };
}

function done(outcome: HistoryOutcome): Extract<HistoryOutcome, { readonly outcome: 'done' }> {
  if (outcome.outcome === 'done') return outcome;
  throw new Error(`refused: ${outcome.failure.code}`);
}
const textsOf = (outcome: HistoryOutcome): readonly string[] =>
  done(outcome).events.flatMap((event) => (event.type === 'message' ? [event.content.text] : []));
const told = (messages: readonly InboundMessage[]): readonly string[] =>
  messages.map(
    ({ origin, mode, conversation, content }) => `${origin} ${mode} ${conversation}: ${content.text}`,
  );
const reads = (house: TestContext) =>
  house.storage.stored.flatMap((event) =>
    event.type === 'read' ? [`${event.conversation} ${(event.upTo as Date).toISOString()}`] : [],
  );

describe('what is older', () => {
  it('is fetched page by page when asked for, of rooms and of people, and told to nobody else', async () => {
    const server = await serve({ tokens: { CHATHISTORY: 3 } });
    const bob = await visit(server.port, 'bob');
    await bob.join('#lobby');
    const lines = Array.from({ length: 7 }, (_, index) => `line ${String(index)}`);
    for (const line of lines) bob.say('#lobby', line);
    const { house, session, account } = await begin(server.port, { rooms: ['#lobby'] });
    const ask = (before?: Place) =>
      session.history(account, { conversation: '#lobby', limit: 50, ...(before && { before }) }, never);
    let page = done(await ask());
    const found = [...textsOf(page)];
    while (!page.complete && page.next !== undefined) {
      page = done(await ask(page.next));
      found.unshift(...textsOf(page));
    }
    expect(found).toEqual(lines);
    expect(house.messages()).toEqual([]);
    bob.say('alice', 'to you alone');
    await eventually('it is heard', () => house.heard().length === 1);
    const direct = await session.history(account, { conversation: 'bob', limit: 5 }, never);
    expect(done(direct).events).toMatchObject([
      { mode: 'history', origin: 'remote', remoteId: house.heard()[0]?.remoteId ?? 'none' },
    ]);
  });

  it('is refused honestly: where we are not, where nothing is kept, and when it was asked back', async () => {
    const server = await serve();
    const { session, account } = await begin(server.port);
    const ask = { conversation: '#elsewhere', limit: 5 };
    const bob = await visit(server.port, 'bob');
    await bob.join('#elsewhere');
    expect(await session.history(account, ask, never)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-found' },
    });
    expect(await session.history(account, { ...ask, conversation: 'account:x' }, never)).toMatchObject({
      outcome: 'refused',
    });
    expect(await session.history(account, ask, AbortSignal.abort())).toMatchObject({
      outcome: 'refused',
      failure: { code: 'timeout' },
    });
    const plain = await serve({ withoutCaps: ['draft/chathistory'] });
    const other = await begin(plain.port, { settings: { nick: 'amy' } });
    expect(await other.session.history(other.account, ask, never)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'unsupported' },
    });
    expect(other.house.capabilitiesOf(other.account)?.history).toBeUndefined();
  });

  it('is given up when the server does not answer, and not asked for again and again', async () => {
    const server = await script({
      caps: ['batch', 'server-time', 'message-tags', 'draft/chathistory', 'labeled-response'],
      answer: (line) => line.includes('CHATHISTORY'),
    });
    const { session, account } = await begin(server.port);
    for (let tries = 0; tries < 4; tries++) {
      const outcome = await session.history(account, { conversation: '#lobby', limit: 5 }, never);
      expect(outcome).toMatchObject({ outcome: 'refused', failure: { code: 'timeout' } });
    }
    const asked = server.clients[0]?.lines.filter((line) => line.includes('CHATHISTORY')) ?? [];
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it('writes no second line, whatever ids and names a server gives', async () => {
    const server = await script({
      caps: ['batch', 'server-time', 'message-tags', 'draft/chathistory'],
      answer: (line, client) => {
        if (!line.includes('CHATHISTORY')) return false;
        client.send(
          'BATCH +b chathistory bob',
          '@batch=b;time=2026-05-01T11:00:00.000Z;msgid=a\\r\\nQUIT\\s:x :bob!b@example.org PRIVMSG alice :hi',
          'BATCH -b',
        );
        return true;
      },
    });
    const { session, account } = await begin(server.port);
    const page = done(await session.history(account, { conversation: 'bob', limit: 5 }, never));
    await session.history(
      account,
      { conversation: 'bob', limit: 5, ...(page.next && { before: page.next }) },
      never,
    );
    expect(server.clients[0]?.lines.filter((line) => /^QUIT/.test(line))).toEqual([]);
    expect(server.clients[0]?.lines.at(-1)).toMatch(/^CHATHISTORY BEFORE bob timestamp=\S+ :5$/);
  });
});

describe('how far was read', () => {
  const account = { name: 'alice', password: 'secret' };
  const signedIn = { saslAccount: 'alice' };

  async function phone(server: SandboxIrc): Promise<PlainClient> {
    const client = await visit(server.port, 'phone');
    client.send('CAP REQ :draft/read-marker');
    await client.waitFor(/ACK/);
    server.signIn('phone', 'alice');
    return client;
  }

  it('goes to the server, forward only, and from there to our other clients', async () => {
    const server = await serve({ accounts: [account] });
    const {
      session,
      account: id,
      house,
    } = await begin(server.port, {
      settings: signedIn,
      password: account.password,
    });
    expect(house.capabilitiesOf(id)?.['read-marks']).toBe('native');
    const other = await phone(server);
    const later = new Date('2026-05-01T11:00:00.000Z');
    session.markRead(id, 'bob', { at: later, remoteIds: [] });
    session.markRead(id, 'bob', { at: new Date('2026-05-01T10:00:00.000Z'), remoteIds: [] });
    session.markRead(id, 'account:bob', { at: later, remoteIds: [] });
    await other.waitFor(/MARKREAD bob timestamp=2026-05-01T11:00:00.000Z/);
    expect(server.log.filter((line) => line.startsWith('MARKREAD'))).toEqual([
      'MARKREAD bob :timestamp=2026-05-01T11:00:00.000Z',
    ]);
    expect(reads(house)).toEqual([]);
  });

  it('comes from our other clients, and again when a room is entered, and what makes no sense does not', async () => {
    const server = await serve({ accounts: [account] });
    const { house } = await begin(server.port, { settings: signedIn, password: account.password });
    const other = await phone(server);
    other.send('MARKREAD bob timestamp=2026-05-01T11:00:00.000Z');
    other.send('MARKREAD #lobby timestamp=2026-05-01T12:00:00.000Z');
    await eventually('both are told', () => reads(house).length === 2);
    const client = await server.client('alice');
    client.say(
      'MARKREAD',
      'MARKREAD bob',
      'MARKREAD bob *',
      'MARKREAD bob timestamp=*',
      'MARKREAD bob timestamp=yesterday',
      'MARKREAD bob timestamp=2026-05-01T09:00:00.000Z',
      'FAIL MARKREAD INVALID_PARAMS bob :no',
    );
    client.say('MARKREAD bob timestamp=2026-05-01T13:00:00.000Z');
    await eventually('the last is told', () => reads(house).length === 3);
    expect(reads(house)).toEqual([
      'bob 2026-05-01T11:00:00.000Z',
      '#lobby 2026-05-01T12:00:00.000Z',
      'bob 2026-05-01T13:00:00.000Z',
    ]);
    expect(house.breaches).toEqual([]);
  });

  it('is told after what was missed, so that it counts for that, too', async () => {
    const server = await serve({ accounts: [account] });
    const bob = await visit(server.port, 'bob');
    await bob.join('#lobby');
    const { house } = await begin(server.port, {
      rooms: ['#lobby'],
      settings: signedIn,
      password: account.password,
    });
    const other = await phone(server);
    await other.join('#lobby');
    (await server.client('alice')).cut();
    bob.say('#lobby', 'missed here, read there');
    await other.waitFor(/missed here/);
    other.send(`MARKREAD #lobby timestamp=${new Date(Date.now() + 1_000).toISOString()}`);
    await eventually('it is caught up with', () => house.heard().length === 1);
    await eventually('the mark comes after it', () => {
      const last = house.storage.stored.findLast(({ type }) => type === 'read' || type === 'message');
      return last?.type === 'read';
    });
  });
});

describe('what a bouncer plays back', () => {
  const channel = (line: string) => `:bob!b@example.org PRIVMSG #lobby :${line}`;

  it('is caught up with and not live, once however often it is played, and its own words are nobody’s', async () => {
    const server = await script({ caps: ['server-time', 'znc.in/self-message'] });
    const { house } = await begin(server.port, { rooms: ['#lobby'] });
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
    const [older, missed] = [ago(3_600), ago(-5)];
    (await server.client(1)).send(`@time=${older} ${channel('an hour ago')}`, channel('now'));
    await eventually('both are told', () => house.messages().length === 2);
    (await server.client(1)).cut();
    const again = await server.client(2);
    again.send(
      ':***!znc@znc.in PRIVMSG #lobby :Buffer Playback...',
      `@time=${older} ${channel('an hour ago')}`,
      `@time=${ago(2_000_000)} :bob!b@example.org PRIVMSG #lobby :\x01VERSION\x01`,
      ':***!znc@znc.in PRIVMSG #lobby :Playback Complete.',
      'BATCH +z znc.in/playback #lobby',
      `@batch=z;time=${missed} ${channel('meanwhile')}`,
      `@batch=z;time=${missed} ${channel('meanwhile')}`,
      `@batch=z;time=${missed} :alice!a@example.org PRIVMSG #lobby :from my phone`,
      `@batch=z;time=${missed} :bob!b@example.org PART #lobby`,
      'BATCH -z',
      channel('back again'),
    );
    await eventually('it goes on', () =>
      house.messages().some(({ content }) => content.text === 'back again'),
    );
    expect(told(house.messages())).toEqual([
      'remote history #lobby: an hour ago',
      'remote live #lobby: now',
      'remote catch-up #lobby: meanwhile',
      'remote catch-up #lobby: meanwhile',
      'other-device catch-up #lobby: from my phone',
      'remote live #lobby: back again',
    ]);
    expect(house.storage.stored.filter(({ type }) => type === 'gap')).toEqual([]);
    expect(again.lines.some((line) => line.includes('VERSION'))).toBe(false);
  });

  it('is asked for from where we were, where the bouncer waits to be asked (znc.in/playback)', async () => {
    const server = await script({ caps: ['server-time', 'batch', 'znc.in/playback', 'znc.in/self-message'] });
    const { house } = await begin(server.port, { rooms: ['#lobby'] });
    const first = await server.client(1);
    expect(await first.waitFor(/\*playback/)).toBe('PRIVMSG *playback :PLAY * 0.000');
    const before = Date.now() / 1_000;
    first.send(channel('hello'));
    await eventually('it is heard', () => house.heard().length === 1);
    first.cut();
    const [, from = ''] = /PLAY \* (\d+\.\d{3})$/.exec(await (await server.client(2)).waitFor(/PLAY/)) ?? [];
    expect(Math.abs(Number(from) - before)).toBeLessThan(30);
  });
});
