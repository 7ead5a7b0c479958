import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { submission } from './0004.js';
import { registering, registeringWith, registrationAsk, registrationOf, unregistering } from './0077.js';

const answered = (text: string) =>
  registrationOf(readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0]);

describe('in-band registration (XEP-0077)', () => {
  test('the fields that are asked for are told', () => {
    const asked = answered(
      `<query xmlns='jabber:iq:register'><instructions>Choose a username and password.</instructions><username/><password/><email/></query>`,
    );
    expect(asked).toMatchObject({ registered: false, instructions: 'Choose a username and password.' });
    expect([...(asked?.fields.keys() ?? [])]).toEqual(['username', 'password', 'email']);
  });

  test('a registration that stands already is told', () => {
    const asked = answered(
      `<query xmlns='jabber:iq:register'><registered/><username>juliet</username></query>`,
    );
    expect(asked?.registered).toBe(true);
    expect(asked?.fields.get('username')).toBe('juliet');
  });

  test('a form and an address on the web are told', () => {
    expect(
      answered(
        `<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='form'><title>Contest Registration</title></x><x xmlns='jabber:x:oob'><url>http://www.shakespeare.lit/contests.php</url></x></query>`,
      ),
    ).toMatchObject({
      form: { title: 'Contest Registration' },
      url: 'http://www.shakespeare.lit/contests.php',
    });
  });

  test('fields that the XEP does not name, and other namespaces, are none', () => {
    expect(
      answered(`<query xmlns='jabber:iq:register'><constructor/><username xmlns='urn:evil'/></query>`)?.fields
        .size,
    ).toBe(0);
    expect(answered(`<query xmlns='jabber:iq:regicide'/>`)).toBeUndefined();
    expect(answered('')).toBeUndefined();
  });

  test.each([
    [registrationAsk(), '<query xmlns="jabber:iq:register"/>'],
    [
      registering({ password: 'Calliope', username: 'bill' }),
      '<query xmlns="jabber:iq:register"><username>bill</username><password>Calliope</password></query>',
    ],
    [unregistering(), '<query xmlns="jabber:iq:register"><remove/></query>'],
    [
      registeringWith(submission(undefined, { a: true })),
      '<query xmlns="jabber:iq:register"><x xmlns="jabber:x:data" type="submit"><field var="a"><value>1</value></field></x></query>',
    ],
  ])('%# is as the examples say', (element, text) => {
    expect(serialise(element)).toBe(text);
  });
});
