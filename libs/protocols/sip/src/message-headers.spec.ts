import { describe, expect, it } from '@jest/globals';
import { Headers } from './message-headers.js';

describe('header fields', () => {
  it('have the same name in any case, short or long', () => {
    const headers = new Headers([
      ['V', 'one'],
      ['via', 'two'],
      ['VIA', 'three'],
    ]);
    expect(headers.all('Via')).toEqual(['one', 'two', 'three']);
    expect(headers.get('v')).toBe('one');
    expect(headers.has('V')).toBe(true);
  });

  it('are lists only where their grammar is one', () => {
    const headers = new Headers([
      ['Contact', '"Doe, \\"J,\\"" <sip:a,b@example.org>;q=0.1 , sip:c@example.org'],
      ['m', '<sip:d@example.org>'],
      ['Supported', ' path,outbound ,, gruu'],
      ['WWW-Authenticate', 'Digest realm="a", nonce="b"'],
      ['Subject', 'one, two'],
      ['Date', 'Sat, 13 Nov 2010 23:29:00 GMT'],
      ['User-Agent', 'Phone (a, b)'],
      ['From', 'Doe, John <sip:john@example.org>'],
    ]);
    expect(headers.list('contact')).toEqual([
      '"Doe, \\"J,\\"" <sip:a,b@example.org>;q=0.1',
      'sip:c@example.org',
      '<sip:d@example.org>',
    ]);
    expect(headers.list('supported')).toEqual(['path', 'outbound', '', 'gruu']);
    expect(headers.tokens('k')).toEqual(['path', 'outbound', 'gruu']);
    for (const name of ['www-authenticate', 'subject', 'date', 'user-agent', 'from']) {
      expect(headers.list(name)).toHaveLength(1);
    }
    expect(headers.list('route')).toEqual([]);
  });

  it('are added, put above, put in place of all others, and removed', () => {
    const headers = new Headers([
      ['via', 'b'],
      ['route', 'x'],
      ['route', 'y'],
    ]);
    headers.prepend('v', 'a').set('Route', 'z').add('to', 'bob').remove('nothing');
    expect([...headers]).toEqual([
      ['via', 'a'],
      ['via', 'b'],
      ['route', 'z'],
      ['to', 'bob'],
    ]);
    expect([...Headers.from(headers).remove('via')]).toHaveLength(2);
    expect([...headers]).toHaveLength(4);
  });
});
