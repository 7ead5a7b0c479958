/* What is said beyond plain words, on InspIRCd: what a real server passes on, and how its users see it. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope, type RemoteId, type Session } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId, type MessageContent } from '#model';
import {
  describeWithPeers,
  eventually,
  inspircdPeers,
  plainClient,
  startInspircd,
  type PlainClient,
} from '#peers';
import { createIrc } from './index.js';

describeWithPeers('what is said on InspIRCd', inspircdPeers, () => {
  const stack: AsyncDisposable[] = [];
  const house = new TestContext();
  const account: AccountId = newId();
  let session: Session;
  /** Knows tags and is the room's operator; knows nothing of IRCv3. */
  let bob: PlainClient;
  let olga: PlainClient;

  beforeAll(async () => {
    const server = await startInspircd({ hurried: true });
    stack.push(server);
    const port = server.ports.plain;
    bob = await plainClient({ port, nick: 'bob', capabilities: ['message-tags', 'echo-message'] });
    olga = await plainClient({ port, nick: 'olga' });
    stack.push(bob, olga);
    for (const client of [bob, olga]) await client.join('#lobby');
    session = createIrc().open(
      {
        id: newId<'LinkId'>(),
        settings: { host: '127.0.0.1', port, tls: false, nick: 'alice', burst: 500, linesPerSecond: 500 },
      },
      house,
    );
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
  });
  afterAll(async () => {
    await session.close('asked');
    for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
  });

  const say = async (content: MessageContent, more: Partial<OutboundEnvelope> = {}) => {
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
    return { envelope, outcome: await session.send(envelope, new AbortController().signal) };
  };
  const heard = (text: string) =>
    eventually(`"${text}" is heard`, () => house.heard().find(({ content }) => content.text === text));

  it('is dressed both ways', async () => {
    await say({
      text: 'bold 7 red',
      spans: [
        { start: 0, end: 4, style: { kind: 'bold' } },
        { start: 5, end: 6, style: { kind: 'colour', foreground: '#ff0000' } },
      ],
    });
    await olga.waitFor(/PRIVMSG #lobby :\x02bold\x0f \x0304\x02\x027\x0f red$/);
    olga.say('#lobby', '\x1ditalic\x1d');
    expect((await heard('italic')).content.spans).toEqual([{ start: 0, end: 6, style: { kind: 'italic' } }]);
  });

  it('names what it answers, both ways', async () => {
    const { envelope } = await say({ text: 'who is there?' });
    const asked = await eventually<RemoteId>(
      'its id is learnt',
      () => house.messages().find(({ wireId }) => wireId === wireIdOf(envelope.id, 0))?.remoteId,
    );
    bob.send(`@+draft/reply=${asked.id} PRIVMSG #lobby :me`);
    const answer = await heard('me');
    expect(answer.replyTo).toEqual(asked);
    const remoteIds = answer.remoteId === undefined ? [] : [answer.remoteId];
    await say({ text: 'welcome', replyTo: newId() }, { target: { remoteIds, text: 'me' } });
    const line = await bob.waitFor(/PRIVMSG #lobby :welcome$/);
    expect(line).toContain(`+draft/reply=${answer.remoteId?.id ?? 'none'}`);
    await olga.waitFor(/^:alice!\S+ PRIVMSG #lobby :welcome$/);
  });

  it('is for some members of a room only, both ways', async () => {
    bob.send('MODE #lobby +o alice');
    bob.send('PRIVMSG @#lobby :operators only');
    expect(await heard('operators only')).toMatchObject({
      conversation: '#lobby',
      content: { audience: '@' },
    });
    await say({ text: 'understood', audience: '@' });
    await bob.waitFor(/PRIVMSG @#lobby :understood$/);
    await say({ text: 'to all' });
    await olga.waitFor(/PRIVMSG #lobby :to all$/);
    expect(olga.lines.some((line) => line.includes('understood'))).toBe(false);
  });

  it('parts no link', async () => {
    const link = `https://example.org/${'a'.repeat(250)}`;
    await say({ text: `${'word '.repeat(60)}${link} and ${link}` });
    for (const number of [1, 2]) {
      await eventually(`link ${String(number)} is whole`, () => {
        const whole = olga.lines.filter((line) => / PRIVMSG #lobby :/.test(line) && line.includes(link));
        return whole.length >= number;
      });
    }
  });

  it('asks, and is answered: VERSION and PING', async () => {
    olga.send('PRIVMSG alice :\x01VERSION\x01');
    await olga.waitFor(/^:alice!\S+ NOTICE olga :\x01VERSION Parley\x01$/);
    olga.send('PRIVMSG alice :\x01PING 123\x01');
    await olga.waitFor(/NOTICE olga :\x01PING 123\x01$/);
  });

  it('is not taken back where the server cannot, and that is known before', async () => {
    expect(house.capabilitiesOf(account)).toMatchObject({
      retractions: 'none',
      reactions: 'native',
      replies: 'native',
      typing: 'native',
    });
    const { outcome } = await say({ text: '' }, { kind: 'retraction', target: { remoteIds: [], text: 'x' } });
    expect(outcome).toMatchObject({ outcome: 'refused', failure: { code: 'unsupported' } });
  });
});
