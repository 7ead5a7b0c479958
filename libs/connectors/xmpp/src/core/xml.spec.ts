import { expect, it } from '@jest/globals';
import { Element, readStanza, serialise, xml } from './xml.js';

it('writes what a parser reads back as it was', () => {
  const text = `a<b>&"c"' ]]> \t \n \r 🦜 é`;
  const stanza = xml('message', { to: text, xmlns: 'jabber:client' }, xml('body', null, text));
  const back = readStanza(serialise(stanza));
  expect(back.attrs.to).toBe(text);
  expect(back.getChildText('body', 'jabber:client')).toBe(text);
});

it('takes every character out that XML forbids, in texts and in attributes', () => {
  const bad = 'a\0b\x01c\x0bd\x1fe\ud800f\udc00g\ufffeh\uffffi\x7f';
  const written = serialise(xml('message', { id: bad }, xml('body', null, bad), bad));
  expect(written).toBe('<message id="abcdefghi\x7f"><body>abcdefghi\x7f</body>abcdefghi\x7f</message>');
  expect(readStanza(written).attrs.id).toBe('abcdefghi\x7f');
});

it('does not take two halves for whole that meet only when something between them is gone', () => {
  expect(serialise(xml('a', null, '\ud83e\x01\udd9c'))).toBe('<a></a>');
});

it('leaves out what is not there, and copies what it is given', () => {
  const attrs = { to: undefined, from: null, id: 7 };
  expect(serialise(xml('iq', attrs, undefined, null, false, '', [xml('a'), ['b', '3']]))).toBe(
    '<iq id="7"><a/>b3</iq>',
  );
  expect(attrs).toEqual({ to: undefined, from: null, id: 7 });
});

it('says a namespace once where it holds, and again where it ends', () => {
  const stanza = readStanza(`<iq><query xmlns='urn:x'><item/><none xmlns=''><deep/></none></query></iq>`);
  expect(serialise(stanza, 'jabber:client')).toBe(
    '<iq><query xmlns="urn:x"><item/><none xmlns=""><deep/></none></query></iq>',
  );
});

it('reads one stanza, and refuses what is none', () => {
  expect(readStanza('<presence/>')).toBeInstanceOf(Element);
  for (const none of ['', 'hi', '<a/><b/>', '<a>', '<a>&foo;</a>']) expect(() => readStanza(none)).toThrow();
});
