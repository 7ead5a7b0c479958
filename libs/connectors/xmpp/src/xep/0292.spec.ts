import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { card4, card4Of } from './0292.js';

const read = (text: string) => card4Of(readStanza(`<iq>${text}</iq>`).getChildElements()[0]);

describe('vCard4 (XEP-0292)', () => {
  test('a card is read', () => {
    expect(
      read(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>Peter Saint-Andre</text></fn><n><surname>Saint-Andre</surname><given>Peter</given><additional/></n>
      <nickname><text>stpeter</text></nickname><nickname><text>psa</text></nickname><photo><uri>http://stpeter.im/images/stpeter_oscon.jpg</uri></photo>
      <bday><date>1966-08-06</date></bday><adr><parameters/><ext>Suite 600</ext><street>1899 Wynkoop Street</street><locality>Denver</locality><region>CO</region><code>80202</code><country>USA</country></adr>
      <tel><uri>tel:+1-303-308-3282</uri></tel><email><text>psaintan@cisco.com</text></email><title><text>Executive Director</text></title>
      <org><parameters/><text>XMPP Standards Foundation</text></org><url><uri>http://www.xmpp.org/xsf/people/stpeter.shtml</uri></url><note><text>More information</text></note></vcard>`),
    ).toEqual({
      fullName: 'Peter Saint-Andre',
      givenName: 'Peter',
      familyName: 'Saint-Andre',
      nickname: 'stpeter',
      organisation: 'XMPP Standards Foundation',
      title: 'Executive Director',
      birthday: '1966-08-06',
      note: 'More information',
      pictureUrl: 'http://stpeter.im/images/stpeter_oscon.jpg',
      emails: ['psaintan@cisco.com'],
      phones: ['+1-303-308-3282'],
      urls: ['http://www.xmpp.org/xsf/people/stpeter.shtml'],
      addresses: ['1899 Wynkoop Street, Suite 600, 80202, Denver, CO, USA'],
    });
  });

  test('an empty card, and one of another namespace, is none', () => {
    expect(read(`<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>`)).toBeUndefined();
    expect(read(`<vcard xmlns='vcard-temp'><fn><text>x</text></fn></vcard>`)).toBeUndefined();
    expect(read('')).toBeUndefined();
  });

  test('ours is what others read', () => {
    expect(serialise(card4({ fullName: 'A', nickname: 'b' }))).toBe(
      '<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0"><fn><text>A</text></fn><nickname><text>b</text></nickname></vcard>',
    );
  });
});
