/*
 * What was said on IRC while we were not there, through the whole house: the built server is a process of its own, so a
 * kill is one; the IRC server lives in this process, keeps history, and holds back what it is told to hold back. Its
 * clock is ours to set: absences last hours.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Account, Conversation, Gap, Mark, Message, MessagePage } from '#api';
import { eventually, plainClient, type PlainClient } from '#peers';
import { startSandboxIrc, type SandboxClient, type SandboxIrc } from '#sandbox';
import { House } from '../testing/house.js';

const hour = 3_600_000;
/** A busy machine starts a server slowly. */
const patient = 20_000;
const missed = 300;
/** The server's pages are small, so that catching up takes many. */
const page = 20;

const numbered = (word: string, from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `${word} ${String(from + index)}`);

type Which = (line: string, client: SandboxClient) => boolean;

/** Keeps back what clients say to a server, until it is let through. */
class Barrier {
  readonly #held: (() => void)[] = [];
  #which: Which | undefined;

  constructor(private readonly server: SandboxIrc) {
    server.intercept((line, client) => {
      if (this.#which?.(line, client) !== true) return false;
      this.#held.push(() => {
        if (!client.isClosed) client.does(line);
      });
      return true;
    });
  }

  /** Holds back whoever comes from now on. */
  newcomers(): void {
    const known = new Set(this.server.clients);
    this.#which = (_, client) => !known.has(client);
  }

  /** Lets go what is held, and from now on holds back all questions for more but the first few. */
  questionsAfter(many: number): void {
    let asked = 0;
    this.#open((line) => line.includes('CHATHISTORY AFTER') && ++asked > many);
  }

  open(): void {
    this.#open(undefined);
  }

  async holdsSomething(): Promise<void> {
    await eventually('something is held back', () => this.#held.length > 0, patient);
  }

  #open(which: Which | undefined): void {
    this.#which = which;
    for (const letGo of this.#held.splice(0)) letGo();
  }
}

describe('what was said on IRC while nobody listened', () => {
  const stack: AsyncDisposable[] = [];
  /** How far behind ours the server's clock is. */
  let ago = 9 * hour;
  let server: SandboxIrc;
  let barrier: Barrier;
  let house: House;
  let bob: PlainClient;
  let carol: PlainClient;
  /** Another client of alice's, under her account. */
  let phone: PlainClient;
  let lobby: Conversation;

  const account = (port: number, more: object = {}): Promise<Account> =>
    house.ask('POST', '/v1/accounts', {
      connector: 'irc',
      label: 'Lab',
      settings: {
        host: '127.0.0.1',
        port,
        tls: false,
        nick: 'alice',
        burst: 1_000,
        linesPerSecond: 1_000,
        ...more,
      },
      secrets: { password: 'sesame' },
    });
  const conversation = (of: Account, address: string, kind: string): Promise<Conversation> =>
    house.ask('POST', '/v1/conversations', { account: of.id, address, kind });
  const joined = async (room: Conversation): Promise<unknown> =>
    eventually(
      `alice is in ${room.address}`,
      async () => (await house.ask<Conversation>('GET', `/v1/conversations/${room.id}`)).joined,
      patient,
    );
  const all = async ({ id }: Conversation): Promise<{ messages: Message[]; gaps: Gap[] }> => {
    const messages: Message[] = [];
    const gaps: Gap[] = [];
    for (let before = ''; ;) {
      const path = `/v1/conversations/${id}/messages?limit=200${before}`;
      const { items, next, ...rest } = await house.ask<MessagePage>('GET', path);
      messages.unshift(...items.filter(({ kind }) => kind === 'message'));
      gaps.unshift(...rest.gaps);
      if (next === undefined) return { messages, gaps };
      before = `&before=${next}`;
    }
  };
  const stored = async (place: Conversation, text: string): Promise<Message> =>
    eventually(
      `"${text}" is stored`,
      async () => {
        const path = `/v1/conversations/${place.id}/messages?limit=200`;
        return (await house.ask<MessagePage>('GET', path)).items.find((message) => message.text === text);
      },
      patient,
    );
  const mine = async ({ id }: Conversation): Promise<Mark> =>
    (await house.ask<{ mine: Mark }>('GET', `/v1/conversations/${id}`)).mine;
  const texts = (messages: readonly Message[]): readonly string[] => messages.map(({ text }) => text);
  /** Returns when the server has dealt with all that a client has said. */
  let pings = 0;
  const said = async (client: PlainClient): Promise<void> => {
    const word = `said${String(++pings)}`;
    client.send(`PING ${word}`);
    await client.waitFor(new RegExp(`PONG .*${word}`), { deadlineMs: patient });
  };
  const says = async (client: PlainClient, target: string, lines: readonly string[]): Promise<void> => {
    for (const line of lines) client.say(target, line);
    await said(client);
  };
  /** Cuts or kills so that nobody hears anything until the barrier is opened. */
  const absent = async (end: (link: SandboxClient) => Promise<void>): Promise<void> => {
    const link = await server.client('alice');
    barrier.newcomers();
    await end(link);
    await link.gone();
  };
  /** The pages of a conversation that were asked for by whoever is alice now. */
  const asked = async (target: string): Promise<number> =>
    (await server.client('alice')).lines.filter((line) => line.includes(`CHATHISTORY AFTER ${target} `))
      .length;
  const caughtUp = async (target: string, pages: number): Promise<unknown> =>
    eventually(
      `${target} has been asked for to its end`,
      async () => (await asked(target)) >= pages,
      patient,
    );

  beforeAll(async () => {
    server = await startSandboxIrc({
      tokens: { CHATHISTORY: page },
      accounts: [{ name: 'alice', password: 'sesame' }],
      // Nobody is thrown out for their silence of hours.
      pingEveryMs: 20 * hour,
      now: () => Date.now() - ago,
    });
    stack.push(server);
    barrier = new Barrier(server);
    [bob, carol, phone] = (await Promise.all(
      ['bob', 'carol', 'phone'].map((nick) => plainClient({ port: server.port, nick })),
    )) as [PlainClient, PlainClient, PlainClient];
    stack.push(bob, carol, phone);
    server.signIn('phone', 'alice');
    await bob.join('#lobby');
    await bob.join('#attic');
    for (const line of numbered('old', 0, 50)) {
      await says(bob, '#attic', [line]);
      ago -= 1_000;
    }
    ago = 8 * hour;
    house = await House.open();
    stack.push(house);
    lobby = await conversation(await account(server.port, { saslAccount: 'alice' }), '#lobby', 'room');
    await joined(lobby);
  }, 120_000);
  afterAll(async () => {
    for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
  });

  const direct = (nick: string): Promise<Conversation> =>
    house.ask('POST', '/v1/conversations', { account: lobby.account, address: nick, kind: 'direct' });

  it('comes once and in order when the link was cut, with what is said meanwhile behind it', async () => {
    await says(bob, '#lobby', numbered('line', 0, 5));
    await says(bob, 'alice', ['hello 0']);
    const { cursor } = await stored(lobby, 'line 4');
    const withBob = await direct('bob');
    await stored(withBob, 'hello 0');
    await house.ask('PUT', `/v1/conversations/${lobby.id}/read`, { cursor });

    await absent((link) => {
      link.cut();
      return Promise.resolve();
    });
    ago = 7 * hour;
    await says(bob, '#lobby', numbered('line', 5, 5 + missed));
    await says(bob, 'phone', numbered('hello', 1, 20));
    ago -= 1_000;
    await says(phone, 'bob', ['hello 20']);
    ago -= 1_000;
    await says(bob, 'phone', numbered('hello', 21, 46));
    barrier.questionsAfter(2);
    await barrier.holdsSomething();
    ago = 6 * hour;
    await says(bob, '#lobby', numbered('line', 305, 310));
    await stored(lobby, 'line 309');
    barrier.open();
    // So many pages hold something, and one is empty.
    await caughtUp('#lobby', Math.ceil(missed / page) + 1);
    await caughtUp('bob', 3);
    await says(bob, '#lobby', ['line 310']);
    await says(bob, 'alice', ['hello 46']);
    await stored(lobby, 'line 310');
    await stored(withBob, 'hello 46');

    const { messages, gaps } = await all(lobby);
    expect(texts(messages)).toEqual(numbered('line', 0, 311));
    expect(messages.map(({ mode }) => mode)).toEqual(
      numbered('', 0, 311).map((_, line) => (line >= 5 && line < 305 ? 'catch-up' : 'live')),
    );
    expect(gaps).toEqual([]);
    expect(await mine(lobby)).toMatchObject({ unread: 306 });
    const private_ = await all(withBob);
    expect(texts(private_.messages)).toEqual(numbered('hello', 0, 47));
    expect(private_.messages.findIndex(({ origin }) => origin === 'other-device')).toBe(20);
    expect(private_.gaps).toEqual([]);
    // What alice answered from her phone she has read.
    expect(await mine(withBob)).toMatchObject({ unread: 26 });
  }, 120_000);

  it('comes once and in order although we are killed in the middle of it, and again', async () => {
    const withBob = await direct('bob');
    const withCarol = await direct('carol');
    await absent(() => house.kill());
    ago = 5 * hour;
    await says(bob, '#lobby', numbered('line', 311, 311 + missed));
    await says(bob, 'phone', numbered('hello', 47, 107));
    for (const kill of [0, 1]) {
      barrier.questionsAfter(3);
      await house.start();
      await barrier.holdsSomething();
      ago = (4 - kill) * hour;
      await says(bob, '#lobby', [`line ${String(611 + 2 * kill)}`]);
      await says(carol, 'alice', [`carol ${String(2 * kill)}`]);
      await stored(lobby, `line ${String(611 + 2 * kill)}`);
      await stored(withCarol, `carol ${String(2 * kill)}`);
      expect(texts((await all(lobby)).messages)).not.toContain('line 610');
      await absent(() => house.kill());
      await says(bob, '#lobby', [`line ${String(612 + 2 * kill)}`]);
      await says(carol, 'phone', [`carol ${String(1 + 2 * kill)}`]);
    }
    barrier.open();
    await house.start();
    await stored(withBob, 'hello 106');
    await stored(withCarol, 'carol 3');
    await stored(lobby, 'line 614');
    await joined(lobby);
    ago = 2 * hour;
    await says(bob, '#lobby', ['line 615']);
    await stored(lobby, 'line 615');

    const { messages, gaps } = await all(lobby);
    expect(texts(messages)).toEqual(numbered('line', 0, 616));
    expect(gaps).toEqual([]);
    expect(await mine(lobby)).toMatchObject({ unread: 611 });
    expect(texts((await all(withBob)).messages)).toEqual(numbered('hello', 0, 107));
    expect(await mine(withBob)).toMatchObject({ unread: 86 });
    expect(texts((await all(withCarol)).messages)).toEqual(numbered('carol', 0, 4));
    expect((await all(withCarol)).gaps).toEqual([]);
  }, 120_000);

  it('is older than we are there, and fetched when asked for: before all else, read, and once', async () => {
    ago = hour;
    const attic = await house.ask<Conversation>('POST', '/v1/conversations', {
      account: lobby.account,
      address: '#attic',
      kind: 'room',
    });
    await joined(attic);
    await says(bob, '#attic', ['now']);
    const now = await stored(attic, 'now');
    const before = await mine(attic);
    const { cursor } = await house.ask<{ cursor: string }>('GET', '/v1/snapshot?limit=1');
    const more = async (options: object): Promise<{ stored: number; complete: boolean }> =>
      (
        await house.ask<{ answer: { stored: number; complete: boolean } }>(
          'POST',
          `/v1/conversations/${attic.id}/requests`,
          { kind: 'history', options },
        )
      ).answer;
    const answers = [];
    for (let complete = false; !complete && answers.length < 9;) {
      answers.push(await more({ limit: 200 }));
      complete = answers.at(-1)?.complete === true;
    }
    expect(answers).toEqual([
      { stored: 20, complete: false },
      { stored: 20, complete: false },
      { stored: 10, complete: false },
      { stored: 0, complete: true },
    ]);
    const { messages, gaps } = await all(attic);
    expect(texts(messages)).toEqual([...numbered('old', 0, 50), 'now']);
    expect(new Set(messages.slice(0, 50).map(({ mode }) => mode))).toEqual(new Set(['history']));
    expect(messages.at(-1)).toEqual(now);
    expect(gaps).toEqual([]);
    expect(before.unread).toBe(1);
    expect(await mine(attic)).toEqual(before);
    // Whoever listens is told of messages, and that they are of old.
    const { items } = await house.ask<{ items: { event: { type: string; data: unknown } }[] }>(
      'GET',
      `/v1/events?since=${cursor}&limit=200`,
    );
    expect(items.map(({ event }) => event.type)).toEqual(messages.slice(1).map(() => 'message.created'));
    expect(items.every(({ event }) => JSON.stringify(event).includes('"mode":"history"'))).toBe(true);
    expect(await more({ limit: 200 })).toEqual({ stored: 0, complete: true });
    expect((await more({ before: messages.at(40)?.position, limit: 200 })).stored).toBe(0);
    expect((await all(attic)).messages).toEqual(messages);
  }, 120_000);

  it('is a gap where the server keeps no history', async () => {
    await using plain = await startSandboxIrc({ withoutCaps: ['draft/chathistory'] });
    await using dave = await plainClient({ port: plain.port, nick: 'dave' });
    await dave.join('#hall');
    const hall = await conversation(await account(plain.port), '#hall', 'room');
    await joined(hall);
    await says(dave, '#hall', ['heard']);
    await stored(hall, 'heard');
    const closed = new Barrier(plain);
    const link = await plain.client('alice');
    closed.newcomers();
    link.cut();
    await closed.holdsSomething();
    await says(dave, '#hall', ['lost']);
    closed.open();
    await dave.waitFor(/:alice!\S+ JOIN/, { after: dave.lines.length, deadlineMs: patient });
    await says(dave, '#hall', ['back']);
    await stored(hall, 'back');
    const { messages, gaps } = await all(hall);
    expect(texts(messages)).toEqual(['heard', 'back']);
    expect(gaps).toHaveLength(1);
    expect(Date.parse(gaps[0]?.until ?? '')).toBeGreaterThan(Date.parse(gaps[0]?.from ?? ''));
  }, 120_000);
});
