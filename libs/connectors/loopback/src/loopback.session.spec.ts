/* What the loopback can do beyond what every connector must (that is loopback.conformance.spec.ts). */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  can,
  wireIdOf,
  type JsonObject,
  type OutboundEnvelope,
  type SendOutcome,
  type Session,
} from '#connector';
import { TestContext, until } from '#connector/testing';
import { newId, type AccountId } from '#model';
import { loopback, LoopbackServer } from './index.js';

interface Rig {
  readonly session: Session;
  readonly context: TestContext;
  readonly account: AccountId;
}

// Longer than any wait for a fact, so that what was not seen is said by name.
let server: LoopbackServer;
const open: Session[] = [];

beforeEach(async () => {
  server = await LoopbackServer.start();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((session) => session.close('asked')));
  await server[Symbol.asyncDispose]();
});

interface Options {
  readonly rooms?: readonly { readonly address: string; readonly options: JsonObject }[];
  readonly settings?: JsonObject;
  readonly context?: TestContext;
  readonly account?: AccountId;
}

function begin(name: string, options: Options = {}): Rig {
  const { rooms = [], context = new TestContext(), account = newId<'AccountId'>() } = options;
  const times = { backoffMs: 5, backoffMaxMs: 50, answerMs: 1_000 };
  const settings = { host: server.host, port: server.port, name, ...times, ...options.settings };
  const session = loopback.open({ id: newId<'LinkId'>(), settings }, context);
  open.push(session);
  session.attach({ id: account, desired: { rooms, contacts: [], presence: { presence: 'available' } } });
  session.connect();
  return { session, context, account };
}

async function online(name: string, options: Options = {}): Promise<Rig> {
  const rig = begin(name, options);
  await until('online', () => rig.context.stateOf(rig.account)?.state === 'online');
  return rig;
}

function envelope({ account }: Rig, to: string, text: string): OutboundEnvelope {
  const conversationKind = loopback.addresses.kindOf(to) ?? 'direct';
  return { id: newId(), account, kind: 'message', to, conversationKind, content: { text }, attempt: 1 };
}

function send({ session }: Rig, outbound: OutboundEnvelope): Promise<SendOutcome> {
  return session.send(outbound, new AbortController().signal);
}

function say(rig: Rig, to: string, text: string): Promise<SendOutcome> {
  return send(rig, envelope(rig, to, text));
}

function resolve({ session }: Rig, outbound: OutboundEnvelope) {
  if (!can(session, 'resolves-unknown')) throw new Error('the session cannot tell');
  return session.resolve(outbound, new AbortController().signal);
}

describe('a loopback session', () => {
  it('sends and receives thousands of messages, pipelined and in order', async () => {
    const rig = await online('alice');
    const many = 3_000;
    const envelopes = Array.from({ length: many }, (_, i) => envelope(rig, 'bob', `message ${String(i)}`));
    let next = 0;
    const lane = async (): Promise<void> => {
      for (;;) {
        const mine = envelopes[next++];
        if (!mine) return;
        const { outcome } = await send(rig, mine);
        if (outcome !== 'sent') throw new Error(outcome);
      }
    };
    await Promise.all(Array.from({ length: 256 }, lane));
    expect(server.received.map(({ wire }) => wire)).toEqual(envelopes.map(({ id }) => wireIdOf(id, 0)));
    for (let i = 0; i < many; i++) server.say('bob', 'alice', `answer ${String(i)}`);
    await until('all heard', () => rig.context.heard().length === many);
    expect(rig.context.heard().map(({ content }) => content.text)).toEqual(
      Array.from({ length: many }, (_, i) => `answer ${String(i)}`),
    );
    await until('all acknowledged', () => server.unacknowledged('alice') === 0);
    expect(rig.context.breaches).toEqual([]);
  });

  it('tells what the server answers: later, refused, sent with its id', async () => {
    const rig = await online('alice');
    server.laterNext(40);
    server.refuseNext('insufficient-credit', 1, 'Nothing left.');
    expect(await say(rig, 'bob', 'one')).toMatchObject({ outcome: 'later', retryAfterMs: 40 });
    expect(await say(rig, 'bob', 'two')).toMatchObject({
      outcome: 'refused',
      failure: { code: 'insufficient-credit', detail: 'Nothing left.' },
    });
    const outcome = await say(rig, 'bob', 'three');
    const [received] = server.received;
    expect(outcome).toMatchObject({
      outcome: 'sent',
      parts: [{ remoteId: { id: received?.id, by: 'network' } }],
    });
    expect(server.received).toHaveLength(1);
    server.banish('carol');
    expect(await say(rig, 'carol', 'four')).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-found' },
    });
  });

  it('calls pending what nobody answers, and finds out whether it arrived', async () => {
    const rig = await online('alice', { settings: { answerMs: 20 } });
    server.silentSends(1, 'kept');
    server.silentSends(1, 'lost');
    const [kept, lost] = [envelope(rig, 'bob', 'kept'), envelope(rig, 'bob', 'lost')];
    expect(await send(rig, kept)).toEqual({ outcome: 'pending', parts: 1 });
    expect(await send(rig, lost)).toEqual({ outcome: 'pending', parts: 1 });
    expect(await resolve(rig, kept)).toBe('present');
    expect(await resolve(rig, lost)).toBe('absent');
    expect(server.heard('bob')).toMatchObject([{ text: 'kept' }]);
    expect(rig.context.messages()).toEqual([]);
  });

  it('calls unknown what the link took with it, and finds out after it is back', async () => {
    const rig = await online('alice');
    server.cutAfter(1);
    const envelopes = ['one', 'two', 'three'].map((text) => envelope(rig, 'bob', text));
    const outcomes = await Promise.all(envelopes.map((each) => send(rig, each)));
    expect(outcomes.slice(1).map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown']);
    await until('online again', () => rig.context.stateOf()?.state === 'online');
    expect(await Promise.all(envelopes.map((each) => resolve(rig, each)))).toEqual([
      'present',
      'present',
      'absent',
    ]);
    expect(envelopes.map(({ id }) => server.timesReceived(wireIdOf(id, 0)))).toEqual([1, 1, 0]);
  });

  it('cannot tell on a network that cannot', async () => {
    const rig = await online('alice', { settings: { resolvesUnknown: false } });
    expect(can(rig.session, 'resolves-unknown')).toBe(false);
  });

  it('passes receipts on, before the answer or long after it, and none where it asked for none', async () => {
    const rig = await online('alice');
    server.receipts({ delivered: 0, read: 0, beforeAnswer: true });
    server.answerLater(15);
    const early = envelope(rig, 'bob', 'early');
    const told = send(rig, early);
    await until('both receipts', () => rig.context.receipts().length === 2);
    expect(rig.context.receipts().map(({ about, state }) => ({ about, state }))).toEqual([
      { about: { wireId: wireIdOf(early.id, 0) }, state: 'delivered' },
      { about: { wireId: wireIdOf(early.id, 0) }, state: 'read' },
    ]);
    expect(await told).toMatchObject({ outcome: 'sent' });
    const silent = await online('carol', { settings: { receipts: false } });
    await say(silent, 'bob', 'hello');
    await until('the echo', () => silent.context.messages().length === 1);
    expect(silent.context.receipts()).toEqual([]);
    expect(silent.context.capabilitiesOf(silent.account)?.receipts).toBe('none');
  });

  it('keeps to the rate of its settings, follows the network’s, and wakes the house', async () => {
    const rig = await online('alice', { settings: { flood: { burst: 2, perSecond: 0.01 } } });
    if (!can(rig.session, 'paces')) throw new Error('it paces');
    expect(rig.session.allowance(rig.account)).toEqual({ envelopes: 2, againInMs: 0 });
    await say(rig, 'bob', 'one');
    await say(rig, 'bob', 'two');
    expect(await say(rig, 'bob', 'three')).toMatchObject({
      outcome: 'later',
      failure: { code: 'rate-limited' },
    });
    server.announceRate({ burst: 10, perSecond: 1_000 });
    await until('the house is woken', () => rig.context.woken.length > 0);
    expect(rig.context.woken).toEqual([rig.account]);
    const { session, account } = rig;
    await until('sending goes on', () => can(session, 'paces') && session.allowance(account).envelopes > 0);
    server.flood({ burst: 1, perSecond: 1 });
    expect(await say(rig, 'bob', 'three')).toMatchObject({ outcome: 'sent' });
    expect(await say(rig, 'bob', 'four')).toMatchObject({ outcome: 'later' });
  });

  it('marks what waited for it as catch-up, and what the network lost as a gap', async () => {
    server.say('bob', 'alice', 'while you were away');
    const rig = await online('alice');
    await until('it is heard', () => rig.context.heard().length === 1);
    expect(rig.context.heard()[0]).toMatchObject({
      mode: 'catch-up',
      content: { text: 'while you were away' },
    });
    await rig.session.close('asked');
    server.say('bob', 'alice', 'never to be seen');
    server.loseMail('alice', 'The network lost its mail.');
    const again = await online('alice', { account: rig.account });
    await until('the gap', () => again.context.storage.stored.some(({ type }) => type === 'gap'));
    expect(again.context.storage.stored).toMatchObject([
      { type: 'gap', reason: 'The network lost its mail.' },
    ]);
  });

  it('goes on from its stored position when acknowledgements were lost', async () => {
    server.withholdAcks(true);
    const first = await online('alice', { settings: { checkpoints: true } });
    for (const text of ['one', 'two', 'three']) server.say('bob', 'alice', text);
    await until('all are stored', () => first.context.heard().length === 3);
    server.say('bob', 'alice', 'four');
    await until('the position is stored', () => first.context.heard().length === 4);
    await first.session.close('shutdown');
    expect(server.unacknowledged('alice')).toBe(4);

    const house = new TestContext();
    for (const [key, value] of first.context.storage.keyValues) house.storage.keyValues.set(key, value);
    await online('alice', { settings: { checkpoints: true }, context: house, account: first.account });
    await until('the last is heard', () => house.heard().length > 0);
    // A position is what was known to be stored before, so the last batch comes again and never the first.
    expect(house.heard().map(({ content }) => content.text)).toEqual(['four']);
  });

  it('tells an own message of another client from its own', async () => {
    const rig = await online('alice');
    server.say('alice', 'bob', 'from my phone');
    await say(rig, 'bob', 'from here');
    await until('both are told', () => rig.context.messages().length === 2);
    expect(rig.context.messages().map(({ origin, conversation }) => ({ origin, conversation }))).toEqual([
      { origin: 'other-device', conversation: 'bob' },
      { origin: 'own', conversation: 'bob' },
    ]);
  });

  it('follows a rename that it witnesses', async () => {
    const rig = await online('alice');
    server.introduce({ address: '~guest', name: 'Guest', stable: 'bob' });
    server.say('~guest', 'alice', 'hello');
    server.rename('~guest', '~other');
    await until('the rename', () => rig.context.storage.stored.some(({ type }) => type === 'identity'));
    expect(rig.context.storage.stored.at(-1)).toMatchObject({
      type: 'identity',
      formerly: '~guest',
      party: { address: '~other', kind: 'transient', name: 'Guest', stableAddress: 'bob' },
    });
  });

  it('says why a room cannot be entered, and what an odd room lacks', async () => {
    server.arrange('#locked', { key: 'sesame' });
    server.arrange('#odd', { topic: 'No second thoughts', without: ['edits'] });
    server.arrange('#banned', { closed: 'banned' });
    const rig = await online('alice', {
      rooms: [
        { address: '#locked', options: { key: 'wrong' } },
        { address: '#odd', options: {} },
        { address: '#banned', options: {} },
      ],
    });
    await until('all three are told', () => rig.context.storage.stored.length === 3);
    expect(rig.context.storage.stored).toMatchObject([
      { conversation: '#locked', joined: false, failure: { code: 'not-allowed' } },
      { conversation: '#odd', joined: true, topic: 'No second thoughts' },
      { conversation: '#banned', joined: false, failure: { code: 'banned' } },
    ]);
    expect(rig.context.capabilitiesOf(rig.account, '#odd')).not.toHaveProperty('edits');
    if (can(rig.session, 'has-rooms')) {
      rig.session.setRooms(rig.account, [{ address: '#locked', options: { key: 'sesame' } }]);
    }
    await until('it is in', () => server.members('#locked').includes('alice'));
    await until('it is out', () => !server.members('#odd').includes('alice'));
  });

  it('tells a kick, a topic and an invitation with who did it', async () => {
    const rig = await online('alice', { rooms: [{ address: '#lobby', options: {} }] });
    await until('in the room', () => server.members('#lobby').includes('alice'));
    server.join('bob', '#lobby');
    server.topic('bob', '#lobby', 'Welcome');
    server.kick('bob', '#lobby', 'alice', 'Enough.');
    await until('the kick', () => rig.context.storage.stored.length === 3);
    expect(rig.context.storage.stored.slice(1)).toMatchObject([
      { act: 'topic', topic: 'Welcome', by: { address: 'bob' } },
      { act: 'kick', joined: false, detail: 'Enough.', by: { address: 'bob' } },
    ]);
    expect(can(rig.session, 'has-rooms') && rig.session.occupants(rig.account, '#lobby')).toEqual([]);
  });

  it('answers requests', async () => {
    const rig = await online('alice', { rooms: [{ address: '#lobby', options: {} }] });
    const { session } = rig;
    await until('in the room', () => server.members('#lobby').includes('alice'));
    const ask = async (kind: string, options: JsonObject, conversation?: string) => {
      if (!can(session, 'takes-requests')) throw new Error('it takes requests');
      const request = { kind, options, ...(conversation === undefined ? {} : { conversation }) };
      return session.request(rig.account, request, new AbortController().signal);
    };
    expect(await ask('topic', { text: 'New' }, '#lobby')).toEqual({ outcome: 'done', answer: null });
    expect(await ask('list-rooms', {})).toEqual({
      outcome: 'done',
      answer: [{ address: '#lobby', topic: 'New', members: 1 }],
    });
    expect(await ask('whois', { who: 'alice' })).toMatchObject({
      answer: { address: 'alice', presence: 'available' },
    });
    expect(await ask('invite', { who: 'bob' }, '#lobby')).toMatchObject({ outcome: 'done' });
    expect(server.heard('bob')).toMatchObject([{ kind: 'room', act: 'invite', conversation: '#lobby' }]);
    expect(await ask('kick', { who: 'bob' }, '#elsewhere')).toMatchObject({ failure: { code: 'not-found' } });
  });

  it('gives way to a second session of its name, and asks the person', async () => {
    const first = await online('alice');
    await online('alice');
    await until('the first gives way', () => first.context.stateOf()?.state === 'needs-person');
    expect(first.context.stateOf()).toMatchObject({ code: 'resource-conflict' });
    expect(server.conflicts).toBe(1);
    await until('its connection is closed', () => server.clients === 1);
  });

  it('takes no second account of the same address onto a link', async () => {
    const rig = await online('alice');
    const second = newId<'AccountId'>();
    rig.session.attach({
      id: second,
      desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
    });
    expect(rig.context.stateOf(second)).toMatchObject({ state: 'needs-person', code: 'name-in-use' });
    expect(rig.context.stateOf(rig.account)?.state).toBe('online');
  });

  it('says to the network what will never be stored', async () => {
    const rig = await online('alice');
    rig.context.storage.failNext({ fault: 'refused', failure: { code: 'too-large', remedy: 'give-up' } });
    server.say('bob', 'alice', 'poison');
    await until('it is declined', () => server.declined('alice').length === 1);
    expect(server.declined('alice')).toEqual([{ n: 1, code: 'too-large' }]);
    await until('nothing is owed', () => server.unacknowledged('alice') === 0);
  });
});
