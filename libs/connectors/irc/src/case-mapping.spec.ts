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
  expect(caseMappingOf('rfc7613')).toBe('ascii');
});
