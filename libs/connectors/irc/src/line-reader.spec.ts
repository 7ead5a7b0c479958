import { describe, expect, it } from '@jest/globals';
import { LineReader, tooLong } from './line-reader.js';

function linesOf(reader: LineReader): readonly unknown[] {
  const lines: unknown[] = [];
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    lines.push(line);
    if (line === tooLong) break;
  }
  return lines;
}

describe('bytes become lines', () => {
  it('whatever the pieces they come in', () => {
    const bytes = Buffer.from('PING :é👋\r\n\r\n:a PRIVMSG b :日本\nrest');
    for (let size = 1; size <= bytes.length; size++) {
      const reader = new LineReader(100);
      const lines: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        reader.push(bytes.subarray(at, at + size));
        lines.push(...linesOf(reader));
      }
      expect(lines).toEqual(['PING :é👋', ':a PRIVMSG b :日本']);
    }
  });

  it('of Latin-1 where they are no UTF-8', () => {
    const reader = new LineReader(100);
    reader.push(Buffer.from('gr\xfc\xdfe\r\ngrüße\r\n', 'latin1'));
    expect(linesOf(reader)).toEqual(['grüße', 'grüße']);
  });

  it('or none, once there are too many without an end', () => {
    const reader = new LineReader(10);
    reader.push(Buffer.from('0123456789'));
    expect(linesOf(reader)).toEqual([]);
    reader.push(Buffer.from('x'));
    expect(linesOf(reader)).toEqual([tooLong]);
    const ended = new LineReader(10);
    ended.push(Buffer.from('0123456789x\n'));
    expect(linesOf(ended)).toEqual([tooLong]);
  });
});
