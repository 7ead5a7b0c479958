import { describe, expect, it } from '@jest/globals';
import { readStanza, type Element } from './core/xml.js';
import { sharedInfoOf } from './disco-answers.js';
import { infoOf } from './xep/0030.js';

const answer = (more: string): Element =>
  readStanza(
    `<query xmlns="http://jabber.org/protocol/disco#info"><identity category="server" type="im"/>${more}</query>`,
  );
const form = (value: string): string =>
  '<x xmlns="jabber:x:data" type="result"><reported><field var="name"/></reported>' +
  `<item><field var="name"><value>${value}</value></field></item></x>`;

describe('what servers say of themselves', () => {
  it('is held once for all who hear the same, and as it was read', () => {
    const said = `<feature var="urn:xmpp:ping"/>${form('one')}`;
    expect(sharedInfoOf(answer(said))).toBe(sharedInfoOf(answer(said)));
    expect(sharedInfoOf(answer(said))).toEqual(infoOf(answer(said)));
  });

  it('is not taken for what differs in the rows of a form only', () => {
    expect(sharedInfoOf(answer(form('one')))).not.toEqual(sharedInfoOf(answer(form('two'))));
  });

  it('is let go when many others have said something', () => {
    const first = sharedInfoOf(answer('<feature var="first"/>'));
    for (let other = 0; other < 200; other++) sharedInfoOf(answer(`<feature var="${String(other)}"/>`));
    expect(sharedInfoOf(answer('<feature var="first"/>'))).not.toBe(first);
  });

  it('is each listener’s own where it is long', () => {
    const long = `<feature var="${'x'.repeat(1_000)}"/>`.repeat(20);
    expect(sharedInfoOf(answer(long))).toEqual(infoOf(answer(long)));
    expect(sharedInfoOf(answer(long))).not.toBe(sharedInfoOf(answer(long)));
  });

  it('is nothing where it is no answer', () => {
    expect(sharedInfoOf(undefined)).toBeUndefined();
    expect(sharedInfoOf(readStanza('<query xmlns="jabber:iq:roster"/>'))).toBeUndefined();
  });
});
