import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { reacting, reactionsIn } from './0444.js';

const message = (text: string) =>
  reactionsIn(readStanza(`<message type='chat'>${text}<store xmlns='urn:xmpp:hints'/></message>`));

describe('reactions (XEP-0444)', () => {
  test('a message holds all reactions to another', () => {
    expect(
      message(
        `<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction><reaction>🐢</reaction></reactions>`,
      ),
    ).toEqual({ id: '744f6e18', emojis: ['👋', '🐢'] });
    expect(message(`<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'/>`)).toEqual({
      id: '744f6e18',
      emojis: [],
    });
    expect(serialise(reacting('a', ['👋']))).toBe(
      '<reactions xmlns="urn:xmpp:reactions:0" id="a"><reaction>👋</reaction></reactions>',
    );
  });

  test('each counts once; empty ones, essays and floods do not', () => {
    const flood = Array.from({ length: 80 }, (_, n) => `<reaction>${String(n)}</reaction>`).join('');
    expect(
      message(
        `<reactions id='a' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction><reaction>👋</reaction><reaction/><reaction>${'x'.repeat(100)}</reaction></reactions>`,
      )?.emojis,
    ).toEqual(['👋']);
    expect(
      message(`<reactions id='a' xmlns='urn:xmpp:reactions:0'>${flood}</reactions>`)?.emojis,
    ).toHaveLength(50);
  });

  test.each([
    `<reactions xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction></reactions>`,
    `<reactions id='a' xmlns='urn:evil'/>`,
    '',
  ])('%j holds none', (text) => {
    expect(message(text)).toBeUndefined();
  });
});
