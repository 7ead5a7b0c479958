import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { retractedIn, retracting, tombstoneIn } from './0424.js';

const message = (text: string) => readStanza(`<message type='chat'>${text}</message>`);
const moderated = `<moderated xmlns='urn:xmpp:message-moderate:1' by='room@muc.example.com/macbeth'/>`;

describe('retraction (XEP-0424)', () => {
  test('names the message, in both versions', () => {
    expect(
      retractedIn(
        message(
          `<retract id="wrong-recipient-1" xmlns='urn:xmpp:message-retract:1'/><body>/me retracted</body>`,
        ),
      ),
    ).toBe('wrong-recipient-1');
    expect(
      retractedIn(
        message(
          `<apply-to id="wrong-recipient-1" xmlns="urn:xmpp:fasten:0"><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`,
        ),
      ),
    ).toBe('wrong-recipient-1');
  });

  test.each([
    ['without an id', `<retract xmlns='urn:xmpp:message-retract:1'/>`],
    ['of a moderator', `<retract id='a' xmlns='urn:xmpp:message-retract:1'>${moderated}</retract>`],
    [
      'of a moderator of the old version',
      `<apply-to id='a' xmlns='urn:xmpp:fasten:0'><moderated xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/></moderated></apply-to>`,
    ],
    ['of another namespace', `<retract id='a' xmlns='urn:evil'/>`],
    [
      'of which only the fastening is there',
      `<apply-to id='a' xmlns='urn:xmpp:fasten:0'><like xmlns='urn:example:like'/></apply-to>`,
    ],
  ])('one %s is none', (_, text) => {
    expect(retractedIn(message(text))).toBeUndefined();
  });

  test('a tombstone stands where a message was', () => {
    expect(
      tombstoneIn(
        message(
          `<retracted stamp='2019-09-20T23:09:32Z' xmlns='urn:xmpp:message-retract:1' id='retract-message-1'/>`,
        ),
      ),
    ).toEqual({ at: new Date('2019-09-20T23:09:32Z') });
    expect(tombstoneIn(message(`<retracted xmlns='urn:xmpp:message-retract:0'/>`))).toEqual({});
    expect(tombstoneIn(message('<body>x</body>'))).toBeUndefined();
  });

  test('ours is read in both versions, and says itself to those who know neither', () => {
    const text = retracting('a')
      .map((element) => serialise(element))
      .join('');
    expect(retractedIn(message(text))).toBe('a');
    expect(retractedIn(message(text.replace(/<retract xmlns="urn:xmpp:message-retract:1"[^>]*>/, '')))).toBe(
      'a',
    );
    expect(text).toContain('<body>/me retracted');
  });
});
