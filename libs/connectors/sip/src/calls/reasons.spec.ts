import { describe, expect, it } from '@jest/globals';
import { Headers } from '#protocols/sip';
import { cancelledAs, refusedAs } from './reasons.js';

const by = (...reasons: string[]) => cancelledAs(new Headers(reasons.map((value) => ['reason', value])));

describe('the end of a call that rang', () => {
  it.each([
    ['SIP;cause=200;text="Call completed elsewhere"', 'answered-elsewhere'],
    ['sip ; cause=200', 'answered-elsewhere'],
    ['SIP;cause=603;text="Decline"', 'declined'],
    ['SIP;cause=607', 'declined'],
    ['SIP;cause=600;text="Busy Everywhere"', 'busy'],
    ['SIP;cause=486', 'busy'],
    ['SIP;cause=487;text="ORIGINATOR_CANCEL"', 'missed'],
    ['Q.850;cause=26', 'answered-elsewhere'],
    ['Q.850;cause=21', 'declined'],
    ['Q.850;cause=16;text="Terminated"', 'missed'],
    ['preemption;cause=1', 'missed'],
    ['SIP;text="Call completed elsewhere, cause=200"', 'missed'],
    ['SIP;cause=99999999999999999999', 'missed'],
    ['', 'missed'],
  ] as const)('is told by %s as %s', (reason, state) => {
    expect(by(reason)).toBe(state);
  });

  it('is told by the first reason that says more than that it is over', () => {
    expect(by('Q.850;cause=16', 'SIP;cause=200')).toBe('answered-elsewhere');
    expect(by('Q.850;cause=16, SIP;cause=603;text="a, b"')).toBe('declined');
    expect(by()).toBe('missed');
  });
});

it('a refusal of ours to place a call is told as what it is', () => {
  const statesOf = (statuses: readonly number[], reason: string) =>
    statuses.map((status) => refusedAs({ status, headers: Headers.from({ reason }) }));
  expect(statesOf([486, 600, 603, 607, 404, 480, 503], '')).toEqual([
    'busy',
    'busy',
    'declined',
    'declined',
    'failed',
    'failed',
    'failed',
  ]);
  // A telephone network says more than a status can.
  expect(statesOf([403, 486], 'Q.850;cause=21')).toEqual(['declined', 'busy']);
  expect(statesOf([480], 'Q.850;cause=19')).toEqual(['failed']);
  expect(statesOf([500], 'SIP;cause=200')).toEqual(['failed']);
});
