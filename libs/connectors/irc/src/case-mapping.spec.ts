import { expect, it } from '@jest/globals';
import { caseMappingOf, fold } from './case-mapping.js';

it('folds what a network holds to be the same letter, and nothing else (RFC 1459 §2.2)', () => {
  expect(fold('Nick[]\\^', 'rfc1459')).toBe('nick{}|~');
  expect(fold('Nick[]\\^', 'strict-rfc1459')).toBe('nick{}|^');
  expect(fold('Nick[]\\^', 'ascii')).toBe('nick[]\\^');
  expect(fold('ÄÖ', 'rfc1459')).toBe('ÄÖ');
});

it('takes rfc1459 where nothing is announced, and the least where the word is not known', () => {
  expect(caseMappingOf(undefined)).toBe('rfc1459');
  expect(caseMappingOf('rfc1459-strict')).toBe('strict-rfc1459');
  expect(caseMappingOf('klingon')).toBe('ascii');
});

it('folds letters of all scripts, their widths and their accents where the network does (RFC 8265 §3.3)', () => {
  const mapping = caseMappingOf('rfc7613');
  expect(fold('Émile', mapping)).toBe(fold('e\u0301MILE', mapping));
  expect(fold('ＡＬＩＣＥ', mapping)).toBe('alice');
  expect(fold('[ÄÖ]', mapping)).toBe('[äö]');
});
