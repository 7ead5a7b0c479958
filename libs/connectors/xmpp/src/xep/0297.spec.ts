import { describe, expect, test } from '@jest/globals';
import { readStanza } from '../core/xml.js';
import { forwardedIn } from './0297.js';

const parent = (content: string) => readStanza(`<message>${content}</message>`);

describe('forwarding (XEP-0297)', () => {
  test('the message within is read, with when it was first sent', () => {
    const forwarded = forwardedIn(
      parent(`<body>A most courteous exposition!</body><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/>
      <message from='juliet@capulet.lit/orchard' id='0202197' xmlns='jabber:client'><body>Yet I should kill thee with much cherishing.</body></message></forwarded>`),
    );
    expect(forwarded?.at).toEqual(new Date('2010-07-10T23:08:25Z'));
    expect(forwarded?.message.getChildText('body', 'jabber:client')).toBe(
      'Yet I should kill thee with much cherishing.',
    );
  });

  test('what is forwarded within it is not reached', () => {
    const nested = `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='inner'/></forwarded>`;
    expect(
      forwardedIn(
        parent(
          `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='outer'>${nested}</message></forwarded>`,
        ),
      )?.message.attrs['id'],
    ).toBe('outer');
    expect(
      forwardedIn(parent(`<forwarded xmlns='urn:xmpp:forward:0'>${nested}</forwarded>`)),
    ).toBeUndefined();
  });

  test.each([
    '',
    `<forwarded xmlns='urn:xmpp:forward:0'/>`,
    `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='urn:evil'/></forwarded>`,
    `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'/><message xmlns='jabber:client'/></forwarded>`,
  ])('%s forwards nothing', (content) => {
    expect(forwardedIn(parent(content))).toBeUndefined();
  });
});
