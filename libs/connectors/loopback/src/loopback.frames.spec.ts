import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Lines } from './lines.js';
import { lineOf, parseServerFrame, type ServerFrame } from './loopback.frames.js';
import { ProtocolViolation } from './readers.js';

const delivered: ServerFrame = {
  t: 'deliver',
  as: 'alice',
  n: 1,
  event: {
    kind: 'message',
    from: { address: 'bob' },
    conversation: 'bob',
    room: false,
    at: 1,
    id: 'm1',
    text: 'é\n👍',
  },
};

describe('a frame', () => {
  it('is read as it was written', () => {
    expect(parseServerFrame(lineOf(delivered))).toEqual(delivered);
  });

  it('keeps only what its kind has', () => {
    const line = JSON.stringify({ ...delivered, __proto__: 1, more: 'than asked' });
    expect(parseServerFrame(line)).toEqual(delivered);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no kind', '{}'],
    ['an unknown kind', '{"t":"constructor"}'],
    ['a wrong type', '{"t":"ping","k":"1"}'],
    ['a negative count', '{"t":"ping","k":-1}'],
    ['a fraction', '{"t":"ping","k":1.5}'],
    ['a code that is not on the list', '{"t":"denied","code":"oops"}'],
    ['an address with a line end', '{"t":"went","as":"alice","room":"#x\\n","who":"bob"}'],
  ])('that is %s is a violation', (_, line) => {
    expect(() => parseServerFrame(line)).toThrow(ProtocolViolation);
  });

  it('of any JSON is a frame or a violation, nothing else', () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        try {
          parseServerFrame(line);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation);
        }
      }),
    );
  });
});

describe('lines', () => {
  it('come out whole however the bytes come in', () => {
    const said = ['é', '👩‍👩‍👧‍👦', '', 'שלום'];
    const bytes = Buffer.from(said.map((line) => `${line}\n`).join(''));
    for (let size = 1; size <= bytes.length; size++) {
      const lines = new Lines(1_000);
      const heard: string[] = [];
      for (let at = 0; at < bytes.length; at += size)
        heard.push(...lines.take(bytes.subarray(at, at + size)));
      expect(heard).toEqual(said);
    }
  });

  it('that never end are a violation once they are too long', () => {
    const lines = new Lines(10);
    expect(lines.take(Buffer.from('0123456789'))).toEqual([]);
    expect(() => lines.take(Buffer.from('x'))).toThrow(ProtocolViolation);
  });

  it('that are no UTF-8 are a violation', () => {
    expect(() => new Lines(10).take(Buffer.from([0xc3, 0x28, 0x0a]))).toThrow(ProtocolViolation);
  });
});
