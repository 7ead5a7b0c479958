import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { xml } from '../core/xml.js';
import { configuring, isPreconditionUnmet, itemsAskOf, itemsIn, publishing, retracting } from './0060.js';

const payload = (text: string) => readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0];

describe('publish-subscribe (XEP-0060)', () => {
  test('items of the node that was asked for are read', () => {
    const items = itemsIn(
      payload(`<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='princely_musings'>
      <item id='4e30f35051b7b8b42abe083742187228' publisher='hamlet@denmark.lit'><entry xmlns='http://www.w3.org/2005/Atom'/></item><item/></items></pubsub>`),
      'princely_musings',
    );
    expect(items).toHaveLength(2);
    expect(items?.[0]).toMatchObject({
      id: '4e30f35051b7b8b42abe083742187228',
      publisher: 'hamlet@denmark.lit',
    });
    expect(items?.[0]?.payload?.is('entry', 'http://www.w3.org/2005/Atom')).toBe(true);
    expect(items?.[1]).toEqual({});
  });

  test('items of another node or namespace are not taken for them', () => {
    expect(
      itemsIn(
        payload(
          `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='other'><item id='1'/></items></pubsub>`,
        ),
        'mine',
      ),
    ).toBeUndefined();
    expect(
      itemsIn(
        payload(`<pubsub xmlns='http://jabber.org/protocol/pubsub#event'><items node='mine'/></pubsub>`),
        'mine',
      ),
    ).toBeUndefined();
    expect(itemsIn(undefined, 'mine')).toBeUndefined();
  });

  test('no more items are taken than a thousand', () => {
    expect(
      itemsIn(
        payload(
          `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'>${'<item/>'.repeat(1_100)}</items></pubsub>`,
        ),
        'n',
      ),
    ).toHaveLength(1_000);
  });

  test('a node that is not as it must be is told from other refusals', () => {
    const error = (text: string) =>
      readStanza(`<iq type="error"><error type="cancel">${text}</error></iq>`).getChildElements()[0];
    expect(
      isPreconditionUnmet(
        error(
          `<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><precondition-not-met xmlns='http://jabber.org/protocol/pubsub#errors'/>`,
        ),
      ),
    ).toBe(true);
    expect(isPreconditionUnmet(error(`<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`))).toBe(false);
    expect(isPreconditionUnmet(undefined)).toBe(false);
  });

  test.each([
    [itemsAskOf('n'), '<pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="n"/></pubsub>'],
    [
      itemsAskOf('n', { latest: 2 }),
      '<pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="n" max_items="2"/></pubsub>',
    ],
    [
      itemsAskOf('n', { ids: ['a'] }),
      '<pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="n"><item id="a"/></items></pubsub>',
    ],
    [
      publishing('n', xml('p', { xmlns: 'urn:p' }), 'i'),
      '<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="n"><item id="i"><p xmlns="urn:p"/></item></publish></pubsub>',
    ],
    [
      retracting('n', 'i'),
      '<pubsub xmlns="http://jabber.org/protocol/pubsub"><retract node="n" notify="true"><item id="i"/></retract></pubsub>',
    ],
    [
      configuring('n', { 'pubsub#access_model': 'open' }),
      '<pubsub xmlns="http://jabber.org/protocol/pubsub#owner"><configure node="n"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/pubsub#node_config</value></field><field var="pubsub#access_model"><value>open</value></field></x></configure></pubsub>',
    ],
  ])('%# is as the examples say', (element, text) => {
    expect(serialise(element)).toBe(text);
  });
});
