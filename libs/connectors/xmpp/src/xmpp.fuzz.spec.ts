/*
 * What a hostile server can do to a session: nothing but end it. Stanzas are drawn from a corpus of real ones and maimed
 * (testing/hostile-stanzas.ts); the same seed gives the same stanzas, and a failure says which it was:
 *
 *     PARLEY_FUZZ_SEED=7 PARLEY_FUZZ_STANZAS=100000 npm test -- libs/connectors/xmpp/src/xmpp.fuzz
 */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { can, type EmitOutcome, type InboundBatch, type OutboundEnvelope, type Session } from '#connector';
import { breachesOf, TestContext } from '#connector/testing';
import { beforeCorpus, corpus, HostileStanzas, seeded } from '#connectors/xmpp/testing';
import { newId, type AccountId, type SessionState } from '#model';
import { eventually, leastOf, watchTurns } from '#peers';
import { startSandboxXmpp, type SandboxXmpp, type SandboxXmppClient } from '#sandbox';
import { createXmpp } from './index.js';

jest.setTimeout(120_000);
const seeds = process.env['PARLEY_FUZZ_SEED']?.split(',').map(Number) ?? [1, 2];
const stanzas = Number(process.env['PARLEY_FUZZ_STANZAS'] ?? 3_000);
const room = 'lounge@rooms.xmpp.sandbox';
const never = new AbortController().signal;

/** A house that judges what it is told and keeps little of it, so that what grows is not the house. */
class Judge extends TestContext {
  readonly texts: string[] = [];

  override emit(batch: InboundBatch): Promise<readonly EmitOutcome[]> {
    for (const event of batch.events) {
      const text = JSON.stringify(event);
      this.breaches.push(...breachesOf(event).map((breach) => `${breach}: ${text.slice(0, 2_000)}`));
      // Half characters and NUL are in no text that a table takes.
      if (/\\u(?:0000|d[89a-f])/.test(text))
        this.breaches.push(`a text that is none: ${text.slice(0, 2_000)}`);
      if (event.type === 'message') this.texts.push(event.content.text);
    }
    this.texts.splice(0, Math.max(0, this.texts.length - 20));
    for (const { facts, sentence } of this.logged.splice(0)) {
      if (sentence.includes('could not be taken'))
        this.breaches.push(`${sentence}: ${JSON.stringify(facts)}`);
    }
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
const servers: SandboxXmpp[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((session) => session.close('asked')));
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

interface Begun {
  readonly house: Judge;
  readonly session: Session;
  readonly account: AccountId;
  readonly server: SandboxXmpp;
}

async function begin(): Promise<Begun> {
  const server = await startSandboxXmpp({ accounts: [{ name: 'alice', password: 'tulip' }] });
  servers.push(server);
  // What is said here is not counted.
  server.misbehave({ believeAnyCount: true });
  const house = new Judge({ secrets: { password: 'tulip' } });
  const account = newId<'AccountId'>();
  const timings = {
    connect: 2_000,
    negotiate: 5_000,
    answer: 500,
    iq: 100,
    firstRetry: 20,
    longestRetry: 100,
    throttled: 30,
    rejoin: 100,
    close: 300,
  };
  const session = createXmpp({ timings }).open(
    {
      id: newId<'LinkId'>(),
      settings: { jid: 'alice@xmpp.sandbox', host: server.host, port: server.port, security: 'none' },
    },
    house,
  );
  opened.push(session);
  const rooms = [{ address: room, options: {} }];
  session.attach({
    id: account,
    desired: { rooms, contacts: [], presence: { presence: 'away', note: 'fuzzing' } },
  });
  session.connect();
  return { house, session, account, server };
}

function envelope(account: AccountId, to: string): OutboundEnvelope {
  return {
    id: newId(),
    account,
    kind: 'message',
    to,
    conversationKind: to === room ? 'room' : 'direct',
    content: { text: 'a word from us' },
    attempt: 1,
  };
}

/** What a house does meanwhile: it sends, asks and looks. Nothing of it may reject. */
async function useIt({ session, account }: Begun): Promise<void> {
  const soon = AbortSignal.timeout(100);
  const asked: Promise<unknown>[] = [
    session.send(envelope(account, room), soon),
    session.send(envelope(account, 'bob@xmpp.sandbox'), soon),
  ];
  if (can(session, 'takes-requests')) {
    for (const kind of session.requestKinds) {
      const options = {
        topic: 't',
        subject: 't',
        address: 'bob@xmpp.sandbox',
        nick: 'bob',
        limit: 5,
        search: 'x',
      };
      asked.push(session.request(account, { kind, conversation: room, options }, soon));
      asked.push(session.request(account, { kind, options }, soon));
    }
  }
  const timeout = new Promise((over) => setTimeout(over, 5_000).unref());
  await Promise.race([Promise.all(asked), timeout]);
}

/** Where a session may be after anything: it goes on, it backs off, or it waits for its person. */
const ends: readonly SessionState['state'][] = ['online', 'backing-off', 'needs-person', 'connecting'];

/** The connection that is online now; a session that has ended is made to come back. */
async function alive({ house, session, server }: Begun): Promise<SandboxXmppClient> {
  return eventually(
    `it is online; now ${JSON.stringify(house.stateOf())}`,
    () => {
      const state = house.stateOf()?.state;
      if (state === 'needs-person') session.connect();
      const last = server.clients.at(-1);
      return state === 'online' && last?.isClosed === false && last.address !== undefined ? last : undefined;
    },
    20_000,
  );
}

/** A server that behaves from now on: the session must find its way back to it and work. */
async function recovers(begun: Begun): Promise<void> {
  const { server, session, account, house } = begun;
  server.intercept(undefined);
  for (const client of server.clients) client.cut();
  await eventually('all are gone', () => server.clients.every(({ isClosed }) => isClosed));
  server.forget('alice');
  server.misbehave({});
  await alive(begun);
  const bob = server.observer('bob');
  await eventually(
    'it hears again',
    () => {
      bob.say('alice@xmpp.sandbox', 'a clean word');
      return house.texts.includes('a clean word');
    },
    20_000,
  );
  expect(await session.send(envelope(account, bob.address), never)).toMatchObject({ outcome: 'sent' });
  await bob.hearing('a word from us');
}

describe.each(seeds)('a server gone mad (seed %i)', (seed) => {
  it('harms nothing by what it says to a session that is online', async () => {
    const begun = await begin();
    const { house } = begun;
    const hostile = new HostileStanzas(seed, corpus, { me: 'alice@xmpp.sandbox/r', room });
    let said = 0;
    while (said < stanzas) {
      const client = await alive(begun);
      const batch = Array.from({ length: 100 }, () => hostile.wellFormed());
      client.say(batch.join(''));
      said += batch.length;
      const using = useIt(begun);
      if (said % 500 === 0) client.write(hostile.broken());
      await using;
      expect({ seed, said, breaches: house.breaches }).toEqual({ seed, said, breaches: [] });
      expect(ends).toContain(house.stateOf()?.state);
    }
    await recovers(begun);
    expect({ seed, breaches: house.breaches }).toEqual({ seed, breaches: [] });
  });

  it('harms nothing by what it says to one that signs in', async () => {
    const begun = await begin();
    const { server, house, session } = begun;
    const hostile = new HostileStanzas(seed, [...beforeCorpus, ...beforeCorpus, ...corpus], {
      me: 'alice@xmpp.sandbox/r',
      room,
    });
    const random = seeded(seed);
    // At any step of it, in place of the answer or before it.
    server.intercept((_, client) => {
      const count = Math.floor(random() * 4);
      for (let i = 0; i < count; i++) {
        if (random() < 0.1) client.write(hostile.broken());
        else client.say(hostile.wellFormed());
      }
      return count === 3;
    });
    const tries = Math.min(60, Math.ceil(stanzas / 50));
    await eventually(
      `it has tried ${String(tries)} times`,
      () => {
        if (house.stateOf()?.state === 'needs-person') session.connect();
        const last = server.clients.at(-1);
        if (last !== undefined && !last.isClosed && last.stanzas.length > 2) last.cut();
        return server.clients.length >= tries;
      },
      90_000,
    );
    await recovers(begun);
    expect({ seed, breaches: house.breaches }).toEqual({ seed, breaches: [] });
  });
});

describe('no stanza', () => {
  const large: readonly (readonly [string, string])[] = [
    ['of one long text', `<body>${'x'.repeat(900_000)}</body>`],
    ['of styling without end', `<body>${'*_~`'.repeat(200_000)}</body>`],
    ['of quotes without end', `<body>${'&gt;'.repeat(100_000)}\n</body>`],
    ['of twenty thousand elements', `<body>x</body>${"<a xmlns='urn:x'/>".repeat(20_000)}`],
    [
      'of a thousand reactions',
      `<reactions xmlns='urn:xmpp:reactions:0' id='x'>${'<reaction>👍</reaction>'.repeat(1_000)}</reactions>`,
    ],
    [
      'of ten thousand stamps',
      `<body>x</body>${"<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/>".repeat(10_000)}`,
    ],
    [
      'of ten thousand ids',
      `<body>x</body>${"<stanza-id xmlns='urn:xmpp:sid:0' by='alice@xmpp.sandbox' id='x'/>".repeat(10_000)}`,
    ],
    [
      'of many attributes',
      `<body>x</body><a xmlns='urn:x' ${Array.from({ length: 90 }, (_, i) => `a${String(i)}='${'y'.repeat(5_000)}'`).join(' ')}/>`,
    ],
  ];
  it.each(large)('%s holds the others up', async (_, inside) => {
    const begun = await begin();
    let tries = 0;
    const longest = async (): Promise<number> => {
      const client = await alive(begun);
      const after = `after ${String(++tries)}`;
      const text = Buffer.from(
        `<message from='bob@xmpp.sandbox/x' to='alice@xmpp.sandbox' type='chat' id='large-${String(tries)}'>${inside}</message>` +
          `<message from='bob@xmpp.sandbox/x' to='alice@xmpp.sandbox' type='chat' id='after-${String(tries)}'><body>${after}</body></message>`,
      );
      const turns = watchTurns();
      client.write(text);
      await eventually('it is over', () => begun.house.texts.includes(after) || client.isClosed, 20_000);
      return turns.end();
    };
    expect(await leastOf(50, longest)).toBeLessThan(50);
  });
});
