import { describe, expect, it } from '@jest/globals';
import { failFailure, numericFailure } from './failures.js';

describe('a refusal', () => {
  it.each([
    ['401', 'not-found', 'give-up'],
    ['403', 'not-found', 'give-up'],
    ['404', 'not-allowed', 'ask-person'],
    ['411', 'unsupported', 'give-up'],
    ['412', 'unsupported', 'give-up'],
    ['417', 'too-large', 'give-up'],
    ['437', 'resource-conflict', 'retry'],
    ['442', 'not-allowed', 'ask-person'],
    ['477', 'auth-required', 'ask-person'],
    ['482', 'not-allowed', 'ask-person'],
    ['486', 'auth-required', 'ask-person'],
    ['531', 'not-allowed', 'ask-person'],
    ['716', 'not-allowed', 'ask-person'],
  ])('%s is %s, and the remedy is %s', (numeric, code, remedy) => {
    expect(numericFailure(numeric, 'The server’s words.')).toEqual({
      code,
      remedy,
      detail: 'The server’s words.',
    });
  });

  it('is none where a number only tells something: they were told of us (717), somebody waits to be heard (718)', () => {
    for (const numeric of ['717', '718', '001', '301']) expect(numericFailure(numeric, 'x')).toBeUndefined();
  });

  it.each([
    ['ACCOUNT_REQUIRED_TO_CONNECT', 'auth-required'],
    ['RATE_LIMITED', 'rate-limited'],
    ['MULTILINE_MAX_BYTES', 'too-large'],
    ['MULTILINE_MAX_LINES', 'too-large'],
    ['MULTILINE_INVALID', 'unsupported'],
    ['REDACT_FORBIDDEN', 'not-allowed'],
    ['REDACT_WINDOW_EXPIRED', 'not-allowed'],
    ['UNKNOWN_MSGID', 'not-found'],
    ['INVALID_TARGET', 'not-found'],
    ['UNKNOWN_COMMAND', 'unsupported'],
    ['INVALID_UTF8', 'unsupported'],
    ['CANNOT_SEND', 'not-allowed'],
    ['UNKNOWN_ERROR', 'unknown'],
  ])('FAIL … %s is %s', (code, expected) => {
    expect(failFailure(code, 'x').code).toBe(expected);
  });
});
