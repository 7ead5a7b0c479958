import { describe, expect, it } from '@jest/globals';
import { newReadableCode, newToken } from './codes.js';
import { words } from './words.js';

describe('a code to be read aloud', () => {
  it('has sixty bits and more', () => {
    expect(new Set(words).size).toBe(words.length);
    expect(3 * Math.log2(words.length) + 3 * Math.log2(10_000)).toBeGreaterThan(60);
  });

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 100 }, newReadableCode)).size).toBe(100);
  });
});

describe('a token', () => {
  it('has 256 bits behind a prefix that scanners know', () => {
    expect(Buffer.from(newToken().slice('parley_'.length), 'base64url')).toHaveLength(32);
  });
});
