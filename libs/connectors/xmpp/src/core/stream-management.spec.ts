import { describe, expect, it } from '@jest/globals';
import type { Fate } from './port.js';
import { xml } from './xml.js';
import { StreamManagement } from './stream-management.js';

const message = (id: string) => xml('message', { id });
const idsOf = (management: StreamManagement) => management.again().map(({ attrs }) => attrs['id']);

describe('stream management (XEP-0198)', () => {
  it('acknowledges only the prefix that is stored', () => {
    const management = new StreamManagement('here');
    const stored = [management.received(), management.received(), management.received()];
    expect(management.asked().attrs['h']).toBe('0');
    stored[0]?.();
    stored[1]?.();
    expect(management.progress()?.attrs['h']).toBe('2');
    expect(management.isSettled).toBe(false);
    stored[2]?.();
    expect(management.progress()?.attrs['h']).toBe('3');
    expect(management.progress()).toBeUndefined();
    expect(management.resumable).toEqual({ id: 'here', handled: 3, acknowledged: 0 });
  });

  it('settles what the server says it has, in order, and sends the rest again', () => {
    const management = new StreamManagement('here');
    const fates: [string, Fate][] = [];
    for (const text of ['one', 'two', 'three'])
      management.sent(message(text), (fate) => fates.push([text, fate]));
    expect(management.acknowledged('2')).toBe(true);
    expect(fates).toEqual([
      ['one', 'acknowledged'],
      ['two', 'acknowledged'],
    ]);
    expect(idsOf(management)).toEqual(['three']);
  });

  it('does not send again what was given up', () => {
    const management = new StreamManagement('here');
    const fates: Fate[] = [];
    management.sent(message('one'), (fate) => fates.push(fate));
    management.giveUp();
    expect(fates).toEqual(['lost']);
    expect(management.acknowledged('0')).toBe(true);
    expect(idsOf(management)).toEqual([]);
    management.sent(message('two'));
    expect(idsOf(management)).toEqual(['two']);
  });

  it('bears that the server has what was given up', () => {
    const management = new StreamManagement('here');
    management.sent(message('one'));
    management.giveUp();
    expect(management.acknowledged('1')).toBe(true);
    expect(idsOf(management)).toEqual([]);
  });

  it('counts over the end of 32 bits', () => {
    const last = 2 ** 32 - 1;
    const management = new StreamManagement('here', { acknowledged: last, handled: last });
    management.sent(message('one'));
    management.sent(message('two'));
    expect(management.acknowledged('1')).toBe(true);
    expect(management.unacknowledged).toBe(0);
    management.received()();
    expect(management.handled).toBe(0);
  });

  it.each([undefined, '', '-1', '1e3', '4294967296', '99999999999', '2'])(
    'takes no count that cannot be: %p',
    (h) => {
      const management = new StreamManagement('here');
      management.sent(message('one'));
      expect(management.acknowledged(h)).toBe(false);
      expect(management.unacknowledged).toBe(1);
    },
  );

  it('has one question open at a time', () => {
    const management = new StreamManagement('here');
    expect(management.request()).toBeUndefined();
    management.sent(message('one'));
    expect(management.request()?.getName()).toBe('r');
    management.sent(message('two'));
    expect(management.request()).toBeUndefined();
    management.acknowledged('1');
    expect(management.request()?.getName()).toBe('r');
  });
});
