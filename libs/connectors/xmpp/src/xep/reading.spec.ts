import { describe, expect, test } from '@jest/globals';
import { readStanza } from '../core/xml.js';
import {
  attribute,
  bytesOf,
  childrenOf,
  cut,
  momentOf,
  textIn,
  webAddressOf,
  wholeNumber,
} from './reading.js';

describe('reading untrusted elements', () => {
  test('keeps no attribute and no text that is longer than it may be', () => {
    const stanza = readStanza(
      `<message id="${'x'.repeat(1_025)}" to="a@b"><body>${'y'.repeat(1_025)}</body></message>`,
    );
    expect(attribute(stanza, 'id')).toBeUndefined();
    expect(attribute(stanza, 'to')).toBe('a@b');
    expect(attribute(stanza, 'from')).toBeUndefined();
    expect(textIn(stanza, 'body', 'jabber:client')).toBeUndefined();
    expect(textIn(stanza, 'body', 'jabber:client', 2_000)).toHaveLength(1_025);
  });

  test('finds nothing by the name of an inherited member', () => {
    expect(attribute(readStanza('<message/>'), 'constructor')).toBeUndefined();
  });

  test('takes a child by its namespace, and no more children than wanted', () => {
    const stanza = readStanza(
      '<message><a xmlns="urn:x"/><a xmlns="urn:y"/><a xmlns="urn:x"/><b><a xmlns="urn:x"/></b></message>',
    );
    expect(childrenOf(stanza, 'a', 'urn:x', 9)).toHaveLength(2);
    expect(childrenOf(stanza, 'a', 'urn:x', 1)).toHaveLength(1);
  });

  test('cuts words between characters', () => {
    expect(cut('  hello  ', 9)).toBe('hello');
    expect(cut('ab😀', 3)?.isWellFormed()).toBe(true);
    expect(cut('   ', 9)).toBeUndefined();
  });

  test.each([
    ['2002-09-10T23:08:25Z', '2002-09-10T23:08:25.000Z'],
    ['2002-09-10T23:08:25.123456Z', '2002-09-10T23:08:25.123Z'],
    ['2002-09-10T23:08:25+02:00', '2002-09-10T21:08:25.000Z'],
    ['20020910T23:08:25', '2002-09-10T23:08:25.000Z'],
  ])('reads %s as a moment', (text, iso) => {
    expect(momentOf(text)?.toISOString()).toBe(iso);
  });

  test.each(['', 'yesterday', '2002-13-40T23:08:25Z', '2002-09-10', '9'.repeat(100), undefined])(
    'reads %s as no moment',
    (text) => {
      expect(momentOf(text)).toBeUndefined();
    },
  );

  test('takes for a number what is whole and not too large', () => {
    expect(wholeNumber('42')).toBe(42);
    expect(wholeNumber('42', 41)).toBeUndefined();
    for (const text of ['-1', '1e3', '0x10', ' 1', '', '9'.repeat(20), undefined]) {
      expect(wholeNumber(text)).toBeUndefined();
    }
  });

  test('takes for bytes what is Base64, and no more of them than wanted', () => {
    expect(bytesOf('aGVs\n bG8=', 10)).toEqual(Buffer.from('hello'));
    for (const text of ['aGVsbG8=', undefined, '', '!!!!', 'abc']) expect(bytesOf(text, 4)).toBeUndefined();
  });

  test('takes for an address on the web nothing that runs or reads', () => {
    expect(webAddressOf(' https://example.org/a.png ')).toBe('https://example.org/a.png');
    for (const text of ['javascript:alert(1)', 'file:///etc/passwd', 'data:,x', 'nonsense', undefined, '']) {
      expect(webAddressOf(text)).toBeUndefined();
    }
    expect(webAddressOf(`https://example.org/${'a'.repeat(5_000)}`)).toBeUndefined();
  });
});
