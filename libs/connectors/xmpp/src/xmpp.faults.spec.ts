/* What servers do that they should not, and what wires do: on a server in this process that does as it is told. */
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { wireIdOf, type SendOutcome } from '#connector';
import { directText } from '#connector/testing';
import { Rigs, type Rig, type RigOptions } from '#connectors/xmpp/testing';
import { eventually } from '#peers';
import {
  deep,
  nasties,
  oversized,
  startSandboxXmpp,
  type Nasty,
  type SandboxObserver,
  type SandboxXmpp,
  type SandboxXmppClient,
  type SandboxXmppOptions,
} from '#sandbox';

const rigs = new Rigs();
const sandboxes: SandboxXmpp[] = [];
afterEach(async () => {
  await rigs[Symbol.asyncDispose]();
  for (const sandbox of sandboxes.splice(0)) await sandbox[Symbol.asyncDispose]();
});

interface Talk extends Rig {
  readonly server: SandboxXmpp;
  readonly bob: SandboxObserver;
  /** Alice's connection, as the server sees it. */
  readonly client: SandboxXmppClient;
  readonly up: RigOptions['server'];
}

/** Alice online through the connector, and bob beside her. */
async function talking(
  options: SandboxXmppOptions = {},
  more: Omit<RigOptions, 'server'> = {},
): Promise<Talk> {
  const server = await startSandboxXmpp(options);
  sandboxes.push(server);
  const up = {
    host: server.host,
    port: server.port,
    names: { domain: server.domain, rooms: server.roomDomain },
    createAccount: (name: string, password: string) => {
      server.addAccount({ name, password });
      return Promise.resolve();
    },
  };
  const rig = await rigs.begin({ server: up, user: 'alice', ...more });
  await rig.until('online');
  const bob = server.observer('bob');
  return { ...rig, server, bob, up, client: await server.client('alice') };
}

const never = new AbortController().signal;
const send = (rig: Talk, text: string): Promise<SendOutcome> =>
  rig.session.send(directText(rig.account, rig.bob.address, text), never);
const texts = ({ house }: Rig): readonly string[] => house.heard().map(({ content }) => content.text);
/** Everything that bob says before is heard by now. */
const upTo = async (rig: Talk, mark = `mark ${randomBytes(4).toString('hex')}`): Promise<void> => {
  rig.bob.say(rig.jid, mark);
  await eventually(`${mark} is stored`, () => texts(rig).includes(mark));
};
const spoken = (rig: Talk): readonly string[] => rig.bob.heard().map(({ text }) => text);
const numbered = (word: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${word} ${String(index)}`);

describe('a stream that is cut', () => {
  it('is resumed: nothing is lost or comes twice, either way, in order', async () => {
    const rig = await talking();
    const outcomes: Promise<SendOutcome>[] = [];
    for (let round = 0; round < 5; round++) {
      for (const text of numbered(`in ${String(round)}`, 20)) rig.bob.say(rig.jid, text);
      for (const text of numbered(`out ${String(round)}`, 20)) {
        // Where there is no stream at the moment, the house comes again.
        const one = await send(rig, text);
        outcomes.push(Promise.resolve(one));
        if (text.endsWith(' 10')) (await rig.server.client('alice')).cut();
        if (one.outcome === 'later') {
          await rig.until('online');
          outcomes.push(send(rig, text));
        }
      }
      await rig.until('online');
    }
    await upTo(rig);
    const all = Array.from({ length: 5 }, (_, round) => round);
    expect(texts(rig).slice(0, -1)).toEqual(all.flatMap((round) => numbered(`in ${String(round)}`, 20)));
    await eventually('bob has heard all', () => spoken(rig).length >= 100);
    expect(spoken(rig)).toEqual(all.flatMap((round) => numbered(`out ${String(round)}`, 20)));
    expect((await Promise.all(outcomes)).filter(({ outcome }) => outcome === 'unknown')).toEqual([]);
    expect(rig.house.breaches).toEqual([]);
  });

  it('sends again what was swallowed on the way, once', async () => {
    const rig = await talking({}, { timings: { idle: 100, answer: 150 } });
    rig.client.swallow();
    const outcomes = numbered('swallowed', 10).map((text) => send(rig, text));
    for (const text of numbered('held', 10)) rig.bob.say(rig.jid, text);
    expect((await Promise.all(outcomes)).map(({ outcome }) => outcome)).toEqual(outcomes.map(() => 'sent'));
    expect(spoken(rig)).toEqual(numbered('swallowed', 10));
    await upTo(rig);
    expect(texts(rig).slice(0, -1)).toEqual(numbered('held', 10));
  });

  it('is given up when it is silent, and nothing that comes late is lost', async () => {
    const rig = await talking({}, { timings: { idle: 100, answer: 150 } });
    rig.client.halfOpen();
    for (const text of numbered('late', 5)) rig.bob.say(rig.jid, text);
    await eventually('alice has come again', () => rig.server.clients.length > 1);
    await rig.until('online');
    await upTo(rig);
    expect(texts(rig).slice(0, -1)).toEqual(numbered('late', 5));
    expect(rig.house.states.map(({ state }) => state)).toContainEqual(
      expect.objectContaining({ state: 'backing-off', code: 'timeout' }),
    );
  });

  it('is not resumed where the server will not: what was on its way is unknown, and nobody waits for ever', async () => {
    const rig = await talking();
    rig.server.misbehave({ refuseResume: true });
    rig.client.swallow();
    const outcome = send(rig, 'where am I?');
    await eventually('it has left', () => true);
    rig.client.cut();
    expect(await outcome).toMatchObject({ outcome: 'unknown', failure: { code: 'network-unreachable' } });
    await rig.until('online');
    await upTo(rig);
    expect(spoken(rig)).toEqual([]);
  });

  it('is begun anew where the server ends it over being asked to resume', async () => {
    const rig = await talking();
    rig.server.intercept((stanza, client) => {
      if (!stanza.startsWith('<resume ')) return false;
      client.end('undefined-condition', 'handled more than was sent');
      return true;
    });
    rig.client.cut();
    await eventually('it has asked once and been thrown out', () => rig.server.clients.length > 2);
    await rig.until('online');
    await upTo(rig);
    expect(
      rig.server.clients.filter(({ stanzas }) => stanzas.some((one) => one.startsWith('<resume '))).length,
    ).toBe(1);
  });

  it('ends where the server claims to have handled what was not sent, and begins anew', async () => {
    const rig = await talking();
    rig.server.misbehave({ lieAboutHandled: (handled) => handled + 50 });
    void send(rig, 'how many?');
    await eventually('the lie was seen through', () =>
      rig.house.states.some(
        ({ state }) => state.state === 'backing-off' && state.code === 'protocol-violation',
      ),
    );
    rig.server.misbehave({});
    await rig.until('online');
    await upTo(rig);
    await rig.server.client('alice');
    expect((await send(rig, 'now?')).outcome).toBe('sent');
  });

  it('leaves what is not acknowledged open until it is, and does not send it twice', async () => {
    const rig = await talking();
    rig.server.misbehave({ stallAcks: true });
    const outcome = send(rig, 'slowly');
    await rig.bob.hearing('slowly');
    const settled = await Promise.race([outcome, upTo(rig).then(() => 'open')]);
    expect(settled).toBe('open');
    rig.server.misbehave({});
    rig.client.cut();
    expect((await outcome).outcome).toBe('sent');
    expect(spoken(rig)).toEqual(['slowly']);
  });
});

describe('what the server is told of as handled', () => {
  it('is what is stored: while storage is down the server keeps it, and later all of it is stored once', async () => {
    const rig = await talking();
    await upTo(rig);
    await eventually('everything is acknowledged', () => rig.client.unacknowledged === 0);
    rig.house.storage.withhold();
    for (const text of numbered('kept', 20)) rig.bob.say(rig.jid, text);
    // What comes while a batch is with the house makes the next one.
    await eventually(
      'it waits for storage',
      () => rig.house.storage.waiting > 0 && rig.client.unacknowledged === 20,
    );
    // The server has asked, and was answered with the truth.
    await rig.client.waitFor(/<a xmlns='urn:xmpp:sm:3'/, { after: rig.client.stanzas.length - 1 });
    expect(rig.client.unacknowledged).toBe(20);
    rig.house.storage.release();
    await eventually('everything is acknowledged', () => rig.client.unacknowledged === 0);
    expect(texts(rig).slice(1)).toEqual(numbered('kept', 20));
  });

  it('is a prefix: what was in doubt comes again, and nothing twice', async () => {
    const rig = await talking();
    await upTo(rig, 'first');
    rig.house.storage.failNext({ fault: 'in-doubt', kept: true });
    rig.house.storage.failNext({ fault: 'not-stored', retryAfterMs: 20 }, 2);
    for (const text of numbered('again', 10)) rig.bob.say(rig.jid, text);
    await upTo(rig, 'last');
    expect(texts(rig)).toEqual(['first', ...numbered('again', 10), 'last']);
    expect(rig.house.breaches).toEqual([]);
  });

  it('is nothing of what is not stored when the process dies: the next gets it from the server', async () => {
    const rig = await talking();
    await upTo(rig, 'first');
    await eventually('everything is acknowledged', () => rig.client.unacknowledged === 0);
    rig.house.storage.withhold();
    for (const text of numbered('unstored', 5)) rig.bob.say(rig.jid, text);
    await eventually('it waits for storage', () => rig.house.storage.waiting === 5);
    expect(rig.client.unacknowledged).toBe(5);
    // Fenced, as a worker is whose lease was taken: it says nothing more to anybody.
    await rig.session.close('fenced');
    rig.house.storage.discard();
    await eventually('the connection is gone', () => rig.client.isClosed);
    rig.server.forget('alice');
    const next = await rigs.begin({ server: rig.up, after: rig });
    await next.until('online');
    await upTo({ ...rig, ...next }, 'last');
    const heard = texts(next);
    expect([...heard].sort()).toEqual(['first', 'last', ...numbered('unstored', 5)].sort());
  });
});

describe('the end of a stream', () => {
  it.each([
    ['system-shutdown', 'server-shutdown'],
    ['resource-constraint', 'rate-limited'],
    ['policy-violation', 'not-allowed'],
    ['internal-server-error', 'unknown'],
    ['connection-timeout', 'timeout'],
    ['reset', 'network-unreachable'],
    ['undefined-condition', 'unknown'],
    ['a-word-that-nobody-knows', 'protocol-violation'],
  ])('by %s is a state with a code (%s) and a next try', async (condition, code) => {
    const rig = await talking();
    rig.client.end(condition, 'for a reason');
    expect(await rig.until('backing-off')).toMatchObject({ code, detail: 'for a reason' });
    await rig.until('online');
    await upTo(rig);
  });

  it('by a conflict waits for the person: two who throw each other out would do so for ever', async () => {
    const rig = await talking();
    rig.client.end('conflict');
    expect(await rig.until('needs-person')).toMatchObject({
      code: 'resource-conflict',
      remedy: 'ask-person',
    });
    expect(rig.server.clients.length).toBe(1);
  });

  it('without a word, in order, is no error, and alice comes back', async () => {
    const rig = await talking();
    rig.client.close();
    await rig.until('backing-off');
    await rig.until('online');
    await upTo(rig);
  });

  it('by the name of another host leads there, and round in circles to a state', async () => {
    const rig = await talking();
    const other = await startSandboxXmpp();
    sandboxes.push(other);
    other.addAccount({ name: 'alice', password: rig.password });
    rig.server.refuse({ condition: 'see-other-host', detail: `127.0.0.1:${String(other.port)}` });
    rig.client.cut();
    await other.client('alice');
    other.refuse({ condition: 'see-other-host', detail: `127.0.0.1:${String(rig.server.port)}` });
    (await other.client('alice')).cut();
    await eventually('the circle was noticed', () =>
      rig.house.states.some(
        ({ state }) => state.state === 'backing-off' && /circle/.test(state.detail ?? ''),
      ),
    );
    other.refuse(undefined);
    rig.server.refuse(undefined);
    await rig.until('online');
  });
});

describe('signing in', () => {
  it.each([
    ['not-authorized', 'needs-person', 'auth-failed'],
    ['account-disabled', 'needs-person', 'banned'],
    ['credentials-expired', 'needs-person', 'auth-failed'],
    ['temporary-auth-failure', 'backing-off', 'auth-failed'],
  ] as const)('that is refused by %s is %s (%s)', async (condition, state, code) => {
    const rig = await talking();
    rig.server.misbehave({ refuseSignIn: condition });
    rig.client.cut();
    await eventually(`it is ${state} by ${code}`, () =>
      rig.house.states.some(
        (one) => one.state.state === state && 'code' in one.state && one.state.code === code,
      ),
    );
    rig.server.misbehave({});
  });

  it('to a server that does not know the password itself is broken off', async () => {
    const rig = await talking({ mechanisms: ['SCRAM-SHA-256'] });
    rig.server.misbehave({ lieInScram: true });
    rig.client.cut();
    await eventually('the lie was seen through', () =>
      rig.house.states.some(
        ({ state }) =>
          (state.state === 'backing-off' || state.state === 'needs-person') &&
          state.code !== 'network-unreachable',
      ),
    );
    expect(rig.server.clients.slice(1).every(({ address }) => address === undefined)).toBe(true);
    rig.server.misbehave({});
  });
});

describe('bytes', () => {
  it('may come one by one, with every character cut', async () => {
    const rig = await talking();
    rig.client.splitEveryByte();
    const said = 'größe 日本語 👩‍👩‍👧‍👦 ﷽ \u{10FFFD}';
    rig.bob.say(rig.jid, said);
    await eventually('it is stored', () => texts(rig).includes(said));
    rig.client.usual();
    await upTo(rig);
  });

  const fatal: readonly (readonly [string, string])[] = [
    ...(Object.keys(nasties) as Nasty[])
      .filter((what) => what !== 'wrong namespace' && what !== 'unknown element')
      .map((what) => [what, nasties[what]] as const),
    ['two megabytes', oversized(2_000_000)],
    ['two hundred levels', deep(200)],
    ['two hundred thousand levels', deep(200_000)],
  ];
  it.each(fatal)(
    'that no server may send (%s) end the stream, and the next one is well',
    async (_, bytes) => {
      const rig = await talking();
      // What is begun is over with what comes next, at the latest.
      rig.client.say(`${bytes}<message><body>;</body></message>`);
      await eventually('the stream has ended', () => rig.client.isClosed);
      const state = rig.house.states.find(({ state }) => state.state === 'backing-off')?.state;
      expect(state).toMatchObject({ state: 'backing-off', code: 'protocol-violation' });
      await rig.until('online');
      await upTo(rig);
    },
  );

  it('that mean nothing to us are passed over', async () => {
    const rig = await talking();
    rig.client.nasty('wrong namespace');
    rig.client.nasty('unknown element');
    rig.client.say('<presence type="nonsense"/><message type="nonsense"/><iq type="nonsense"/><iq/>');
    rig.client.say('<message><body xmlns="urn:other">not for you</body></message>');
    rig.client.say('<message from="@"><body>from nobody</body></message>');
    await upTo(rig);
    expect(texts(rig).length).toBe(1);
    expect(rig.server.clients.length).toBe(1);
  });

  it('that are no UTF-8 end the stream', async () => {
    const rig = await talking();
    rig.client.write(
      Buffer.concat([
        Buffer.from('<message><body>'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('</body></message>'),
      ]),
    );
    await eventually('the stream has ended', () => rig.client.isClosed);
    await rig.until('online');
    await upTo(rig);
  });
});

describe('lies', () => {
  const forged: readonly (readonly [string, (rig: Talk) => string])[] = [
    [
      'a copy of what others said to us, by somebody else',
      ({ jid }) =>
        `<message from="mallory@xmpp.sandbox" to="${jid}"><received xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="bob@xmpp.sandbox/x" to="${jid}" type="chat"><body>forged</body></message></forwarded></received></message>`,
    ],
    [
      'a copy of what we said, by our own resource',
      ({ jid }) =>
        `<message from="${jid}/other" to="${jid}"><sent xmlns="urn:xmpp:carbons:2"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="${jid}/other" to="bob@xmpp.sandbox" type="chat"><body>forged</body></message></forwarded></sent></message>`,
    ],
    [
      'a result of an archive that was not asked',
      ({ jid }) =>
        `<message from="${jid}" to="${jid}"><result xmlns="urn:xmpp:mam:2" queryid="x" id="1"><forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" from="bob@xmpp.sandbox/x" to="${jid}" type="chat"><body>forged</body></message></forwarded></result></message>`,
    ],
    [
      'an item of a roster, pushed by somebody else',
      () =>
        `<iq type="set" id="p" from="mallory@xmpp.sandbox"><query xmlns="jabber:iq:roster"><item jid="forged@xmpp.sandbox" name="forged" subscription="both"/></query></iq>`,
    ],
    [
      'a bookmark of somebody else',
      ({ jid }) =>
        `<message from="mallory@xmpp.sandbox" to="${jid}" type="headline"><event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:bookmarks:1"><item id="forged@rooms.xmpp.sandbox"><conference xmlns="urn:xmpp:bookmarks:1" autojoin="true"/></item></items></event></message>`,
    ],
    [
      'a list of the blocked, pushed by somebody else',
      () =>
        `<iq type="set" id="p" from="mallory@xmpp.sandbox"><block xmlns="urn:xmpp:blocking"><item jid="forged@xmpp.sandbox"/></block></iq>`,
    ],
  ];
  it.each(forged)('%s are not believed', async (_, lie) => {
    const rig = await talking();
    rig.client.say(lie(rig));
    await upTo(rig);
    const { stored, keyValues } = rig.house.storage;
    expect(JSON.stringify([stored, [...keyValues]])).not.toContain('forged');
    expect(rig.client.stanzas.join('')).not.toContain('forged');
  });

  it('answers by somebody who was not asked are not believed', async () => {
    const rig = await talking();
    rig.server.misbehave({ forgeAnswersFrom: 'mallory@xmpp.sandbox', refuseResume: true });
    rig.client.cut();
    await eventually('alice has come again', () => rig.server.clients.length > 1);
    await rig.until('online');
    await upTo(rig);
    expect(JSON.stringify(rig.house.storage.stored)).not.toContain('mallory');
  });

  it('messages that come twice are stored once', async () => {
    const rig = await talking();
    rig.server.misbehave({ doubleMessages: true });
    for (const text of numbered('twice', 10)) rig.bob.say(rig.jid, text);
    await upTo(rig);
    expect(texts(rig).slice(0, -1)).toEqual(numbered('twice', 10));
  });
});

describe('a server', () => {
  it('that dies and comes back has its people back, and nothing is lost', async () => {
    const rig = await talking();
    await upTo(rig, 'before');
    await rig.server.stop();
    await rig.until('backing-off');
    expect(await send(rig, 'too early')).toMatchObject({ outcome: 'later' });
    await rig.server.start();
    await rig.until('online');
    const bob = rig.server.observer('bob');
    await upTo({ ...rig, bob }, 'after');
    expect(texts(rig)).toEqual(['before', 'after']);
  });

  it('that knows neither stream management nor archive carries messages all the same', async () => {
    const rig = await talking({ without: ['stream-management', 'archive', 'carbons', 'stanza-ids', 'ping'] });
    const one = directText(rig.account, rig.bob.address, 'plainly');
    expect(await rig.session.send(one, never)).toMatchObject({ outcome: 'sent' });
    expect(rig.bob.stanzas.some(({ attrs }) => attrs['id'] === wireIdOf(one.id, 0))).toBe(true);
    await upTo(rig);
    rig.server.misbehave({ ignoreQuestions: true });
    const open = send(rig, 'unanswered');
    await rig.bob.hearing('unanswered');
    rig.client.cut();
    expect(await open).toMatchObject({ outcome: 'unknown' });
  });

  it('that refuses a message says why, and the others go on', async () => {
    const rig = await talking();
    const outcome = await rig.session.send(directText(rig.account, 'nobody@xmpp.sandbox', 'hello?'), never);
    expect(outcome).toMatchObject({ outcome: 'refused' });
    expect((await send(rig, 'hello!')).outcome).toBe('sent');
  });
});
