import { describe, expect, it } from '@jest/globals';
import { Reply } from './backend.js';
import { concat, decode, encode, errorResponse, message, readyForQuery, type Bytes } from './wire.js';

const row = message('D', new Uint8Array(2));
const notification = message('A', 42, 'news', 'rain');

function pass(
  chunks: readonly Uint8Array[],
  tag?: string,
): { reply: Reply; pieces: Bytes[]; whole: boolean } {
  const pieces: Bytes[] = [];
  const reply = new Reply((piece) => pieces.push(piece), tag);
  for (const chunk of chunks) reply.push(chunk);
  return { reply, pieces, whole: reply.end() };
}

describe('a reply', () => {
  it('is read alike wherever the bytes are cut, and keeps notifications back', () => {
    const bytes = concat([
      row,
      notification,
      row,
      message('C', 'SELECT 2'),
      notification,
      readyForQuery('T'),
    ]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { reply, pieces, whole } = pass([bytes.slice(0, cut), bytes.slice(cut)]);
      expect(concat(pieces)).toEqual(concat([row, row, message('C', 'SELECT 2'), readyForQuery('T')]));
      expect(reply).toMatchObject({ status: 'T', tags: ['SELECT 2'], error: undefined });
      expect(reply.notifications).toEqual([
        { channel: 'news', bytes: notification },
        { channel: 'news', bytes: notification },
      ]);
      expect(whole).toBe(true);
    }
  });

  it('is passed on in pieces of whole messages before it has ended', () => {
    const large = message('D', new Uint8Array(400_000));
    const pieces: Bytes[] = [];
    const reply = new Reply((piece) => pieces.push(piece));
    for (let n = 0; n < 10; n++) {
      for (let at = 0; at < large.length; at += 8_192) reply.push(large.subarray(at, at + 8_192));
    }
    expect(pieces.length).toBeGreaterThan(1);
    reply.end();
    const whole = Buffer.concat(Array.from({ length: 10 }, () => large));
    expect(whole.equals(Buffer.concat(pieces))).toBe(true);
    for (const piece of pieces) expect(piece.length % large.length).toBe(0);
  });

  it('gives pieces that own their memory', () => {
    const chunk = concat([row, readyForQuery('I')]);
    const { pieces } = pass([chunk]);
    chunk.fill(0);
    expect(concat(pieces)).toEqual(concat([row, readyForQuery('I')]));
  });

  it('knows when it was broken off', () => {
    expect(pass([row.subarray(0, 3)]).whole).toBe(false);
    expect(pass([row]).reply.status).toBeUndefined();
  });

  it('names a RESET after the statement that it stands for', () => {
    const { pieces } = pass([message('C', 'RESET')], 'DISCARD ALL');
    expect(concat(pieces)).toEqual(message('C', 'DISCARD ALL'));
    expect(concat(pass([message('C', 'RESET')]).pieces)).toEqual(message('C', 'RESET'));
  });

  it('says in plain words that it does not read a COPY', () => {
    const failed = errorResponse('57014', 'COPY from stdin failed');
    const { reply, pieces } = pass([concat([message('G', encode('\0\0\0')), failed, readyForQuery('I')])]);
    expect(decode(concat(pieces))).toMatch(/^E.*C0A000\0MCOPY FROM STDIN is not supported/s);
    expect(reply.error).toBeDefined();
    expect(concat(pass([failed]).pieces)).toEqual(failed);
  });
});
