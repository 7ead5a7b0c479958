import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { infoAnswer, infoAsk, infoOf, isA, itemsAnswer, itemsAsk, itemsOf } from './0030.js';

const payload = (text: string) => readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0];

describe('service discovery (XEP-0030)', () => {
  test('an answer tells identities, features and forms', () => {
    const info = infoOf(
      payload(`<query xmlns='http://jabber.org/protocol/disco#info'>
      <identity category='conference' type='text' name='Play-Specific Chatrooms'/>
      <identity category='directory' type='chatroom' name='Play-Specific Chatrooms' xml:lang='en'/>
      <feature var='http://jabber.org/protocol/disco#info'/>
      <feature var='http://jabber.org/protocol/muc'/>
      <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:x</value></field></x>
    </query>`),
    );
    expect(info).toMatchObject({
      identities: [
        { category: 'conference', type: 'text', name: 'Play-Specific Chatrooms' },
        { category: 'directory', type: 'chatroom', name: 'Play-Specific Chatrooms', lang: 'en' },
      ],
      features: ['http://jabber.org/protocol/disco#info', 'http://jabber.org/protocol/muc'],
      forms: [{ formType: 'urn:x' }],
      clipped: false,
    });
    expect(info && isA(info, 'conference', 'text')).toBe(true);
    expect(info && isA(info, 'conference', 'irc')).toBe(false);
  });

  test('an answer that was too much says so', () => {
    const features = Array.from({ length: 1_200 }, (_, n) => `<feature var='urn:${String(n)}'/>`).join('');
    const info = infoOf(payload(`<query xmlns='http://jabber.org/protocol/disco#info'>${features}</query>`));
    expect(info?.features).toHaveLength(1_000);
    expect(info?.clipped).toBe(true);
  });

  test('items are read; those without an address are none', () => {
    const items = itemsOf(
      payload(`<query xmlns='http://jabber.org/protocol/disco#items' node='music'>
      <item jid='catalog.shakespeare.lit' node='books' name='Books by and about Shakespeare'/>
      <item node='lost'/><item xmlns='urn:evil' jid='evil.example'/><item jid='rooms.example.org'/>
      <set xmlns='http://jabber.org/protocol/rsm'><last>x</last><count>7</count></set></query>`),
    );
    expect(items).toEqual({
      items: [
        { jid: 'catalog.shakespeare.lit', node: 'books', name: 'Books by and about Shakespeare' },
        { jid: 'rooms.example.org' },
      ],
      page: { last: 'x', count: 7 },
    });
  });

  test('what is of another namespace is no answer', () => {
    expect(infoOf(payload(`<query xmlns='http://jabber.org/protocol/disco#items'/>`))).toBeUndefined();
    expect(itemsOf(payload(`<query xmlns='http://jabber.org/protocol/disco#info'/>`))).toBeUndefined();
    expect(infoOf(undefined)).toBeUndefined();
    expect(itemsOf(undefined)).toBeUndefined();
  });

  test('questions and answers of ours are what others read', () => {
    expect(serialise(infoAsk())).toBe('<query xmlns="http://jabber.org/protocol/disco#info"/>');
    expect(serialise(infoAsk('a#b'))).toBe(
      '<query xmlns="http://jabber.org/protocol/disco#info" node="a#b"/>',
    );
    expect(serialise(itemsAsk('n', { max: 5 }))).toBe(
      '<query xmlns="http://jabber.org/protocol/disco#items" node="n"><set xmlns="http://jabber.org/protocol/rsm"><max>5</max></set></query>',
    );
    const told = infoAnswer(
      [{ category: 'client', type: 'web', name: 'Parley' }],
      ['urn:a', 'urn:b'],
      'node',
    );
    expect(infoOf(payload(serialise(told)))).toEqual({
      node: 'node',
      identities: [{ category: 'client', type: 'web', name: 'Parley' }],
      features: ['urn:a', 'urn:b'],
      forms: [],
      clipped: false,
    });
    expect(itemsOf(payload(serialise(itemsAnswer([{ jid: 'a@b', name: 'A' }]))))?.items).toEqual([
      { jid: 'a@b', name: 'A' },
    ]);
  });
});
