import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { OutboundEnvelope, RemoteId } from '#connector';
import { newId, type MessageContent, type Span } from '#model';
import { leastOf, workOf } from '#peers';
import { linesOf, noMeans, partsOf, type Means } from './composing.js';
import { undress } from './formatting.js';
import { roomFor, type Look } from './to-irc.js';

const look: Look = { maskBytes: 'alice!a@example.org'.length, lineLength: 512 };

function envelope(content: MessageContent, more: Partial<OutboundEnvelope> = {}): OutboundEnvelope {
  return {
    id: newId(),
    account: newId(),
    kind: 'message',
    to: '#lobby',
    conversationKind: 'room',
    content,
    attempt: 1,
    ...more,
  };
}
const all: Means = {
  replies: true,
  reactions: true,
  retractions: true,
  typing: true,
  statusMarks: '@+',
  multiline: { maxBytes: 4096, maxLines: 24 },
};
/** The lines that leave, or the code of the refusal. */
const texts = (content: MessageContent, more: Partial<OutboundEnvelope> = {}, means = noMeans): unknown => {
  const parts = partsOf(envelope(content, more), look, means);
  return 'code' in parts
    ? parts.code
    : parts.flatMap((part, at) => linesOf(part, undefined, `r${String(at)}`));
};
const bytes = (text: string): number => Buffer.byteLength(text);

describe('what we say', () => {
  it('is one line a line, without the empty ones', () => {
    expect(texts({ text: 'one\r\n\n  \ntwo' })).toEqual(['PRIVMSG #lobby :one', 'PRIVMSG #lobby :two']);
    expect(texts({ text: ': leading colon' })).toEqual(['PRIVMSG #lobby :: leading colon']);
    expect(texts({ text: 'careful', notice: true })).toEqual(['NOTICE #lobby :careful']);
    expect(texts({ text: 'waves', emote: true })).toEqual(['PRIVMSG #lobby :\x01ACTION waves\x01']);
  });

  it('asks nothing of anybody’s client, however it is written', () => {
    expect(texts({ text: '\x01DCC SEND x\x01' })).toEqual(['PRIVMSG #lobby :DCC SEND x']);
  });

  it('fills a line as others receive it to the last byte', () => {
    const room = roomFor('PRIVMSG', '#lobby', look);
    const received = `:alice!a@example.org PRIVMSG #lobby :${'x'.repeat(room)}\r\n`;
    expect(received).toHaveLength(512);
    expect(texts({ text: 'x'.repeat(room) })).toHaveLength(1);
    expect(texts({ text: 'x'.repeat(room + 1) })).toHaveLength(2);
    const emote = partsOf(envelope({ text: 'é'.repeat(400), emote: true }), look);
    if ('code' in emote) throw new Error(emote.code);
    for (const { lines } of emote) expect(bytes(lines[0]?.text ?? '')).toBeLessThanOrEqual(room);
  });

  it('is refused when it is nothing, too much, to nobody, or cannot be said', () => {
    expect(texts({ text: ' \n ' })).toBe('unsupported');
    expect(texts({ text: 'x'.repeat(1_000_000) })).toBe('too-large');
    expect(texts({ text: 'x\n'.repeat(51) })).toBe('too-large');
    for (const to of ['account:alice', 'a b', 'a,b', 'bob\r\nQUIT']) {
      expect(texts({ text: 'x' }, { to })).toBe('not-found');
    }
    for (const kind of ['edit', 'retraction', 'reaction'] as const) {
      expect(texts({ text: 'x' }, { kind })).toBe('unsupported');
    }
  });

  it('falls back to words for what IRC does not know', () => {
    const target = { remoteIds: [], text: 'shall\nwe meet?' };
    expect(texts({ text: 'yes', replyTo: newId() }, { target })).toEqual([
      'PRIVMSG #lobby :> shall we meet?',
      'PRIVMSG #lobby :yes',
    ]);
    expect(texts({ text: '* tomorrow' }, { target })).toEqual(['PRIVMSG #lobby :* tomorrow']);
    const attachments = [{ name: 'plan.pdf', mediaType: 'application/pdf', url: 'https://example.org/f/1' }];
    expect(texts({ text: 'here', attachments })).toEqual([
      'PRIVMSG #lobby :here',
      'PRIVMSG #lobby :plan.pdf: https://example.org/f/1',
    ]);
    const sized = (size: number) =>
      texts({ text: '', attachments: attachments.map((one) => ({ ...one, size })) });
    expect([7, 2_140_000, 999_900_000_000].flatMap(sized)).toEqual([
      'PRIVMSG #lobby :plan.pdf (7 bytes): https://example.org/f/1',
      'PRIVMSG #lobby :plan.pdf (2.1 MB): https://example.org/f/1',
      'PRIVMSG #lobby :plan.pdf (1000 GB): https://example.org/f/1',
    ]);
  });
});

describe('with what the server offers', () => {
  const msgid = (id: string): RemoteId => ({ scope: 'msgid', id, by: 'network' });
  const target = { remoteIds: [msgid('m 1'), msgid('m2')], text: 'shall we meet?' };

  it('a reply names what it answers, and quotes it where there is no id to name', () => {
    expect(texts({ text: 'yes', replyTo: newId() }, { target }, all)).toEqual([
      '@+draft/reply=m\\s1 PRIVMSG #lobby :yes',
    ]);
    expect(texts({ text: 'yes', replyTo: newId() }, { target: { ...target, remoteIds: [] } }, all)).toEqual(
      ['@batch=r0 PRIVMSG #lobby :> shall we meet?'].flatMap((line) => [
        'BATCH +r0 draft/multiline #lobby',
        line,
        '@batch=r0 PRIVMSG #lobby :yes',
        'BATCH -r0',
      ]),
    );
  });

  it('a reaction is one, and is told in words where there is no id', () => {
    const reaction = { emoji: '👍🏽', removed: false };
    const more: Partial<OutboundEnvelope> = { kind: 'reaction', reaction, target };
    expect(texts({ text: '' }, more, all)).toEqual(['@+draft/react=👍🏽;+draft/reply=m\\s1 TAGMSG #lobby']);
    expect(texts({ text: '' }, { ...more, reaction: { emoji: '👍🏽', removed: true } }, all)).toEqual([
      '@+draft/unreact=👍🏽;+draft/reply=m\\s1 TAGMSG #lobby',
    ]);
    const words = ['PRIVMSG #lobby :\x01ACTION reacted with 👍🏽 to “shall we meet?”\x01'];
    expect(texts({ text: '' }, { ...more, target: { ...target, remoteIds: [] } }, all)).toEqual(words);
    expect(texts({ text: '' }, more)).toEqual(words);
    expect(texts({ text: '' }, { ...more, reaction: { emoji: '👍🏽', removed: true } })).toBe('unsupported');
    expect(texts({ text: '' }, { kind: 'reaction', target }, all)).toBe('unsupported');
  });

  it('every part of a message is taken back, or it is said why not', () => {
    expect(texts({ text: '' }, { kind: 'retraction', target }, all)).toEqual([
      'REDACT #lobby :m 1',
      'REDACT #lobby :m2',
    ]);
    expect(texts({ text: '' }, { kind: 'retraction', target })).toBe('unsupported');
    expect(texts({ text: '' }, { kind: 'retraction', target: { ...target, remoteIds: [] } }, all)).toBe(
      'not-found',
    );
  });

  it('a part of a room can be written to (STATUSMSG), where there are such marks', () => {
    expect(texts({ text: 'psst', audience: '@' }, {}, all)).toEqual(['PRIVMSG @#lobby :psst']);
    expect(texts({ text: 'psst', audience: '@' })).toBe('unsupported');
    expect(texts({ text: 'psst', audience: '@+' }, {}, all)).toBe('unsupported');
  });

  it('several lines are one message, with their empty lines and as they are dressed', () => {
    const spans: readonly Span[] = [{ start: 0, end: 8, style: { kind: 'bold' } }];
    expect(texts({ text: 'one\n\ntwo\n', spans }, {}, all)).toEqual([
      'BATCH +r0 draft/multiline #lobby',
      '@batch=r0 PRIVMSG #lobby :\x02one\x0f',
      '@batch=r0 PRIVMSG #lobby :',
      '@batch=r0 PRIVMSG #lobby :\x02two\x0f',
      'BATCH -r0',
    ]);
    expect(texts({ text: '\none\n' }, {}, all)).toEqual(['PRIVMSG #lobby :one']);
    expect(texts({ text: 'a\nb', emote: true }, {}, all)).toHaveLength(2);
  });

  it('a line that is too long goes on in the next without a break, within what the server takes', () => {
    const text = `${'word '.repeat(200)}\n${'é'.repeat(1500)}\nend`;
    const limits = { maxBytes: 1_000, maxLines: 4 };
    const parts = partsOf(envelope({ text }), look, { ...all, multiline: limits });
    if ('code' in parts) throw new Error(parts.code);
    for (const { lines } of parts) {
      expect(lines.length).toBeLessThanOrEqual(limits.maxLines);
      expect(lines.reduce((sum, line) => sum + bytes(line.text) + 1, 0)).toBeLessThanOrEqual(limits.maxBytes);
      expect(lines[0]?.joined).toBe(false);
    }
    const joined = parts
      .map(({ lines }) => lines.map((line) => (line.joined ? '' : '\n') + line.text).join(''))
      .join('');
    expect(joined.replace(/\n/g, '')).toBe(text.replace(/\n/g, ''));
  });

  it('whatever is said comes to the same, line by line, joined again, and within its limits', () => {
    const piece = fc.constantFrom(
      'word',
      ' ',
      '\n',
      'é',
      '👩‍👩‍👧‍👦',
      'https://example.org/a?b=c',
      '7',
      ',',
      '\x02',
      '\x03',
    );
    const text = fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join(''));
    const span = fc.record({
      start: fc.nat(400),
      end: fc.nat(400),
      style: fc.constantFrom<Span['style']>(
        { kind: 'bold' },
        { kind: 'italic' },
        { kind: 'colour', foreground: '#ff0000' },
      ),
    });
    fc.assert(
      fc.property(text, fc.array(span, { maxLength: 6 }), fc.boolean(), (any, spans, several) => {
        const limits = { maxBytes: 700, maxLines: 5 };
        const means = several ? { ...all, multiline: limits } : noMeans;
        const parts = partsOf(envelope({ text: any, spans }), { ...look, lineLength: 200 }, means);
        if ('code' in parts) return;
        const room = roomFor('PRIVMSG', '#lobby', { ...look, lineLength: 200 });
        for (const { text: line } of parts.flatMap(({ lines }) => lines)) {
          expect(bytes(line)).toBeLessThanOrEqual(room);
        }
        const said = parts
          .map(({ lines }) => lines.map((line) => (line.joined ? '' : '\n') + line.text).join(''))
          .join('');
        expect(undress(said).text.replace(/\s/g, '')).toBe(any.replace(/[\s\x02\x03]/g, ''));
      }),
    );
  });
});

describe('what is dressed', () => {
  it('is dressed anew in every part', () => {
    const text = 'x'.repeat(600);
    const spans: readonly Span[] = [{ start: 10, end: 590, style: { kind: 'bold' } }];
    const parts = partsOf(envelope({ text, spans }), look);
    if ('code' in parts) throw new Error(parts.code);
    const read = parts.map(({ lines }) => undress(lines[0]?.text ?? ''));
    expect(read.map((one) => one.text).join('')).toBe(text);
    expect(read.map(({ spans: [one] }) => one?.style.kind)).toEqual(['bold', 'bold']);
    expect(read[1]?.spans[0]?.start).toBe(0);
  });

  it('says where a link leads, and what is quoted, for neither can be seen otherwise', () => {
    const spans: readonly Span[] = [
      { start: 0, end: 4, style: { kind: 'link', url: 'https://example.org/\r\nQUIT' } },
      { start: 0, end: 4, style: { kind: 'bold' } },
      { start: 5, end: 9, style: { kind: 'italic' } },
    ];
    expect(texts({ text: 'here look', spans })).toEqual([
      'PRIVMSG #lobby :\x02here\x0f (https://example.org/QUIT) \x1dlook',
    ]);
    const link: Span = { start: 0, end: 19, style: { kind: 'link', url: 'https://example.org' } };
    expect(texts({ text: 'https://example.org', spans: [link] })).toEqual([
      'PRIVMSG #lobby :https://example.org',
    ]);
    const quote: Span = { start: 0, end: 7, style: { kind: 'quote' } };
    expect(texts({ text: 'one\ntwo\nyes', spans: [quote, quote] })).toEqual([
      'PRIVMSG #lobby :> one',
      'PRIVMSG #lobby :> two',
      'PRIVMSG #lobby :yes',
    ]);
  });

  it('costs little, however much is dressed, linked and quoted', async () => {
    const text = 'a\n'.repeat(40) + 'x'.repeat(2_000);
    const styles: readonly Span['style'][] = [
      { kind: 'quote' },
      { kind: 'link', url: 'https://example.org' },
      { kind: 'colour', foreground: '#123456' },
      { kind: 'bold' },
    ];
    const spans = styles.flatMap((style) =>
      Array.from({ length: 250 }, (_, at): Span => ({ start: at, end: text.length - at, style })),
    );
    const work = (): number => workOf(() => partsOf(envelope({ text, spans }), look, all));
    expect(await leastOf(500, work)).toBeLessThan(500);
  });

  it('keeps what a person called by name together', () => {
    const name = 'Alice of the Hills';
    const text = `${'x '.repeat(230)}${name} hello`;
    const at = text.indexOf(name);
    const spans: readonly Span[] = [
      { start: at, end: at + name.length, style: { kind: 'mention', address: 'alice' } },
    ];
    const parts = partsOf(envelope({ text, spans }), look);
    if ('code' in parts) throw new Error(parts.code);
    expect(parts).toHaveLength(2);
    expect(parts[1]?.lines[0]?.text).toBe(`${name} hello`);
  });
});
