/*
 * What was said while we were away: on the sandbox, which keeps history, and on a scripted server where none would answer
 * like that.
 */
import { afterEach, describe, expect, it } from '@jest/globals';
import type {
  InboundEvent,
  InboundGap,
  InboundMessage,
  JsonObject,
  Session,
  SessionContext,
} from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId } from '#model';
import { eventually, plainClient, scriptedIrc, type PlainClient, type ScriptClient } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';
import { createIrc, type IrcTimings } from './index.js';

const brisk: Partial<IrcTimings> = {
  firstRetry: 20,
  longestRetry: 100,
  welcome: 100,
  history: 400,
  close: 400,
};
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

async function visit(port: number, nick: string): Promise<PlainClient> {
  const client = await plainClient({ port, nick });
  opened.push(client);
  return client;
}

interface BeginOptions {
  readonly rooms?: readonly string[];
  readonly house?: TestContext;
  readonly account?: AccountId;
  readonly settings?: JsonObject;
  readonly timings?: Partial<IrcTimings>;
}

function begin(port: number, options: BeginOptions = {}) {
  const house = options.house ?? new TestContext();
  const turn: SessionContext['turn'] = () => Promise.resolve({ turn: 'go', addresses: ['127.0.0.1'] });
  const account = options.account ?? newId<'AccountId'>();
  const session = createIrc({ timings: { ...brisk, ...options.timings } }).open(
    {
      id: newId<'LinkId'>(),
      settings: {
        host: '127.0.0.1',
        port,
        tls: false,
        nick: 'alice',
        burst: 1_000,
        linesPerSecond: 1_000,
        ...options.settings,
      },
    },
    Object.assign(house, { turn }),
  );
  sessions.push(session);
  session.attach({
    id: account,
    desired: {
      rooms: (options.rooms ?? []).map((address) => ({ address, options: {} })),
      presence: { presence: 'available' },
      contacts: [],
    },
  });
  session.connect();
  return { house, session, account };
}

/** The notes of a house that was killed, and nothing else of it. */
function survivor(dead: TestContext): TestContext {
  const house = new TestContext();
  for (const [key, value] of dead.storage.keyValues) house.storage.keyValues.set(key, value);
  return house;
}

const inRoom = (house: TestContext, room: string, times = 1) =>
  eventually(`in ${room}`, () => {
    const told = house.storage.stored.filter(
      (event) => event.type === 'room' && event.conversation === room && event.joined === true,
    );
    return told.length >= times;
  });
const said = (house: TestContext, conversation: string): readonly InboundMessage[] =>
  house
    .messages()
    .filter((message) => message.conversation === conversation)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
const texts = (messages: readonly InboundMessage[]): readonly string[] =>
  messages.map(({ content }) => content.text);
const gaps = (house: TestContext): readonly InboundGap[] =>
  house.storage.stored.filter((event: InboundEvent) => event.type === 'gap');
const numbered = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `line ${String(from + index)}`);

describe('what was said while we were away', () => {
  it('comes page by page, in order and once each, with what is said meanwhile, and leaves no gap', async () => {
    const server = await serve({ tokens: { CHATHISTORY: 4 } });
    const bob = await visit(server.port, 'bob');
    await bob.join('#lobby');
    const { house } = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(house, '#lobby');
    for (const text of numbered(0, 5)) bob.say('#lobby', text);
    await eventually('they are heard', () => said(house, '#lobby').length === 5);
    (await server.client('alice')).cut();
    await eventually('the link is lost', () => house.stateOf()?.state !== 'online');
    for (const text of numbered(5, 28)) bob.say('#lobby', text);
    await inRoom(house, '#lobby', 2);
    for (const text of numbered(28, 40)) bob.say('#lobby', text);
    await eventually('all are there', () => said(house, '#lobby').length >= 40);
    await eventually(
      'it has been caught up with',
      () => server.log.filter((line) => line.includes('CHATHISTORY AFTER')).length >= 7,
    );
    expect(texts(said(house, '#lobby'))).toEqual(numbered(0, 40));
    expect(
      said(house, '#lobby')
        .slice(5, 27)
        .map(({ mode }) => mode),
    ).not.toContain('history');
    expect(gaps(house)).toEqual([]);
    expect(house.breaches).toEqual([]);
  });

  it('comes from those who wrote to us alone, too, and what we said ourselves elsewhere', async () => {
    const server = await serve({ tokens: { CHATHISTORY: 3 } });
    const bob = await visit(server.port, 'bob');
    const carol = await visit(server.port, 'carol');
    const first = begin(server.port);
    await eventually('we are online', () => first.house.stateOf()?.state === 'online');
    bob.say('alice', 'before');
    await eventually('it is heard', () => said(first.house, 'bob').length === 1);
    await first.session.close('asked');
    const phone = await visit(server.port, 'alice');
    for (const text of numbered(0, 5)) bob.say('alice', text);
    await phone.waitFor(/line 4/);
    phone.say('bob', 'from my phone');
    await bob.waitFor(/from my phone/);
    carol.say('alice', 'I am new');
    await phone.waitFor(/I am new/);
    await phone[Symbol.asyncDispose]();
    const { house } = begin(server.port, { house: survivor(first.house), account: first.account });
    await eventually('all is told', () => house.messages().length >= 7);
    bob.say('alice', 'and live');
    await eventually('it goes on', () => texts(said(house, 'bob')).includes('and live'));
    expect(texts(said(house, 'bob'))).toEqual([...numbered(0, 5), 'from my phone', 'and live']);
    expect(said(house, 'bob').map(({ origin, mode }) => `${origin} ${mode}`)).toEqual([
      ...numbered(0, 5).map(() => 'remote catch-up'),
      'other-device catch-up',
      'remote live',
    ]);
    expect(said(house, 'carol')).toMatchObject([{ mode: 'catch-up', origin: 'remote' }]);
  });

  it('is not lost when we are killed in the middle of it', async () => {
    const server = await serve({ tokens: { CHATHISTORY: 3 } });
    const bob = await visit(server.port, 'bob');
    await bob.join('#lobby');
    const first = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(first.house, '#lobby');
    bob.say('#lobby', 'line 0');
    await eventually('it is heard', () => said(first.house, '#lobby').length === 1);
    await first.session.close('asked');
    for (const text of numbered(1, 20)) bob.say('#lobby', text);
    bob.send('PING done');
    await bob.waitFor(/PONG/);
    const second = begin(server.port, {
      rooms: ['#lobby'],
      house: survivor(first.house),
      account: first.account,
    });
    await eventually('some of it is stored', () => said(second.house, '#lobby').length >= 4);
    bob.say('#lobby', 'line 20');
    // From here on nothing is kept any more: what the notes say then is what a new worker finds.
    second.house.storage.withhold();
    const stored = texts(said(second.house, '#lobby'));
    const third = begin(server.port, {
      rooms: ['#lobby'],
      house: survivor(second.house),
      account: first.account,
      settings: { nick: 'alice2' },
    });
    await eventually('the rest is there', () => texts(said(third.house, '#lobby')).includes('line 20'));
    await eventually('and all of it', () => {
      const all = new Set([...stored, ...texts(said(third.house, '#lobby'))]);
      return numbered(1, 21).every((text) => all.has(text));
    });
    expect(gaps(third.house)).toEqual([]);
    second.house.storage.discard();
  });

  it('is told up to a bound; the rest is a gap, and history', async () => {
    const server = await serve({ historyKept: 20_000 });
    const bob = await visit(server.port, 'bob');
    await bob.join('#lobby');
    const first = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(first.house, '#lobby');
    await first.session.close('asked');
    for (const text of numbered(0, 5_200)) bob.say('#lobby', text);
    bob.send('PING done');
    await bob.waitFor(/PONG/);
    const { house } = begin(server.port, {
      rooms: ['#lobby'],
      house: survivor(first.house),
      account: first.account,
    });
    const [gap] = await eventually('the gap is told', () =>
      gaps(house).length > 0 ? gaps(house) : undefined,
    );
    const told = said(house, '#lobby');
    expect(texts(told)).toEqual(numbered(0, told.length));
    expect(told.length).toBeGreaterThanOrEqual(5_000);
    expect(gap?.from).toEqual(told.at(-1)?.at);
    expect(gap?.conversation).toBe('#lobby');
  });

  it.each(['INVALID_TARGET', 'MESSAGE_ERROR', 'UNKNOWN_COMMAND', 'WHATEVER_ELSE'])(
    'is a gap from the last message on where the server refuses it (%s)',
    async (code) => {
      const answer = (line: string, client: ScriptClient): boolean => {
        const [, verb = '', rest = ''] = /^(?:@\S+ )?(?:CHATHISTORY) (\S+) (.*)$/.exec(line) ?? [];
        if (verb === '') return false;
        client.send(`FAIL CHATHISTORY ${code} ${verb} ${rest.split(' ')[0] ?? ''} :Sorry`);
        return true;
      };
      const server = await script(answer);
      const { house } = begin(server.port, { rooms: ['#lobby'] });
      await inRoom(house, '#lobby');
      (await server.client(1)).send(
        '@time=2026-05-01T10:00:00.000Z;msgid=a :bob!b@example.org PRIVMSG #lobby :hi',
      );
      await eventually('it is heard', () => said(house, '#lobby').length === 1);
      (await server.client(1)).cut();
      await inRoom(house, '#lobby', 2);
      const [gap] = await eventually('the gap', () => (gaps(house).length === 1 ? gaps(house) : undefined));
      expect(gap?.from.toISOString()).toBe('2026-05-01T10:00:00.000Z');
      expect(house.breaches).toEqual([]);
    },
  );

  it('is a gap from where the server broke off', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (/CHATHISTORY TARGETS/.test(line))
        return (client.send('BATCH +t draft/chathistory-targets', 'BATCH -t'), true);
      if (!/CHATHISTORY AFTER/.test(line)) return false;
      client.send(
        'BATCH +b chathistory #lobby',
        '@batch=b;time=2026-05-01T11:00:00.000Z;msgid=b :bob!b@example.org PRIVMSG #lobby :missed',
      );
      return true;
    };
    const server = await script(answer);
    const { house } = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(house, '#lobby');
    (await server.client(1)).cut();
    await inRoom(house, '#lobby', 2);
    const [gap] = await eventually('the gap', () => (gaps(house).length === 1 ? gaps(house) : undefined));
    expect(gap?.from.toISOString()).toBe('2026-05-01T11:00:00.000Z');
    expect(said(house, '#lobby')).toMatchObject([{ mode: 'catch-up', content: { text: 'missed' } }]);
    // Somebody speaks in the batch that was never closed: nobody minds.
    (await server.client(2)).send(':bob!b@example.org PRIVMSG #lobby :now');
    await eventually('life goes on', () => texts(house.messages()).includes('now'));
  });

  it('goes by the time where there are no ids, and drops what overlaps', async () => {
    const past = [10, 20, 20, 20, 30, 40, 40, 50].map((second, index) => ({
      at: `2026-05-01T10:00:${String(second)}.000Z`,
      text: index === 3 ? 'line 2' : `line ${String(index)}`,
    }));
    const answer = (line: string, client: ScriptClient): boolean => {
      if (/CHATHISTORY TARGETS/.test(line))
        return (client.send('BATCH +t draft/chathistory-targets', 'BATCH -t'), true);
      const [, from = ''] = /CHATHISTORY AFTER #lobby timestamp=(\S+) /.exec(line) ?? [];
      if (from === '') return false;
      const page = past.filter(({ at }) => at > from).slice(0, 3);
      client.send(
        'BATCH +b chathistory #lobby',
        ...page.map(({ at, text }) => `@batch=b;time=${at} :bob!b@example.org PRIVMSG #lobby :${text}`),
        'BATCH -b',
      );
      return true;
    };
    const server = await script(answer);
    const { house } = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(house, '#lobby');
    (await server.client(1)).send(`@time=${past[0]?.at ?? ''} :bob!b@example.org PRIVMSG #lobby :line 0`);
    await eventually('it is heard', () => said(house, '#lobby').length === 1);
    (await server.client(1)).cut();
    await eventually('all is there', () => texts(house.messages()).includes('line 7'));
    expect(texts(said(house, '#lobby'))).toEqual(past.map(({ text }) => text));
    expect(gaps(house)).toEqual([]);
  });

  it('does not end where more was said in a millisecond than a page holds', async () => {
    const at = '2026-05-01T10:00:00.000Z';
    const answer = (line: string, client: ScriptClient): boolean => {
      const [, from = ''] = /CHATHISTORY AFTER #lobby timestamp=(\S+) /.exec(line) ?? [];
      if (/CHATHISTORY TARGETS/.test(line))
        return (client.send('BATCH +t draft/chathistory-targets', 'BATCH -t'), true);
      if (from === '') return false;
      const lines =
        from < at
          ? [1, 2, 3].map((n) => `@batch=b;time=${at} :bob!b@e PRIVMSG #lobby :same ${String(n)}`)
          : [];
      client.send('BATCH +b chathistory #lobby', ...lines, 'BATCH -b');
      return true;
    };
    const server = await script(answer);
    const { house } = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(house, '#lobby');
    (await server.client(1)).send(`@time=${at} :bob!b@e PRIVMSG #lobby :same 1`);
    await eventually('it is heard', () => said(house, '#lobby').length === 1);
    (await server.client(1)).cut();
    await eventually('the end is found', async () =>
      (await server.client(2)).lines.some((line) => line.includes(`AFTER #lobby timestamp=${at}`)),
    );
    expect(texts(said(house, '#lobby'))).toEqual(['same 1', 'same 2', 'same 3']);
  });

  it('tells nothing of how things stand now, whatever a batch holds', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (/CHATHISTORY TARGETS/.test(line))
        return (client.send('BATCH +t draft/chathistory-targets', 'BATCH -t'), true);
      if (!/CHATHISTORY AFTER/.test(line)) return false;
      const tags = '@batch=b;time=2026-05-01T11:00:00.000Z';
      const from = ':mallory!m@example.org';
      client.send(
        'BATCH +b chathistory #lobby',
        `${tags} ${from} JOIN #lobby`,
        `${tags} :bob!b@example.org PART #lobby`,
        `${tags} :bob!b@example.org QUIT :gone`,
        `${tags} ${from} KICK #lobby alice :out`,
        `${tags} ${from} NICK alice`,
        `${tags} ${from} TOPIC #lobby :old`,
        `${tags} ${from} MODE #lobby +o mallory`,
        `${tags} ${from} PRIVMSG #lobby :\x01VERSION\x01`,
        `${tags};msgid=x ${from} PRIVMSG #lobby :\x01ACTION waves\x01`,
        `${tags} BATCH +n draft/unknown`,
        '@batch=n;time=2026-05-01T11:00:01.000Z;msgid=y :mallory!m@example.org PRIVMSG #lobby :nested',
        `${tags} BATCH -n`,
        'BATCH -b',
      );
      return true;
    };
    const server = await script(answer);
    const { house, session, account } = begin(server.port, { rooms: ['#lobby'] });
    await inRoom(house, '#lobby');
    (await server.client(1)).cut();
    await eventually('it is told', () => texts(house.messages()).includes('nested'));
    expect(house.messages().map(({ mode, content }) => `${mode} ${content.text}`)).toEqual([
      'catch-up waves',
      'catch-up nested',
    ]);
    const occupants = (
      session as Session & { occupants(account: AccountId, room: string): { address: string }[] }
    )
      .occupants(account, '#lobby')
      .map(({ address }) => address);
    expect(occupants.sort()).toEqual(['alice', 'bob']);
    expect(house.storage.stored.filter((event) => event.type === 'room' && event.act !== undefined)).toEqual(
      [],
    );
    expect((await server.client(2)).lines.filter((line) => line.includes('NOTICE mallory'))).toEqual([]);
  });

  it('is bounded, however much a server plays back', async () => {
    const answer = (line: string, client: ScriptClient): boolean => {
      if (/CHATHISTORY TARGETS/.test(line))
        return (client.send('BATCH +t draft/chathistory-targets', 'BATCH -t'), true);
      if (!/CHATHISTORY AFTER/.test(line)) return false;
      client.send('BATCH +b chathistory #lobby');
      for (let n = 0; n < 60_000; n++) {
        client.send(`@batch=b;time=2026-05-01T11:00:00.000Z;msgid=m${String(n)} :bob!b@e PRIVMSG #lobby :m`);
      }
      client.send('BATCH -b', ':bob!b@example.org PRIVMSG #lobby :over');
      return true;
    };
    const server = await script(answer);
    const { house } = begin(server.port, { rooms: ['#lobby'], timings: { history: 20_000 } });
    await inRoom(house, '#lobby');
    (await server.client(1)).cut();
    await eventually('it is over', () => texts(house.messages()).includes('over'), 20_000);
    expect(house.messages().length).toBeLessThanOrEqual(20_001);
    expect(house.breaches).toEqual([]);
  });
});

const caps = ['batch', 'server-time', 'message-tags', 'draft/chathistory'];

/** A server that answers CHATHISTORY as it is told. */
async function script(answer: (line: string, client: ScriptClient) => boolean) {
  const server = await scriptedIrc({ caps, answer });
  opened.push(server);
  return server;
}
