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

  it('of windows-1252 where they are no UTF-8, each line on its own', () => {
    const reader = new LineReader(100);
    reader.push(Buffer.from('gr\xfc\xdfe \x80\r\n', 'latin1'));
    reader.push(Buffer.from('grüße €\r\n'));
    reader.push(Buffer.from('\xe9\r\n', 'latin1'));
    expect(linesOf(reader)).toEqual(['grüße €', 'grüße €', 'é']);
  });

  it('of the encoding that the person knows to be usual there', () => {
    const reader = new LineReader(100, 'koi8-r');
    reader.push(Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4, 0x0a]));
    expect(linesOf(reader)).toEqual(['Привет']);
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
