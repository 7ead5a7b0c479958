import { describe, expect, test } from '@jest/globals';
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { newId } from '#model';
import { readStanza, serialise } from './core/xml.js';
import { eventsOf } from './from-xmpp.js';
import { stanzasOf } from './to-xmpp.js';

const envelope = (more: Partial<OutboundEnvelope> = {}): OutboundEnvelope => ({
  id: newId<'EnvelopeId'>(),
  account: newId<'AccountId'>(),
  kind: 'message',
  to: 'bob@example.org',
  conversationKind: 'direct',
  content: { text: 'hello' },
  attempt: 1,
  ...more,
});
const texts = (one: OutboundEnvelope, inPrivate = false): readonly string[] => {
  const stanzas = stanzasOf(one, { inPrivate, maxBytes: 60_000 });
  if ('code' in stanzas) throw new Error(stanzas.code);
  return stanzas.map((stanza) => serialise(stanza));
};
const refusal = (more: Partial<OutboundEnvelope>) => {
  const stanzas = stanzasOf(envelope(more), { inPrivate: false, maxBytes: 60_000 });
  return 'code' in stanzas ? stanzas.code : undefined;
};
/** What bob, who reads as we do, makes of it. */
const readBy = (one: OutboundEnvelope) =>
  texts(one).flatMap((text) =>
    eventsOf(readStanza(text.replace('<message ', `<message from="alice@example.org/p" `)), {
      account: one.account,
      self: 'bob@example.org',
      domain: 'example.org',
      rooms: { isRoom: () => false, nickIn: () => undefined },
      mode: 'live',
      now: new Date(),
    }),
  );
const mine = { scope: 'id:bob@example.org', id: 'm1', by: 'sender' } as const;
const rooms = { scope: 'coven@chat.example.org', id: 'r1', by: 'network' } as const;
const room = { to: 'coven@chat.example.org', conversationKind: 'room' } as const;

describe('an envelope', () => {
  test('bears its wire id twice, and asks to be told of its fate', () => {
    const one = envelope();
    const id = wireIdOf(one.id, 0);
    expect(texts(one)).toEqual([
      `<message to="bob@example.org" type="chat" id="${id}"><body>hello</body><request xmlns="urn:xmpp:receipts"/>` +
        `<markable xmlns="urn:xmpp:chat-markers:0"/><active xmlns="http://jabber.org/protocol/chatstates"/>` +
        `<origin-id xmlns="urn:xmpp:sid:0" id="${id}"/></message>`,
    ]);
  });

  test('to a room asks no receipts of a crowd, and in private says that it is private', () => {
    const [text] = texts(envelope(room));
    expect(text).toContain('type="groupchat"');
    expect(text).not.toContain('urn:xmpp:receipts');
    expect(texts(envelope({ to: 'coven@chat.example.org/bob' }), true)[0]).toContain(
      '<x xmlns="http://jabber.org/protocol/muc#user"/>',
    );
  });

  test('with files is the words, and then each file by itself under an id of its own', () => {
    const file = { name: 'a.png', mediaType: 'image/png', size: 3, url: 'https://example.org/a.png' };
    const one = envelope({
      content: { text: 'look', attachments: [file, { ...file, url: 'https://example.org/b.png' }] },
    });
    const [words, first, second] = readBy(one);
    expect(words).toMatchObject({ content: { text: 'look' } });
    expect(first).toMatchObject({
      content: { text: '', attachments: [file] },
      remoteId: { id: wireIdOf(one.id, 1) },
    });
    expect(second).toMatchObject({ remoteId: { id: wireIdOf(one.id, 2) } });
  });

  test('with a file whose address does not tell its name says the name, too', () => {
    const file = { name: 'note.txt', mediaType: 'text/plain', url: 'https://example.org/f/token' };
    const one = envelope({ content: { text: '', attachments: [file] } });
    expect(texts(one)[0]).toContain('<body>note.txt: https://example.org/f/token</body>');
    expect(readBy(one)).toMatchObject([{ content: { text: '', attachments: [file] } }]);
  });

  test('is read as it was meant: acts, spans, answers', () => {
    expect(readBy(envelope({ content: { text: 'waves', emote: true } }))).toMatchObject([
      { content: { text: 'waves', emote: true } },
    ]);
    expect(
      readBy(
        envelope({ content: { text: 'so bold', spans: [{ start: 3, end: 7, style: { kind: 'bold' } }] } }),
      ),
    ).toMatchObject([
      { content: { text: 'so *bold*', spans: [{ start: 3, end: 9, style: { kind: 'bold' } }] } },
    ]);
    expect(readBy(envelope({ content: { text: '*sigh*' } }))[0]).toMatchObject({
      content: { text: '*sigh*' },
    });
    expect(readBy(envelope({ content: { text: '*sigh*' } }))[0]).not.toHaveProperty('content.spans');
    const answer = envelope({
      content: { text: 'Then do 😀', replyTo: newId<'MessageId'>() },
      target: { remoteIds: [mine], text: '😀 We\nshould' },
    });
    expect(texts(answer)[0]).toContain('&gt; 😀 We\n&gt; should\nThen do 😀');
    expect(readBy(answer)).toMatchObject([{ content: { text: 'Then do 😀' }, replyTo: { id: 'm1' } }]);
  });

  test('answers in words alone what bears no id by which others know it', () => {
    const [text] = texts(
      envelope({
        ...room,
        content: { text: 'yes', replyTo: newId<'MessageId'>() },
        target: { remoteIds: [mine], text: 'well?' },
      }),
    );
    expect(text).toContain('<body>&gt; well?\nyes</body>');
    expect(text).not.toContain('urn:xmpp:reply:0');
  });

  test('changes what it names: by the sender’s id between two, by the room’s in a room', () => {
    const target = { remoteIds: [rooms, mine], text: 'x' };
    expect(readBy(envelope({ kind: 'edit', target, content: { text: 'y' } }))).toMatchObject([
      { type: 'edit', target: { id: 'm1' }, content: { text: 'y' } },
    ]);
    expect(readBy(envelope({ kind: 'retraction', target }))).toMatchObject([
      { type: 'retraction', target: { id: 'm1' } },
    ]);
    expect(texts(envelope({ ...room, kind: 'retraction', target }))[0]).toContain(
      '<retract xmlns="urn:xmpp:message-retract:1" id="r1"/>',
    );
    const reaction = { emoji: '🎉', removed: false };
    expect(
      readBy(envelope({ kind: 'reaction', reaction, target: { ...target, reactions: ['🐢', '🎉'] } })),
    ).toMatchObject([{ reactions: ['🐢', '🎉'] }]);
    expect(readBy(envelope({ kind: 'reaction', reaction, target }))).toMatchObject([{ reactions: ['🎉'] }]);
    expect(texts(envelope({ ...room, kind: 'reaction', reaction, target }))[0]).toContain('id="r1"');
  });

  test.each([
    ['too long', 'too-large', { content: { text: 'x'.repeat(50_001) } }],
    ['too long once it is escaped', 'too-large', { content: { text: '<'.repeat(20_000) } }],
    ['empty', 'unsupported', { content: { text: '' } }],
    [
      'a file without an address',
      'unsupported',
      { content: { text: '', attachments: [{ name: 'a', mediaType: 'b/c' }] } },
    ],
    [
      'a correction of what bears no id',
      'not-found',
      { kind: 'edit', target: { remoteIds: [rooms], text: '' } },
    ],
    [
      'a retraction of what bears no id',
      'not-found',
      { kind: 'retraction', target: { remoteIds: [], text: '' } },
    ],
    [
      'a reaction to what bears no id',
      'not-found',
      { kind: 'reaction', reaction: { emoji: 'x', removed: false } },
    ],
    ['a reaction without one', 'unsupported', { kind: 'reaction', target: { remoteIds: [mine], text: '' } }],
  ] as const)('%s is refused', (_, code, more) => {
    expect(refusal(more as Partial<OutboundEnvelope>)).toBe(code);
  });

  test('lets nothing of the protocol through that stands in a text', () => {
    const [text] = texts(envelope({ content: { text: '</body></message><message to="x"/>\u0000\u0008' } }));
    expect(text).toContain('<body>&lt;/body&gt;&lt;/message&gt;&lt;message to="x"/&gt;</body>');
  });
});
