import { describe, expect, test } from '@jest/globals';
import { selfPingVerdict } from './0410.js';

describe('self-ping (XEP-0410)', () => {
  test.each([
    ['result', 'joined'],
    ['service-unavailable', 'joined'],
    ['feature-not-implemented', 'joined'],
    ['item-not-found', 'joined'],
    ['not-acceptable', 'gone'],
    ['not-allowed', 'gone'],
    ['bad-request', 'gone'],
    ['a word that nobody knows', 'gone'],
    ['remote-server-not-found', 'unknown'],
    ['remote-server-timeout', 'unknown'],
    ['timeout', 'unknown'],
  ])('%s means %s', (answer, verdict) => {
    expect(selfPingVerdict(answer)).toBe(verdict);
  });
});
