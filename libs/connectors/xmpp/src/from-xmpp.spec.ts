import { describe, expect, test } from '@jest/globals';
import { wireIdOf } from '#connector';
import { newId } from '#model';
import { readStanza } from './core/xml.js';
import { eventsOf, placeOf, type Circumstances } from './from-xmpp.js';

const account = newId<'AccountId'>();
const room = 'coven@chat.example.org';
const now = new Date('2026-11-22T12:00:00Z');
const how: Circumstances = {
  account,
  self: 'alice@example.org',
  domain: 'example.org',
  rooms: {
    isRoom: (bare) => bare === room,
    nickIn: () => 'alice',
  },
  mode: 'live',
  now,
};
const wireId = wireIdOf(newId<'EnvelopeId'>(), 0);
const events = (text: string, more: Partial<Circumstances> = {}) =>
  eventsOf(readStanza(text), { ...how, ...more });
const only = (text: string, more: Partial<Circumstances> = {}) => {
  const [event, ...others] = events(text, more);
  expect(others).toEqual([]);
  return event;
};
const chat = (inside: string, attributes = `from='bob@example.org/pda' id='b1'`): string =>
  `<message type='chat' to='alice@example.org/p' ${attributes}>${inside}</message>`;
const said = (inside: string, attributes = `from='${room}/bob' id='b1'`): string =>
  `<message type='groupchat' to='alice@example.org/p' ${attributes}>${inside}</message>`;
const given = (by: string, id: string): string => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/>`;

describe('what somebody says', () => {
  test('is theirs, in the conversation with them, under its ids', () => {
    expect(
      only(
        chat(
          `<body>hello</body>${given('alice@example.org', 'a1')}<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>`,
        ),
      ),
    ).toEqual({
      type: 'message',
      account,
      conversation: 'bob@example.org',
      conversationKind: 'direct',
      author: { address: 'bob@example.org', kind: 'stable' },
      origin: 'remote',
      mode: 'live',
      at: now,
      content: { text: 'hello' },
      remoteId: { scope: 'alice@example.org', id: 'a1', by: 'network' },
      otherIds: [
        { scope: 'id:bob@example.org', id: 'o1', by: 'sender' },
        { scope: 'id:bob@example.org', id: 'b1', by: 'sender' },
      ],
    });
  });

  test('bears no id by somebody who has no say in it', () => {
    expect(only(chat(`<body>x</body>${given('bob@example.org', 'forged')}`))).toMatchObject({
      remoteId: { scope: 'id:bob@example.org', id: 'b1', by: 'sender' },
    });
  });

  test('in a room is of a nick, with the room’s id', () => {
    expect(
      only(said(`<body>hail</body>${given(room, 'r1')}${given('alice@example.org', 'forged')}`)),
    ).toMatchObject({
      conversation: room,
      conversationKind: 'room',
      author: { address: `${room}/bob`, kind: 'transient', name: 'bob' },
      remoteId: { scope: room, id: 'r1', by: 'network' },
    });
  });

  test('in private in a room is with the nick', () => {
    expect(only(chat('<body>psst</body>', `from='${room}/bob'`))).toMatchObject({
      conversation: `${room}/bob`,
      conversationKind: 'direct',
      author: { address: `${room}/bob`, kind: 'transient' },
    });
  });

  test('by the room itself is a notice', () => {
    expect(only(said('<body>The room is about to close.</body>', `from='${room}'`))).toMatchObject({
      conversation: room,
      author: { address: room },
      content: { notice: true },
    });
  });

  test('by our own device elsewhere is ours, and by this one an echo', () => {
    const from = `from='alice@example.org/phone' to='bob@example.org'`;
    expect(only(`<message type='chat' ${from} id='x'><body>hi</body></message>`)).toMatchObject({
      conversation: 'bob@example.org',
      origin: 'other-device',
    });
    const echo = only(said('<body>hi</body>', `from='${room}/alice' id='${wireId}'`));
    expect(echo).toMatchObject({ origin: 'own', wireId });
  });

  test('under an id of ours, by somebody else, is theirs all the same', () => {
    const event = only(chat('<body>hi</body>', `from='bob@example.org/pda' id='${wireId}'`));
    expect(event).toMatchObject({ origin: 'remote' });
    expect(event).not.toHaveProperty('wireId');
  });

  test.each([
    ['an error', `<message type='error' from='bob@example.org'><body>x</body></message>`],
    [
      'what claims to be of a room that we are not in',
      `<message type='groupchat' from='evil@chat.example.org/x'><body>x</body></message>`,
    ],
    ['what comes from nobody', chat('<body>x</body>', `from='@@'`)],
    ['a message without words', chat('<thread>t</thread>')],
    ['a body of another namespace', chat('<body xmlns="urn:evil">x</body>')],
    ['an empty body', chat('<body/>')],
    ['a subject alone, in a room', said('<subject>s</subject>')],
  ])('%s is nothing', (_, text) => {
    expect(events(text)).toEqual([]);
  });

  test('later than it was said is caught up with, by the word of who kept it', () => {
    const delay = (from: string): string =>
      `<body>x</body><delay xmlns='urn:xmpp:delay' ${from} stamp='2026-11-20T00:00:00Z'/>`;
    const kept = { mode: 'catch-up', at: new Date('2026-11-20T00:00:00Z') };
    expect(only(chat(delay(`from='example.org'`)))).toMatchObject(kept);
    expect(only(said(delay(`from='${room}'`)))).toMatchObject(kept);
    expect(only(chat(delay(`from='evil.example'`)))).toMatchObject({ mode: 'live', at: now });
  });

  test('out of an archive bears the archive’s id and time, whatever it says itself', () => {
    const archived = { by: 'alice@example.org', id: 'm1', at: new Date('2026-01-01T00:00:00Z') };
    expect(
      only(chat(`<body>x</body>${given('alice@example.org', 'other')}`), { archived, mode: 'history' }),
    ).toMatchObject({
      remoteId: { scope: 'alice@example.org', id: 'm1' },
      at: archived.at,
      mode: 'history',
    });
  });
});

describe('the words', () => {
  const content = (inside: string, type = 'chat') => {
    const event = only(
      `<message type='${type}' xml:lang='de' from='bob@example.org/pda'>${inside}</message>`,
    );
    return event?.type === 'message' ? event.content : undefined;
  };

  test('are those of the message’s own language, of none, of English, or the first', () => {
    expect(content(`<body xml:lang='cz'>Ahoj</body><body xml:lang='de'>Hallo</body>`)?.text).toBe('Hallo');
    expect(content(`<body xml:lang='cz'>Ahoj</body><body>Hallo</body>`)?.text).toBe('Hallo');
    expect(content(`<body xml:lang='cz'>Ahoj</body><body xml:lang='en-GB'>Hello</body>`)?.text).toBe('Hello');
    expect(content(`<body xml:lang='cz'>Ahoj</body><body xml:lang='fr'>Salut</body>`)?.text).toBe('Ahoj');
  });

  test('are an act, dressed, or a notice', () => {
    expect(content('<body>/me *waves*</body>')).toEqual({
      text: '*waves*',
      emote: true,
      spans: [{ start: 0, end: 7, style: { kind: 'bold' } }],
    });
    expect(content(`<body>*waves*</body><unstyled xmlns='urn:xmpp:styling:0'/>`)).toEqual({
      text: '*waves*',
    });
    expect(content('<body>News</body>', 'headline')).toEqual({ text: 'News', notice: true });
    expect(content('<subject>About</subject><body>Words</body>', 'normal')?.text).toBe('About\nWords');
  });

  test('are kept where there is something beside them that we do not know', () => {
    expect(
      content(`<body>words</body><mood xmlns='http://jabber.org/protocol/mood'><amorous/></mood>`)?.text,
    ).toBe('words');
    expect(
      content(`<body>words</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:unknown:0'/>`)?.text,
    ).toBe('words');
  });

  test('that cannot be read here are told to be such', () => {
    expect(
      content(`<encrypted xmlns='eu.siacs.conversations.axolotl'><header/></encrypted>`)?.text,
    ).toContain('encrypted');
  });

  test('are files, where they are addresses of files', () => {
    const url = 'https://example.org/a/sum%20mit.jpg';
    const file = { name: 'sum mit.jpg', mediaType: 'image/jpeg', url };
    expect(content(`<body>${url}</body><x xmlns='jabber:x:oob'><url>${url}</url></x>`)).toEqual({
      text: '',
      attachments: [file],
    });
    expect(content(`<body>look: ${url}</body><x xmlns='jabber:x:oob'><url>${url}</url></x>`)).toEqual({
      text: `look: ${url}`,
      attachments: [file],
    });
    expect(
      content(
        `<body>${url}</body><x xmlns='jabber:x:oob'><url>${url}</url></x><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/></fallback>
         <file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'><name>summit</name><media-type>image/png</media-type><size>12</size></file>
         <sources><url-data xmlns='http://jabber.org/protocol/url-data' target='${url}'/></sources></file-sharing>`,
      ),
    ).toEqual({ text: '', attachments: [{ name: 'summit', mediaType: 'image/png', size: 12, url }] });
  });
});

describe('what is done to what was said', () => {
  const replace = `<replace xmlns='urn:xmpp:message-correct:0' id='b0'/>`;
  const reactions = `<reactions xmlns='urn:xmpp:reactions:0' id='x0'><reaction>🐢</reaction></reactions>`;
  const retract = `<retract xmlns='urn:xmpp:message-retract:1' id='x0'/>`;
  const moderated = `<retract xmlns='urn:xmpp:message-retract:1' id='x0'><moderated xmlns='urn:xmpp:message-moderate:1' by='${room}/mod'/></retract>`;

  test('names it by the id that its sender chose, between two', () => {
    const target = (id: string) => ({ scope: 'id:bob@example.org', id, by: 'sender' });
    expect(only(chat(`<body>y</body>${replace}`))).toMatchObject({
      type: 'edit',
      target: target('b0'),
      content: { text: 'y' },
    });
    expect(only(chat(reactions))).toMatchObject({
      type: 'reaction',
      target: target('x0'),
      reactions: ['🐢'],
    });
    expect(only(chat(`${retract}<body>/me retracted</body>`))).toMatchObject({
      type: 'retraction',
      target: target('x0'),
    });
    expect(only(chat(`<body>y</body><reply xmlns='urn:xmpp:reply:0' id='x0'/>`))).toMatchObject({
      type: 'message',
      replyTo: target('x0'),
    });
  });

  test('names it by the room’s id in a room, but a correction by its sender’s', () => {
    const target = { scope: room, id: 'x0', by: 'network' };
    expect(only(said(reactions))).toMatchObject({ type: 'reaction', target });
    expect(only(said(retract))).toMatchObject({ type: 'retraction', target });
    expect(only(said(`<body>y</body>${replace}`))).toMatchObject({
      type: 'edit',
      target: { scope: `id:${room}`, id: 'b0' },
    });
  });

  test('by a moderator counts from the room alone, which stands for it', () => {
    expect(only(said(moderated, `from='${room}'`))).toMatchObject({
      type: 'retraction',
      vouched: true,
      author: { address: `${room}/mod` },
      target: { scope: room, id: 'x0' },
    });
    expect(events(said(moderated))).toEqual([]);
    expect(events(chat(moderated))).toEqual([]);
  });

  test('by ourselves says that it has come to pass, and nothing more', () => {
    expect(only(said(reactions, `from='${room}/alice' id='${wireId}'`))).toEqual({
      type: 'receipt',
      account,
      about: { wireId },
      state: 'sent',
      at: now,
    });
  });

  test('leaves a stone in an archive', () => {
    const stone = chat(`<retracted xmlns='urn:xmpp:message-retract:1' stamp='2019-09-20T23:09:32Z' id='r'/>`);
    expect(only(stone, { archived: { by: 'alice@example.org', id: 'm1' } })).toMatchObject({
      type: 'retraction',
      vouched: true,
      target: { scope: 'alice@example.org', id: 'm1' },
    });
    expect(events(stone)).toEqual([]);
  });
});

test('a place is known by who speaks and where', () => {
  expect(placeOf(readStanza(chat('')), how)).toMatchObject({
    conversation: 'bob@example.org',
    chosen: ['b1'],
    byRoom: false,
  });
  expect(placeOf(readStanza(`<message><body>from our own server</body></message>`), how)).toMatchObject({
    conversation: 'alice@example.org',
  });
});
