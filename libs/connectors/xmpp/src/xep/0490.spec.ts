import { describe, expect, it } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { eventIn } from './0163.js';
import { displayed, displayedOf } from './0490.js';

const event = (inside: string): string => `<message from='juliet@capulet.lit' to='juliet@capulet.lit/balcony'
  type='headline' id='new-displayed-pep-event'>
  <event xmlns='http://jabber.org/protocol/pubsub#event'><items node='urn:xmpp:mds:displayed:0'>${inside}</items></event>
</message>`;
const itemsOf = (inside: string) => (eventIn(readStanza(event(inside)))?.items ?? []).map(displayedOf);

describe('what was displayed (XEP-0490)', () => {
  it('is read from the example of the standard', () => {
    const item = `<item id='romeo@montegue.lit'><displayed xmlns='urn:xmpp:mds:displayed:0'>
      <stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.lit' id='0423e3a9-d516-493d-bb06-bee0e51ab9fb'/>
    </displayed></item>`;
    expect(itemsOf(item)).toEqual([
      {
        jid: 'romeo@montegue.lit',
        by: 'juliet@capulet.lit',
        id: '0423e3a9-d516-493d-bb06-bee0e51ab9fb',
      },
    ]);
  });

  it.each([
    [
      'no item id',
      `<item><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/></displayed></item>`,
    ],
    [
      'another namespace',
      `<item id='a@b'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'><stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='1'/></displayed></item>`,
    ],
    [
      'an id of another namespace',
      `<item id='a@b'><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id by='a@b' id='1'/></displayed></item>`,
    ],
    [
      'nobody who gave the id',
      `<item id='a@b'><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' id='1'/></displayed></item>`,
    ],
    [
      'an endless id',
      `<item id='a@b'><displayed xmlns='urn:xmpp:mds:displayed:0'><stanza-id xmlns='urn:xmpp:sid:0' by='a@b' id='${'x'.repeat(5_000)}'/></displayed></item>`,
    ],
    ['nothing', `<item id='a@b'/>`],
  ])('is nothing with %s', (_, item) => {
    expect(itemsOf(item)).toEqual([undefined]);
  });

  it('is said as the standard has it', () => {
    expect(serialise(displayed({ id: '0f710f2b', by: 'juliet@capulet.lit' }))).toBe(
      '<displayed xmlns="urn:xmpp:mds:displayed:0"><stanza-id xmlns="urn:xmpp:sid:0" id="0f710f2b" by="juliet@capulet.lit"/></displayed>',
    );
  });
});
