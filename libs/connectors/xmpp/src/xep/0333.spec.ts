import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { displayed, isMarkable, markable, markerIn } from './0333.js';

const message = (text: string) => readStanza(`<message from='juliet@capulet.lit/balcony'>${text}</message>`);

describe('displayed markers (XEP-0333)', () => {
  test('a message may be marked, and is', () => {
    expect(isMarkable(message(`<body>Hi</body><markable xmlns='urn:xmpp:chat-markers:0'/>`))).toBe(true);
    expect(markerIn(message(`<displayed xmlns='urn:xmpp:chat-markers:0' id='the-msg-1'/>`))).toEqual({
      marker: 'displayed',
      id: 'the-msg-1',
    });
    expect(serialise(markable())).toBe('<markable xmlns="urn:xmpp:chat-markers:0"/>');
    expect(serialise(displayed('a'))).toBe('<displayed xmlns="urn:xmpp:chat-markers:0" id="a"/>');
  });

  test('of several the furthest counts', () => {
    expect(
      markerIn(
        message(
          `<received xmlns='urn:xmpp:chat-markers:0' id='a'/><displayed xmlns='urn:xmpp:chat-markers:0' id='a'/>`,
        ),
      )?.marker,
    ).toBe('displayed');
  });

  test.each([
    `<displayed xmlns='urn:xmpp:chat-markers:0'/>`,
    `<displayed xmlns='urn:xmpp:receipts' id='a'/>`,
    `<markable xmlns='urn:xmpp:chat-markers:0' id='a'/>`,
  ])('%s marks nothing', (text) => {
    expect(markerIn(message(text))).toBeUndefined();
  });
});
