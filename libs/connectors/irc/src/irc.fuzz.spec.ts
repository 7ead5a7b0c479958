/*
 * What a hostile server can do to a session: nothing but end it. Lines are drawn from a corpus of real ones and maimed
 * (testing/hostile-lines.ts); the same seed gives the same lines, and a failure says which it was:
 *
 *     PARLEY_FUZZ_SEED=7 PARLEY_FUZZ_LINES=100000 npm test -- libs/connectors/irc/src/irc.fuzz
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import irc from 'irc-framework';
import { can, type EmitOutcome, type InboundBatch, type OutboundEnvelope, type Session } from '#connector';
import { words } from '#connector/session';
import { breachesOf, TestContext } from '#connector/testing';
import { HostileLines, onlineLines, registeringLines, seeded } from '#connectors/irc/testing';
import { newId, type AccountId, type SessionState } from '#model';
import { eventually, scriptedIrc, type ScriptClient, type ScriptServer } from '#peers';
import { endingFailure, failFailure, numericFailure } from './failures.js';
import { plain } from './formatting.js';
import { circumstanceOf, factOf } from './from-irc.js';
import { createIrc } from './index.js';
import { addressOf, ircAddresses, wireTarget } from './irc.addresses.js';
import { networkOf, plainNetwork } from './network.js';

jest.setTimeout(120_000);
const rooms = ['#lobby', '#other'];
const drawing = { me: () => 'alice', rooms };
const seeds = process.env['PARLEY_FUZZ_SEED']?.split(',').map(Number) ?? [1, 2];
const lines = Number(process.env['PARLEY_FUZZ_LINES'] ?? 3_000);
const caps = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'cap-notify',
  'chghost',
  'draft/chathistory',
  'draft/message-redaction',
  'draft/multiline=max-bytes=4096,max-lines=100',
  'draft/read-marker',
  'echo-message',
  'extended-join',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'server-time',
  'setname',
  'standard-replies',
  'userhost-in-names',
  'znc.in/playback',
];
const never = new AbortController().signal;

/** A house that judges what it is told and keeps little of it, so that what grows is not the house. */
class Judge extends TestContext {
  events = 0;
  readonly texts: string[] = [];

  override emit(batch: InboundBatch): Promise<readonly EmitOutcome[]> {
    for (const event of batch.events) {
      this.events++;
      const text = JSON.stringify(event);
      this.breaches.push(...breachesOf(event).map((breach) => `${breach}: ${text}`));
      // Half characters and NUL are in no text that a table takes.
      if (/\\u(?:0000|d[89a-f])/.test(text)) this.breaches.push(`a text that is none: ${text}`);
      if (event.type === 'message') this.texts.push(event.content.text);
    }
    this.texts.splice(0, Math.max(0, this.texts.length - 20));
    this.logged.splice(0);
    return Promise.resolve(batch.events.map(() => ({ outcome: 'stored' })));
  }
  override capabilities(): void {
    // Not looked at.
  }
  override presence(): void {
    // Not looked at.
  }
  override typing(): void {
    // Not looked at.
  }
  override occupancy(): void {
    // Not looked at.
  }
}

const opened: Session[] = [];
const servers: ScriptServer[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.close('asked')));
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

function begin(port: number): { house: Judge; session: Session; account: AccountId } {
  const house = new Judge();
  const account = newId<'AccountId'>();
  const timings = {
    connect: 2_000,
    register: 5_000,
    welcome: 100,
    firstRetry: 20,
    longestRetry: 100,
    throttled: 30,
    close: 300,
  };
  const session = createIrc({ timings }).open(
    {
      id: newId<'LinkId'>(),
      settings: {
        host: '127.0.0.1',
        port,
        tls: false,
        nick: 'alice',
        burst: 10_000,
        linesPerSecond: 10_000,
      },
    },
    house,
  );
  opened.push(session);
  const desired = rooms.map((address) => ({ address, options: {} }));
  session.attach({
    id: account,
    desired: { rooms: desired, contacts: [], presence: { presence: 'away', note: 'fuzzing' } },
  });
  session.connect();
  return { house, session, account };
}

function envelope(account: AccountId, to: string): OutboundEnvelope {
  return {
    id: newId(),
    account,
    kind: 'message',
    to,
    conversationKind: to.startsWith('#') ? 'room' : 'direct',
    content: { text: 'a word from us' },
    attempt: 1,
  };
}

/** What a house does meanwhile: it sends, asks and looks. Nothing of it may reject. */
async function useIt(session: Session, account: AccountId): Promise<void> {
  const soon = AbortSignal.timeout(100);
  const asked: Promise<unknown>[] = [
    session.send(envelope(account, '#lobby'), soon),
    session.send(envelope(account, 'bob'), soon),
  ];
  if (can(session, 'takes-requests')) {
    for (const kind of session.requestKinds) {
      const options = { topic: 't', address: 'bob', nick: 'bob', mask: '*!*@x', limit: 5, search: 'x' };
      asked.push(session.request(account, { kind, conversation: '#lobby', options }, soon));
      asked.push(session.request(account, { kind, options }, soon));
    }
  }
  if (can(session, 'has-rooms')) session.occupants(account, '#lobby');
  await Promise.all(asked);
}

/** Where a session may be after anything: it goes on, it backs off, or it waits for its person. */
const ends: readonly SessionState['state'][] = ['online', 'backing-off', 'needs-person', 'connecting'];

/** A server that behaves from now on: the session must find its way back to it and work. */
async function recovers(
  server: ScriptServer,
  { house, session, account }: ReturnType<typeof begin>,
): Promise<void> {
  server.set({ caps });
  for (const client of server.clients) client.cut();
  const before = server.clients.length;
  let asked = false;
  const client = await eventually(
    `it is back; now ${JSON.stringify(house.stateOf())}`,
    () => {
      // What a person would do.
      if (house.stateOf()?.state === 'needs-person' && !asked) {
        asked = true;
        session.connect();
      }
      return house.stateOf()?.state === 'online' ? server.clients.slice(before).at(-1) : undefined;
    },
    20_000,
  );
  client.send(':bob!b@example.org PRIVMSG #lobby :a clean word');
  await eventually('it hears again', () => house.texts.includes('a clean word'));
  expect(await session.send(envelope(account, 'bob'), never)).toMatchObject({ outcome: 'pending' });
  await client.waitFor(/PRIVMSG bob :a word from us/);
}

describe.each(seeds)('a server gone mad (seed %i)', (seed) => {
  it('harms nothing by what it says to a session that is online', async () => {
    const server = await scriptedIrc({ caps });
    servers.push(server);
    const begun = begin(server.port);
    const { house, session, account } = begun;
    const me = (): string => {
      const state = house.stateOf();
      return state?.state === 'online' ? state.localAddress : 'alice';
    };
    const hostile = new HostileLines(seed, onlineLines, { me, rooms });
    let said = 0;
    while (said < lines) {
      const client = await alive(server, begun);
      const batch = Array.from({ length: 200 }, () => hostile.bytes());
      client.write(Buffer.concat(batch));
      said += batch.length;
      const using = useIt(session, account);
      await client.flushed();
      await using;
      expect({ seed, said, breaches: house.breaches }).toEqual({ seed, said, breaches: [] });
      expect(ends).toContain(house.stateOf()?.state);
    }
    await recovers(server, begun);
    expect({ seed, breaches: house.breaches }).toEqual({ seed, breaches: [] });
  });

  it('harms nothing by what it says to one that registers', async () => {
    const hostile = new HostileLines(
      seed,
      [...registeringLines, ...registeringLines, ...onlineLines],
      drawing,
    );
    const server = await scriptedIrc({
      caps,
      answer: (line, client) => {
        const count = Math.floor(seeded(seed + client.lines.length)() * 6);
        for (let i = 0; i < count; i++) client.write(hostile.bytes());
        return count === 5;
      },
    });
    servers.push(server);
    const begun = begin(server.port);
    const tries = Math.min(40, Math.ceil(lines / 100));
    await eventually(
      `it has tried ${String(tries)} times`,
      () => {
        const last = server.clients.at(-1);
        if (begun.house.stateOf()?.state === 'needs-person') begun.session.connect();
        else if (last !== undefined && !last.isClosed && last.lines.length > 2) last.cut();
        return server.clients.length >= tries;
      },
      60_000,
    );
    await recovers(server, begun);
    expect({ seed, breaches: begun.house.breaches }).toEqual({ seed, breaches: [] });
  });
});

/** The client that is online now; a session that has ended is made to come back. */
async function alive(
  server: ScriptServer,
  { house, session }: ReturnType<typeof begin>,
): Promise<ScriptClient> {
  return eventually(
    `it is online; now ${JSON.stringify(house.stateOf())}`,
    () => {
      const state = house.stateOf()?.state;
      if (state === 'needs-person') session.connect();
      const last = server.clients.at(-1);
      return state === 'online' && last?.isClosed === false ? last : undefined;
    },
    20_000,
  );
}

describe('the pure parts', () => {
  const network = networkOf(new Map());
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), fc.string({ maxLength: 80 }));
  const line = fc.oneof(
    text,
    fc.tuple(fc.integer(), fc.integer({ min: 0, max: 5 })).map(([seed, skip]) => {
      const hostile = new HostileLines(seed, onlineLines, drawing);
      for (let i = 0; i < skip; i++) hostile.next();
      return hostile.next();
    }),
  );

  it('make a fact of every line or none, and throw at none', () => {
    fc.assert(
      fc.property(line, (one) => {
        const message = irc.ircLineParser(one);
        factOf(message, network, 'irc.example.org');
        factOf(message, plainNetwork);
        circumstanceOf(message);
      }),
      { numRuns: 5_000 },
    );
  });

  it('take any words for a failure, and none for more than it says', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect((words(one) ?? '').length).toBeLessThanOrEqual(300);
        expect((words(one) ?? '').isWellFormed()).toBe(true);
        expect(plain(one)).not.toMatch(/[\0-\x08]/);
        endingFailure(one);
        failFailure(one, other);
        numericFailure(one, other);
      }),
      { numRuns: 2_000 },
    );
  });

  it('believe of ISUPPORT only what has a shape that they know', () => {
    const names = ['CASEMAPPING', 'CHANTYPES', 'PREFIX', 'CHANMODES', 'STATUSMSG', 'LINELEN', 'NICKLEN'];
    const token = fc.oneof(fc.constantFrom(...names, 'TARGMAX', 'TOPICLEN', 'MONITOR', 'WATCH'), text);
    fc.assert(
      fc.property(fc.array(fc.tuple(token, text)), line, (options, one) => {
        const strange = networkOf(new Map(options));
        expect(strange.lineLength).toBeGreaterThanOrEqual(512);
        expect(strange.joinTargets).toBeGreaterThan(0);
        factOf(irc.ircLineParser(one), strange);
      }),
      { numRuns: 2_000 },
    );
  });

  it('make an address of every name that a line may bear, and none that carries a second line', () => {
    fc.assert(
      fc.property(text, (one) => {
        const address = addressOf(one);
        ircAddresses.kindOf(address);
        ircAddresses.display(address);
        expect(wireTarget(address) ?? '').not.toMatch(/[\0\r\n ,]/);
      }),
      { numRuns: 2_000 },
    );
  });
});
