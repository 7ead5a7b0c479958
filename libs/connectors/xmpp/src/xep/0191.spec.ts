import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { blockChangeOf, blocking, blockListAsk, blockListOf, isBlockedByUs } from './0191.js';

const payload = (text: string) =>
  readStanza(`<iq type='set'>${text}</iq>`).getChildElements()[0] ?? readStanza('<iq/>');

describe('blocking (XEP-0191)', () => {
  test('the list is read', () => {
    expect(
      blockListOf(
        payload(
          `<blocklist xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/><item jid='iago@shakespeare.lit'/><item/></blocklist>`,
        ),
      ),
    ).toEqual(['romeo@montague.net', 'iago@shakespeare.lit']);
    expect(blockListOf(payload(`<blocklist xmlns='urn:xmpp:blocking'/>`))).toEqual([]);
    expect(blockListOf(payload(`<blocklist xmlns='urn:evil'/>`))).toBeUndefined();
  });

  test('pushes tell what has changed', () => {
    expect(
      blockChangeOf(payload(`<block xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/></block>`)),
    ).toEqual({ change: 'block', jids: ['romeo@montague.net'] });
    expect(
      blockChangeOf(payload(`<unblock xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/></unblock>`)),
    ).toEqual({ change: 'unblock', jids: ['romeo@montague.net'] });
    expect(blockChangeOf(payload(`<unblock xmlns='urn:xmpp:blocking'/>`))).toEqual({ change: 'unblock-all' });
  });

  test.each([
    `<block xmlns='urn:xmpp:blocking'/>`,
    `<unblock xmlns='urn:xmpp:blocking'><item/></unblock>`,
    `<block xmlns='urn:evil'><item jid='a@b'/></block>`,
  ])('%s changes nothing, and never unblocks all', (text) => {
    expect(blockChangeOf(payload(text))).toBeUndefined();
  });

  test('is asked for, and told from other refusals', () => {
    expect(serialise(blockListAsk())).toBe('<blocklist xmlns="urn:xmpp:blocking"/>');
    expect(serialise(blocking('block', 'a@b'))).toBe(
      '<block xmlns="urn:xmpp:blocking"><item jid="a@b"/></block>',
    );
    expect(
      isBlockedByUs(
        payload(
          `<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error>`,
        ),
      ),
    ).toBe(true);
    expect(isBlockedByUs(undefined)).toBe(false);
  });
});
