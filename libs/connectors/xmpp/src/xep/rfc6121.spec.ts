import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import {
  presence,
  presenceOf,
  rosterAsk,
  rosterItem,
  rosterOf,
  rosterRemoval,
  subscribingOf,
  subscription,
} from './rfc6121.js';

const payload = (text: string) => readStanza(`<iq type='result'>${text}</iq>`).getChildElements()[0];

describe('the roster (RFC 6121)', () => {
  test('is read with its version, names, groups and subscriptions', () => {
    expect(
      rosterOf(
        payload(`<query xmlns='jabber:iq:roster' ver='ver11'>
      <item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group><group>Friends</group></item>
      <item jid='mercutio@example.com' subscription='from' ask='subscribe' approved='true'/><item jid='benvolio@example.net' subscription='remove'/></query>`),
      ),
    ).toEqual({
      version: 'ver11',
      items: [
        {
          jid: 'romeo@example.net',
          name: 'Romeo',
          subscription: 'both',
          asked: false,
          approved: false,
          groups: ['Friends'],
        },
        { jid: 'mercutio@example.com', subscription: 'from', asked: true, approved: true, groups: [] },
        { jid: 'benvolio@example.net', subscription: 'remove', asked: false, approved: false, groups: [] },
      ],
    });
  });

  test('what is nonsense in it is none', () => {
    expect(
      rosterOf(
        payload(
          `<query xmlns='jabber:iq:roster'><item/><item jid='a@b' subscription='married' name='${'n'.repeat(9_000)}'/><item xmlns='urn:evil' jid='x@y'/></query>`,
        ),
      )?.items,
    ).toEqual([
      { jid: 'a@b', subscription: 'none', asked: false, approved: false, groups: [], name: 'n'.repeat(512) },
    ]);
    expect(rosterOf(payload(`<query xmlns='jabber:iq:poster'/>`))).toBeUndefined();
    expect(rosterOf(undefined)).toBeUndefined();
  });

  test('is asked for and changed', () => {
    expect(serialise(rosterAsk())).toBe('<query xmlns="jabber:iq:roster"/>');
    expect(serialise(rosterAsk(''))).toBe('<query xmlns="jabber:iq:roster" ver=""/>');
    expect(serialise(rosterItem({ jid: 'nurse@example.com', name: 'Nurse', groups: ['Servants'] }))).toBe(
      '<query xmlns="jabber:iq:roster"><item jid="nurse@example.com" name="Nurse"><group>Servants</group></item></query>',
    );
    expect(serialise(rosterRemoval('nurse@example.com'))).toBe(
      '<query xmlns="jabber:iq:roster"><item jid="nurse@example.com" subscription="remove"/></query>',
    );
  });
});

describe('subscriptions (RFC 6121)', () => {
  test('are presences of four types, and no others', () => {
    for (const step of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'] as const) {
      expect(subscribingOf(readStanza(`<presence from='a@b' type='${step}'/>`))).toBe(step);
      expect(presenceOf(readStanza(`<presence from='a@b' type='${step}'/>`))).toBeUndefined();
    }
    expect(subscribingOf(readStanza(`<presence/>`))).toBeUndefined();
    expect(serialise(subscription('juliet@example.com', 'subscribe', 'Hi'))).toBe(
      '<presence to="juliet@example.com" type="subscribe"><status>Hi</status></presence>',
    );
  });
});

describe('presence (RFC 6121)', () => {
  test.each([
    ['<show>chat</show>', 'chatty'],
    ['', 'available'],
    ['<show>away</show>', 'away'],
    ['<show>xa</show>', 'extended-away'],
    ['<show>dnd</show>', 'busy'],
    ['<show>constructor</show>', 'available'],
    ['<show xmlns="urn:evil">dnd</show>', 'available'],
  ])('%j means %s', (text, state) => {
    expect(presenceOf(readStanza(`<presence>${text}</presence>`))?.presence).toBe(state);
  });

  test('unavailable means offline, and an error nothing', () => {
    expect(
      presenceOf(readStanza(`<presence type='unavailable'><show>chat</show><status>bye</status></presence>`)),
    ).toEqual({ presence: 'offline', note: 'bye', priority: 0 });
    expect(presenceOf(readStanza(`<presence type='error'/>`))).toBeUndefined();
  });

  test.each([
    ['5', 5],
    ['-128', -128],
    ['127', 127],
    ['128', 0],
    ['1e9', 0],
    ['', 0],
  ])('a priority of %j is %d', (text, priority) => {
    expect(presenceOf(readStanza(`<presence><priority>${text}</priority></presence>`))?.priority).toBe(
      priority,
    );
  });

  test.each([
    ['chatty', '<presence><show>chat</show></presence>'],
    ['available', '<presence/>'],
    ['away', '<presence><show>away</show></presence>'],
    ['extended-away', '<presence><show>xa</show></presence>'],
    ['busy', '<presence><show>dnd</show></presence>'],
    ['offline', '<presence type="unavailable"/>'],
    ['unknown', '<presence/>'],
  ] as const)('%s is told as %s', (state, text) => {
    expect(serialise(presence({ presence: state }))).toBe(text);
  });

  test('a note and a priority go with it', () => {
    expect(serialise(presence({ presence: 'away', note: 'tea' }, { to: 'a@b', priority: 1 }))).toBe(
      '<presence to="a@b"><show>away</show><status>tea</status><priority>1</priority></presence>',
    );
  });
});
