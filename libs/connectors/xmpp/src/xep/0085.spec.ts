import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { chatState, chatStateIn } from './0085.js';

describe('chat states (XEP-0085)', () => {
  test('a state is told with a body or without', () => {
    expect(
      chatStateIn(
        readStanza(
          `<message type='chat'><body>Who's there?</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
        ),
      ),
    ).toBe('active');
    expect(
      chatStateIn(
        readStanza(
          `<message type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
        ),
      ),
    ).toBe('composing');
    expect(serialise(chatState('paused'))).toBe('<paused xmlns="http://jabber.org/protocol/chatstates"/>');
  });

  test.each([
    ['of another namespace', `<composing xmlns='jabber:x:event'/>`],
    [
      'twofold',
      `<composing xmlns='http://jabber.org/protocol/chatstates'/><gone xmlns='http://jabber.org/protocol/chatstates'/>`,
    ],
    ['unknown', `<sleeping xmlns='http://jabber.org/protocol/chatstates'/>`],
    ['wrapped', `<w xmlns='urn:w'><composing xmlns='http://jabber.org/protocol/chatstates'/></w>`],
  ])('what is %s is no state', (_, text) => {
    expect(chatStateIn(readStanza(`<message>${text}</message>`))).toBeUndefined();
  });
});
