import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { newId } from '#model';
import { leastOf, workOf } from '#peers';
import { lineOf, parseClientFrame } from './loopback.frames.js';
import { partsOf, toLoopback } from './to-loopback.js';

function envelope(more: Partial<OutboundEnvelope> = {}): OutboundEnvelope {
  return {
    id: newId<'EnvelopeId'>(),
    account: newId<'AccountId'>(),
    kind: 'message',
    to: 'bob',
    conversationKind: 'direct',
    content: { text: 'hello' },
    attempt: 1,
    ...more,
  };
}

const about = (...ids: string[]) => ({
  remoteIds: ids.map((id) => ({ scope: 'x', id, by: 'network' as const })),
  text: 'old',
});

function frames(outbound: OutboundEnvelope, maxTextBytes = 65_536) {
  const translated = toLoopback(outbound, 'alice', maxTextBytes);
  if ('failure' in translated) throw new Error(translated.failure.code);
  return translated.frames;
}

describe('to the loopback protocol', () => {
  it('a message is one frame with its wire id', () => {
    const message = envelope({ target: about('m1') });
    expect(frames(message)).toEqual([
      { t: 'send', as: 'alice', wire: wireIdOf(message.id, 0), to: 'bob', text: 'hello', reply: 'm1' },
    ]);
  });

  it('a long text leaves in parts, numbered by their wire ids', () => {
    const message = envelope({ content: { text: 'abcdefgh' } });
    expect(frames(message, 3).map((frame) => [frame.wire, 'text' in frame && frame.text])).toEqual([
      [wireIdOf(message.id, 0), 'abc'],
      [wireIdOf(message.id, 1), 'def'],
      [wireIdOf(message.id, 2), 'gh'],
    ]);
  });

  it('a text of too many parts is refused', () => {
    const huge = envelope({ content: { text: 'x'.repeat(3 * 64 + 1) } });
    expect(toLoopback(huge, 'alice', 3)).toMatchObject({ failure: { code: 'too-large' } });
  });

  it('an edit gives its text to the first part and takes the others back', () => {
    const edit = envelope({ kind: 'edit', content: { text: 'new' }, target: about('m1', 'm2') });
    expect(frames(edit)).toMatchObject([
      { t: 'edit', target: 'm1', text: 'new' },
      { t: 'retract', target: 'm2' },
    ]);
  });

  it('a retraction takes back every part, a reaction is to the first', () => {
    expect(frames(envelope({ kind: 'retraction', target: about('m1', 'm2') })).map(({ t }) => t)).toEqual([
      'retract',
      'retract',
    ]);
    const reaction = { emoji: '👍', removed: false };
    expect(frames(envelope({ kind: 'reaction', target: about('m1', 'm2'), reaction }))).toMatchObject([
      { t: 'react', target: 'm1', emoji: '👍' },
    ]);
  });

  it('what is about a message that the network does not know is refused', () => {
    for (const kind of ['edit', 'retraction', 'reaction'] as const) {
      const lost = envelope({ kind, reaction: { emoji: '👍', removed: false } });
      expect(toLoopback(lost, 'alice', 100)).toMatchObject({ failure: { code: 'not-found' } });
    }
  });

  it('what is no address gets nothing', () => {
    for (const to of ['', 'two words', 'bob\r\nx', 'BOB']) {
      expect(toLoopback(envelope({ to }), 'alice', 100)).toMatchObject({ failure: { code: 'not-found' } });
    }
  });

  it('any text at all is one line, and is read back as it was but for what UTF-8 cannot say', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const frame of frames(envelope({ content: { text } }))) {
          const line = lineOf(frame);
          expect(line.indexOf('\n')).toBe(line.length - 1);
          expect(parseClientFrame(line)).toEqual(frame);
        }
      }),
    );
  });
});

describe('cutting a text into parts', () => {
  it('keeps every byte, and no part is too long', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 300 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 16, max: 80 }), (text, most) => {
        const parts = partsOf(text, most);
        expect(parts.join('')).toBe(text);
        for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('never cuts a grapheme that fits a part', () => {
    const family = '👩‍👩‍👧‍👦';
    for (const part of partsOf(`x${family.repeat(20)}`, 60)) expect(part).toMatch(/^x?(?:👩‍👩‍👧‍👦)+$/u);
  });

  it('cuts a grapheme that fits no part between code points', () => {
    const zalgo = `e${'\u0301'.repeat(500)}`;
    const parts = partsOf(zalgo, 64);
    expect(parts.join('')).toBe(zalgo);
    for (const part of parts) expect(part.isWellFormed()).toBe(true);
  });

  it('takes a megabyte in a fraction of a second', async () => {
    const text = '👩‍👩‍👧é'.repeat(60_000);
    expect(partsOf(text, 400).join('')).toBe(text);
    expect(await leastOf(1_500, () => workOf(() => partsOf(text, 400)))).toBeLessThan(1_500);
  });
});
