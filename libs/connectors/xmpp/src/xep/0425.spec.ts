import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { moderating, moderationIn } from './0425.js';

const message = (text: string) =>
  readStanza(`<message type='groupchat' from='room@muc.example.com'>${text}</message>`);

describe('moderation (XEP-0425)', () => {
  test('names the message, who did it and why', () => {
    expect(
      moderationIn(
        message(`<retract id="stanza-id-1" xmlns='urn:xmpp:message-retract:1'><moderated by='room@muc.example.com/macbeth' xmlns='urn:xmpp:message-moderate:1'>
      <occupant-id xmlns="urn:xmpp:occupant-id:0" id="dd72603deec90a38ba552f7c68cbcc61bca202cd"/></moderated><reason>Inappropriate</reason></retract>`),
      ),
    ).toEqual({
      id: 'stanza-id-1',
      by: 'room@muc.example.com/macbeth',
      occupantId: 'dd72603deec90a38ba552f7c68cbcc61bca202cd',
      reason: 'Inappropriate',
    });
  });

  test('the old version is read as well', () => {
    expect(
      moderationIn(
        message(
          `<apply-to id='stanza-id-1' xmlns='urn:xmpp:fasten:0'><moderated by='room@muc.example.com/macbeth' xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/><reason>Inappropriate</reason></moderated></apply-to>`,
        ),
      ),
    ).toEqual({ id: 'stanza-id-1', by: 'room@muc.example.com/macbeth', reason: 'Inappropriate' });
  });

  test.each([
    ['an ordinary retraction', `<retract id='a' xmlns='urn:xmpp:message-retract:1'/>`],
    [
      'one without an id',
      `<retract xmlns='urn:xmpp:message-retract:1'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract>`,
    ],
    [
      'one of another namespace',
      `<retract id='a' xmlns='urn:xmpp:message-retract:1'><moderated xmlns='urn:evil'/></retract>`,
    ],
    [
      'an old one that takes nothing back',
      `<apply-to id='a' xmlns='urn:xmpp:fasten:0'><moderated xmlns='urn:xmpp:message-moderate:0'/></apply-to>`,
    ],
  ])('%s is no moderation', (_, text) => {
    expect(moderationIn(message(text))).toBeUndefined();
  });

  test('is asked for in the version that the room knows', () => {
    expect(serialise(moderating('stanza-id-1', 1, 'Inappropriate'))).toBe(
      '<moderate xmlns="urn:xmpp:message-moderate:1" id="stanza-id-1"><retract xmlns="urn:xmpp:message-retract:1"/><reason>Inappropriate</reason></moderate>',
    );
    expect(serialise(moderating('stanza-id-1', 0))).toBe(
      '<apply-to xmlns="urn:xmpp:fasten:0" id="stanza-id-1"><moderate xmlns="urn:xmpp:message-moderate:0"><retract xmlns="urn:xmpp:message-retract:0"/></moderate></apply-to>',
    );
  });
});
