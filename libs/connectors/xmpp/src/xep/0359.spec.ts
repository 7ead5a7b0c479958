import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { originId, originIdIn, stanzaIdIn } from './0359.js';

const byRoom = (jid: string): boolean => jid === 'room@muc.example.com';
const id = (by: string, value = '5f3dbc5e-e1d3-4077-a492-693f3769c7ad'): string =>
  `<stanza-id xmlns='urn:xmpp:sid:0' id='${value}' by='${by}'/>`;
const message = (text: string) =>
  readStanza(`<message type='groupchat'><body>Typical body text</body>${text}</message>`);

describe('stanza ids (XEP-0359)', () => {
  test('an id counts by whom it must be', () => {
    expect(stanzaIdIn(message(id('room@muc.example.com')), byRoom)).toBe(
      '5f3dbc5e-e1d3-4077-a492-693f3769c7ad',
    );
    expect(stanzaIdIn(message(id('evil@muc.example.com') + id('room@muc.example.com', 'true')), byRoom)).toBe(
      'true',
    );
  });

  test.each([
    ['by somebody else', id('evil@muc.example.com')],
    ['by nobody', `<stanza-id xmlns='urn:xmpp:sid:0' id='a'/>`],
    ['without an id', `<stanza-id xmlns='urn:xmpp:sid:0' by='room@muc.example.com'/>`],
    ['twofold', id('room@muc.example.com', 'a') + id('room@muc.example.com', 'b')],
    ['of another namespace', `<stanza-id xmlns='urn:xmpp:sid:1' id='a' by='room@muc.example.com'/>`],
    ['too long', id('room@muc.example.com', 'i'.repeat(2_000))],
    [
      'of a forwarded message',
      `<forwarded xmlns='urn:xmpp:forward:0'>${id('room@muc.example.com')}</forwarded>`,
    ],
  ])('an id %s is none', (_, text) => {
    expect(stanzaIdIn(message(text), byRoom)).toBeUndefined();
  });

  test('the sender’s own id is read and given', () => {
    expect(originIdIn(message(`<origin-id xmlns='urn:xmpp:sid:0' id='de305d54'/>`))).toBe('de305d54');
    expect(originIdIn(message(`<origin-id xmlns='urn:evil' id='de305d54'/>`))).toBeUndefined();
    expect(serialise(originId('a'))).toBe('<origin-id xmlns="urn:xmpp:sid:0" id="a"/>');
  });
});
