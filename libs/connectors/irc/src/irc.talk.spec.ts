/* What is said beyond plain words, both ways, on the sandbox: all of IRCv3, and a server that muddles its answers. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { can, wireIdOf, type OutboundEnvelope, type RemoteId, type Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId, type MessageContent, type Span } from '#model';
import { eventually, plainClient, type PlainClient } from '#peers';
import { startSandboxIrc, type SandboxIrc, type SandboxOptions } from '#sandbox';
import { createIrc } from './index.js';

const ends: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const tagged = ['message-tags', 'echo-message', 'batch', 'draft/message-redaction', 'draft/multiline'];
const signal = new AbortController().signal;

interface Rig {
  readonly server: SandboxIrc;
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  /** A plain client in the room, with tags. */
  readonly bob: PlainClient;
  /** One without any IRCv3. */
  readonly old: PlainClient;
}

async function client(
  server: SandboxIrc,
  nick: string,
  capabilities: readonly string[],
): Promise<PlainClient> {
  const made = await plainClient({ port: server.port, nick, capabilities });
  ends.push(() => made[Symbol.asyncDispose]());
  await made.join('#lobby');
  return made;
}

/** A session of alice's in #lobby, with bob, who has tags, and an old client. */
async function rig(options: SandboxOptions = {}, settings: Record<string, number> = {}): Promise<Rig> {
  const server = await startSandboxIrc(options);
  ends.push(() => server[Symbol.asyncDispose]());
  const offered =
    options.caps === false ? [] : tagged.filter((cap) => options.withoutCaps?.includes(cap) !== true);
  const bob = await client(server, 'bob', offered);
  const old = await client(server, 'olga', []);
  const house = new TestContext();
  const account = newId<'AccountId'>();
  const session = createIrc({ timings: { idle: 300, answer: 3_000, pending: 4_000 } }).open(
    {
      id: newId<'LinkId'>(),
      settings: {
        host: '127.0.0.1',
        port: server.port,
        tls: false,
        nick: 'alice',
        burst: 500,
        linesPerSecond: 500,
        ...settings,
      },
    },
    house,
  );
  ends.push(() => session.close('asked'));
  session.attach({
    id: account,
    desired: {
      rooms: [{ address: '#lobby', options: {} }],
      contacts: [],
      presence: { presence: 'available' },
    },
  });
  session.connect();
  await eventually('alice is in the room', () =>
    house.storage.stored.some((event) => event.type === 'room' && event.joined === true),
  );
  return { server, house, session, account, bob, old };
}

async function say(
  { session, account }: Rig,
  content: MessageContent,
  more: Partial<OutboundEnvelope> = {},
): Promise<OutboundEnvelope> {
  const envelope: OutboundEnvelope = {
    id: newId(),
    account,
    kind: 'message',
    to: '#lobby',
    conversationKind: 'room',
    content,
    attempt: 1,
    ...more,
  };
  const outcome = await session.send(envelope, signal);
  expect(outcome).toMatchObject({ outcome: 'pending' });
  return envelope;
}

/** The network's id of what we said: learnt from its echo. */
async function idOf({ house }: Rig, envelope: OutboundEnvelope): Promise<RemoteId> {
  return eventually(
    'its id is learnt',
    () => house.messages().find(({ wireId }) => wireId === wireIdOf(envelope.id, 0))?.remoteId,
  );
}

async function heard({ house }: Rig, text: string) {
  return eventually(`"${text}" is heard`, () => house.heard().find(({ content }) => content.text === text));
}

/** What became of a part, by echo or receipt. */
async function fateOf({ house }: Rig, envelope: OutboundEnvelope, part = 0) {
  const wireId = wireIdOf(envelope.id, part);
  return eventually('its fate is known', () => {
    const receipt = house.receipts().find(({ about }) => 'wireId' in about && about.wireId === wireId);
    if (receipt !== undefined) return receipt;
    return house.messages().some((message) => message.wireId === wireId && message.origin === 'own')
      ? { state: 'sent' as const }
      : undefined;
  });
}

const msgidIn = (line: string): string => /msgid=([^; ]+)/.exec(line)?.[1] ?? '';

describe('what is said of something that was said', () => {
  it('names it: replies both ways, by the ids that the server gave', async () => {
    const all = await rig();
    const question = await say(all, { text: 'shall we meet?' });
    const remoteId = await idOf(all, question);
    await say(
      all,
      { text: 'or not', replyTo: newId() },
      { target: { remoteIds: [remoteId], text: 'shall we meet?' } },
    );
    await all.bob.waitFor(new RegExp(`\\+draft/reply=${remoteId.id}[; ].* PRIVMSG #lobby :or not$`));
    await all.old.waitFor(/PRIVMSG #lobby :or not$/);
    expect(all.old.lines.join('\n')).not.toContain('> shall');
    all.bob.send(`@+draft/reply=${remoteId.id} PRIVMSG #lobby :yes`);
    expect(await heard(all, 'yes')).toMatchObject({ replyTo: remoteId });
  });

  it('is a reaction, and its end, both ways', async () => {
    const all = await rig();
    all.bob.say('#lobby', 'cake!');
    const { remoteId } = await heard(all, 'cake!');
    const target = { remoteIds: remoteId === undefined ? [] : [remoteId], text: 'cake!' };
    const reaction = { emoji: '🎂', removed: false };
    const sent = await say(all, { text: '' }, { kind: 'reaction', target, reaction });
    await all.bob.waitFor(new RegExp(`\\+draft/react=🎂.*:alice!\\S+ TAGMSG #lobby`));
    expect(await fateOf(all, sent)).toMatchObject({ state: 'sent' });
    await say(all, { text: '' }, { kind: 'reaction', target, reaction: { ...reaction, removed: true } });
    await all.bob.waitFor(/\+draft\/unreact=🎂/);
    all.bob.send(`@+draft/react=👍;+draft/reply=${remoteId?.id ?? ''} TAGMSG #lobby`);
    all.bob.send(`@+draft/unreact=👍;+draft/reply=${remoteId?.id ?? ''} TAGMSG #lobby`);
    await eventually('both are told', () => all.house.changes().length >= 2);
    // Our own have completed their envelopes, and are not told as somebody's.
    expect(all.house.changes()).toMatchObject([
      { type: 'reaction', target: remoteId, reaction: { emoji: '👍', removed: false }, origin: 'remote' },
      { type: 'reaction', target: remoteId, reaction: { emoji: '👍', removed: true } },
    ]);
  });

  it('takes it back, both ways, and a moderator takes back what others said', async () => {
    const all = await rig();
    const mistake = await say(all, { text: 'my secret' });
    const remoteId = await idOf(all, mistake);
    const sent = await say(
      all,
      { text: '' },
      { kind: 'retraction', target: { remoteIds: [remoteId], text: 'my secret' } },
    );
    await all.bob.waitFor(new RegExp(`:alice!\\S+ REDACT #lobby :?${remoteId.id}`));
    expect(await fateOf(all, sent)).toMatchObject({ state: 'sent' });
    const rude = await idOf(all, await say(all, { text: 'rude' }));
    // Bob came first and is the room's operator.
    all.bob.send(`REDACT #lobby ${rude.id} :be nice`);
    const told = await eventually('it is told', () => all.house.changes()[0]);
    expect(told).toMatchObject({ type: 'retraction', target: rude, vouched: true, origin: 'remote' });
    expect(all.house.changes()).toHaveLength(1);
  });

  it('fails with the server’s reason where it is refused', async () => {
    const all = await rig();
    const unknown: RemoteId = { scope: 'msgid', id: 'nobody-said-that', by: 'network' };
    const sent = await say(
      all,
      { text: '' },
      { kind: 'retraction', target: { remoteIds: [unknown], text: '' } },
    );
    expect(await fateOf(all, sent)).toMatchObject({ state: 'failed', failure: { code: 'not-found' } });
  });
});

describe('what a session can do', () => {
  it('follows what the server offers, while it is online', async () => {
    const all = await rig({ withoutCaps: ['draft/message-redaction'] });
    const level = (name: 'retractions' | 'reactions' | 'replies' | 'typing') =>
      all.house.capabilitiesOf(all.account)?.[name];
    expect([level('retractions'), level('reactions'), level('typing')]).toEqual(['none', 'native', 'native']);
    all.server.offer('draft/message-redaction');
    await eventually('it can be taken back', () => level('retractions') === 'native');
    all.server.withdraw('draft/message-redaction');
    await eventually('it cannot any more', () => level('retractions') === 'none');
    all.server.setTokens({ CLIENTTAGDENY: '*,-draft/reply' });
    await eventually('typing is denied', () => level('typing') === 'none');
    expect([level('reactions'), level('replies')]).toEqual(['fallback', 'native']);
  });

  it('is told in words where the server knows no tags', async () => {
    const all = await rig({ caps: false });
    const target = { remoteIds: [], text: 'shall we meet?' };
    await say(all, { text: 'yes', replyTo: newId() }, { target });
    await all.old.waitFor(/PRIVMSG #lobby :> shall we meet\?$/);
    const reaction = { emoji: '👍', removed: false };
    await say(all, { text: '' }, { kind: 'reaction', target, reaction });
    await all.old.waitFor(/PRIVMSG #lobby :\x01ACTION reacted with 👍 to “shall we meet\?”\x01$/);
    const back: OutboundEnvelope = {
      ...(await say(all, { text: 'oops' })),
      id: newId(),
      kind: 'retraction',
      target,
    };
    expect(await all.session.send(back, signal)).toMatchObject({ failure: { code: 'unsupported' } });
  });
});

describe('who writes', () => {
  it('is shown both ways, at most every three seconds, until something is said', async () => {
    const all = await rig();
    const { session, account, house, bob } = all;
    if (!can(session, 'shows-typing')) throw new Error('it shows typing');
    session.typing(account, '#lobby', true);
    session.typing(account, '#lobby', true);
    await bob.waitFor(/\+typing=active.*:alice!\S+ TAGMSG #lobby/);
    session.typing(account, '#lobby', false);
    await bob.waitFor(/\+typing=done.*:alice!/);
    session.typing(account, '#lobby', true);
    await say(all, { text: 'there' });
    session.typing(account, '#lobby', false);
    await say(all, { text: 'mark' });
    await bob.waitFor(/ PRIVMSG #lobby :mark$/);
    const told = bob.lines.filter((line) => line.includes(':alice!') && line.includes('+typing='));
    expect(told.map((line) => /typing=(\w+)/.exec(line)?.[1])).toEqual(['active', 'done', 'active']);
    bob.send('@+typing=active TAGMSG #lobby');
    await eventually('bob writes', () => house.typings.at(-1)?.active === true);
    bob.say('#lobby', 'done');
    await eventually('bob writes no more', () => house.typings.at(-1)?.active === false);
    expect(house.typings).toEqual([
      { conversation: '#lobby', address: 'bob', active: true },
      { conversation: '#lobby', address: 'bob', active: false },
    ]);
  });
});

describe('several lines', () => {
  it('are one message both ways, dressed as they are, and one part', async () => {
    const all = await rig();
    const spans: readonly Span[] = [{ start: 0, end: 5, style: { kind: 'bold' } }];
    const text = `first\n\n${'long '.repeat(150)}\nlast`;
    const sent = await say(all, { text, spans });
    const echo = await eventually('it comes back', () =>
      all.house.messages().find(({ wireId }) => wireId === wireIdOf(sent.id, 0)),
    );
    expect(echo.content).toEqual({ text, spans });
    expect(echo.remoteId).toBeDefined();
    await all.bob.waitFor(/BATCH \+\S+ draft\/multiline #lobby/);
    await all.old.waitFor(/PRIVMSG #lobby :last/);
    all.bob.send('BATCH +x draft/multiline #lobby');
    for (const line of ['one', '', 'two ']) all.bob.send(`@batch=x PRIVMSG #lobby :${line}`);
    all.bob.send('@batch=x;draft/multiline-concat PRIVMSG #lobby :and more');
    all.bob.send('BATCH -x');
    const message = await heard(all, 'one\n\ntwo and more');
    expect(message.remoteId).toBeDefined();
    expect(all.house.heard()).toHaveLength(1);
  });

  it('go in as few batches as the server’s limits allow, each a part with its own fate', async () => {
    const all = await rig({ multiline: { maxBytes: 600, maxLines: 4 } });
    const text = Array.from({ length: 10 }, (_, at) => `line ${String(at)}`).join('\n');
    const sent = await say(all, { text });
    for (const part of [0, 1, 2]) expect(await fateOf(all, sent, part)).toMatchObject({ state: 'sent' });
    const own = all.house.messages().filter(({ origin }) => origin === 'own');
    expect(own.map(({ content }) => content.text).join('\n')).toBe(text);
    expect(own).toHaveLength(3);
  });
});

describe('formatting', () => {
  it('goes out as codes and comes in as spans', async () => {
    const all = await rig();
    const spans: readonly Span[] = [
      { start: 0, end: 4, style: { kind: 'bold' } },
      { start: 5, end: 8, style: { kind: 'colour', foreground: '#ff0000' } },
    ];
    await say(all, { text: 'bold red', spans });
    await all.old.waitFor(/PRIVMSG #lobby :\x02bold\x0f \x0304red$/);
    all.old.say('#lobby', '\x1ditalic\x1d and \x0304,12both');
    expect((await heard(all, 'italic and both')).content.spans).toEqual([
      { start: 0, end: 6, style: { kind: 'italic' } },
      { start: 11, end: 15, style: { kind: 'colour', foreground: '#ff0000', background: '#0000fc' } },
    ]);
  });

  it('leaves no control character of a text on the wire', async () => {
    const all = await rig();
    await say(all, { text: '\x01VERSION\x01 \x02bold\x1b[31m' });
    await all.old.waitFor(/PRIVMSG #lobby :VERSION bold\[31m$/);
  });
});

describe('what clients ask of one another', () => {
  it('is answered to who asks, a few times, and never to rooms or answers', async () => {
    const all = await rig();
    const { bob, old, house } = all;
    old.send('PRIVMSG alice :\x01VERSION\x01');
    await old.waitFor(/:alice!\S+ NOTICE olga :\x01VERSION Parley\x01$/);
    old.send('PRIVMSG alice :\x01PING 12 34\x01');
    await old.waitFor(/NOTICE olga :\x01PING 12 34\x01$/);
    old.send('NOTICE alice :\x01VERSION\x01');
    old.send('PRIVMSG #lobby :\x01TIME\x01');
    for (let asked = 0; asked < 30; asked++) bob.send('PRIVMSG alice :\x01TIME\x01');
    bob.say('alice', 'that was all');
    await heard(all, 'that was all');
    await say(all, { text: 'heard' }, { to: 'bob', conversationKind: 'direct' });
    await bob.waitFor(/PRIVMSG bob :heard$/);
    const answers = [...bob.lines, ...old.lines].filter((line) => / NOTICE (?:bob|olga) :\x01/.test(line));
    expect(answers.length).toBeLessThanOrEqual(4);
    expect(house.heard().map(({ content }) => content.text)).toEqual(['that was all']);
  });
});

describe('to a part of a room', () => {
  it('is shown in the room with the mark, and can be said', async () => {
    const all = await rig();
    all.bob.send('MODE #lobby +o alice');
    all.bob.send('PRIVMSG @#lobby :operators only');
    expect(await heard(all, 'operators only')).toMatchObject({
      conversation: '#lobby',
      content: { audience: '@' },
    });
    const sent = await say(all, { text: 'understood', audience: '@' });
    await all.bob.waitFor(/PRIVMSG @#lobby :understood$/);
    expect(await fateOf(all, sent)).toMatchObject({ state: 'sent' });
    expect(all.old.lines.some((line) => line.includes('understood'))).toBe(false);
  });
});

describe('whatever a server does to its answers, a message completes and is told once', () => {
  const muddles: readonly [string, SandboxOptions, Parameters<SandboxIrc['misbehave']>[0]][] = [
    ['labels and echoes', {}, {}],
    ['echoes alone', { withoutCaps: ['labeled-response'] }, {}],
    ['labels alone', { withoutCaps: ['echo-message'] }, {}],
    ['neither', { withoutCaps: ['labeled-response', 'echo-message'] }, {}],
    ['nothing of IRCv3', { caps: false }, {}],
    ['labels that come twice', {}, { doubleLabels: true }],
    ['echoes that come twice', {}, { doubleEchoes: true }],
    ['echoes that lost their labels', {}, { dropLabels: true }],
  ];

  it.each(muddles)('%s', async (_name, options, mischief) => {
    const all = await rig(options);
    all.server.misbehave(mischief);
    const texts = ['one', 'two', 'two', 'three'];
    const sent: OutboundEnvelope[] = [];
    for (const text of texts) sent.push(await say(all, { text }));
    for (const envelope of sent) expect(await fateOf(all, envelope)).toMatchObject({ state: 'sent' });
    all.bob.say('#lobby', 'end');
    await heard(all, 'end');
    expect(all.old.heard('alice', '#lobby')).toEqual(texts);
    expect(all.house.messages().filter(({ origin }) => origin === 'other-device')).toEqual([]);
  });

  it('and is of unknown fate where the answer that was promised does not come', async () => {
    const all = await rig();
    all.server.misbehave({ dropEchoes: true });
    const sent = await say(all, { text: 'lost' });
    expect(await fateOf(all, sent)).toMatchObject({ state: 'unknown' });
  });

  it('and the ids that it learns are those of its own messages', async () => {
    const all = await rig({ withoutCaps: ['labeled-response'] });
    const sent = [await say(all, { text: 'one' }), await say(all, { text: 'two' })];
    for (const [at, text] of ['one', 'two'].entries()) {
      const line = await all.bob.waitFor(new RegExp(`PRIVMSG #lobby :${text}$`));
      const envelope = sent[at];
      if (envelope === undefined) throw new Error('it was sent');
      expect((await idOf(all, envelope)).id).toBe(msgidIn(line));
    }
  });
});
