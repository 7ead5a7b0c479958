import { describe, expect, test } from '@jest/globals';
import { readStanza } from '../core/xml.js';
import { eventIn, notifyOf } from './0163.js';

const message = (event: string) =>
  eventIn(readStanza(`<message from='juliet@capulet.lit'>${event}</message>`));

describe('personal eventing (XEP-0163)', () => {
  test('published items are told with their node', () => {
    const event =
      message(`<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='http://jabber.org/protocol/tune'>
      <item id='bffe6584-0f9c-11dc-84ba-001143d5d5db'><tune xmlns='http://jabber.org/protocol/tune'/></item><retract id='old'/></items></event>`);
    expect(event).toMatchObject({
      node: 'http://jabber.org/protocol/tune',
      retracted: ['old'],
      emptied: false,
    });
    expect(event?.items[0]?.payload?.is('tune', 'http://jabber.org/protocol/tune')).toBe(true);
  });

  test.each(['purge', 'delete'])('a %s empties the node', (what) => {
    expect(
      message(`<event xmlns='http://jabber.org/protocol/pubsub#event'><${what} node='n'/></event>`),
    ).toEqual({ node: 'n', items: [], retracted: [], emptied: true });
  });

  test.each([
    `<event xmlns='http://jabber.org/protocol/pubsub'><items node='n'/></event>`,
    `<event xmlns='http://jabber.org/protocol/pubsub#event'><items/></event>`,
    `<event xmlns='http://jabber.org/protocol/pubsub#event'><items xmlns='urn:evil' node='n'/></event>`,
    `<event xmlns='http://jabber.org/protocol/pubsub#event'/>`,
    '',
  ])('%s is no event', (event) => {
    expect(message(event)).toBeUndefined();
  });

  test('is wanted by a feature', () => {
    expect(notifyOf('urn:n')).toBe('urn:n+notify');
  });
});
