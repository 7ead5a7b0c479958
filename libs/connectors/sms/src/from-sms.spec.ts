import { describe, expect, it } from '@jest/globals';
import { newId } from '#model';
import type { Joined } from '#protocols/smpp';
import { joinedFrom, messageFrom } from './from-sms.js';

const account = newId<'AccountId'>();
const words = { words: { out: [], in: [], help: [] }, answers: {} };
const at = new Date('2026-11-20T12:00:00Z');
const incoming = { from: '+12025550123', to: '+12025550100', at, body: { text: '' } };
const joined: Joined = {
  from: '+12025550123',
  to: '+12025550100',
  content: { text: 'stop' },
  of: 2,
  numbers: [1, 2],
  missing: [],
  since: at.getTime(),
  late: false,
};

describe('what phones say', () => {
  it('is said in the conversation between them and the number that they wrote to', () => {
    expect(messageFrom(account, incoming, 'hello', words)).toEqual({
      type: 'message',
      account,
      conversation: '+12025550123/+12025550100',
      conversationKind: 'direct',
      author: { address: '+12025550123', kind: 'reassignable' },
      content: { text: 'hello' },
      parts: 1,
      pricedBy: '12025550123',
      origin: 'remote',
      mode: 'live',
      at,
    });
  });

  it('is a wish to be left alone where it is the word for it, but to us alone', () => {
    expect(messageFrom(account, incoming, 'Stop.', words).consent?.act).toBe('out');
    expect(messageFrom(account, incoming, 'HELP', words).consent?.act).toBe('help');
    const group = { ...incoming, others: ['+447700900456'] };
    expect(messageFrom(account, group, 'STOP', words)).toMatchObject({
      conversation: '+12025550123,+447700900456/+12025550100',
      conversationKind: 'room',
    });
    expect(messageFrom(account, group, 'STOP', words)).not.toHaveProperty('consent');
    expect(messageFrom(account, incoming, Buffer.from('STOP'), words)).not.toHaveProperty('consent');
  });

  it('is no such wish where it is not all that was said', () => {
    expect(joinedFrom(account, joined, words).consent?.act).toBe('out');
    const partial = { ...joined, numbers: [2], missing: [1] };
    expect(joinedFrom(account, partial, words)).not.toHaveProperty('consent');
  });

  it('says which part it is where it comes after the rest', () => {
    const late = { ...joined, content: { text: 'and more' }, numbers: [2], late: true };
    expect(joinedFrom(account, late, words)).toMatchObject({ content: { text: '[2/2] and more' }, at });
    expect(joinedFrom(account, late, words)).not.toHaveProperty('consent');
  });
});
