import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { nick, nickIn, nickOf } from './0172.js';

describe('nicknames (XEP-0172)', () => {
  test('a nick goes in a presence, a message or an item', () => {
    const stanza = readStanza(
      `<presence type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Ishmael</nick></presence>`,
    );
    expect(nickIn(stanza)).toBe('Ishmael');
    expect(nickOf(stanza.getChildElements()[0])).toBe('Ishmael');
    expect(serialise(nick('Ishmael'))).toBe('<nick xmlns="http://jabber.org/protocol/nick">Ishmael</nick>');
  });

  test('an empty one and one of another namespace are none, a long one is cut', () => {
    expect(
      nickIn(
        readStanza(
          `<presence><nick xmlns='http://jabber.org/protocol/nick'>  </nick><nick>x</nick></presence>`,
        ),
      ),
    ).toBeUndefined();
    expect(nickOf(undefined)).toBeUndefined();
    expect(
      nickIn(
        readStanza(
          `<presence><nick xmlns='http://jabber.org/protocol/nick'>${'n'.repeat(9_000)}</nick></presence>`,
        ),
      ),
    ).toHaveLength(256);
  });
});
