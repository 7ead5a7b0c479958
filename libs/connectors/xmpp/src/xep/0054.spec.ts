import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { cardAsk, cardOf, cardWith } from './0054.js';

const payload = (text: string) => readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0];

const stpeter = `<vCard xmlns='vcard-temp'>
  <FN>Peter Saint-Andre</FN><N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN><MIDDLE/></N>
  <NICKNAME>stpeter</NICKNAME><URL>http://www.xmpp.org/xsf/people/stpeter.shtml</URL><BDAY>1966-08-06</BDAY>
  <ORG><ORGNAME>XMPP Standards Foundation</ORGNAME><ORGUNIT/></ORG><TITLE>Executive Director</TITLE><ROLE>Patron Saint</ROLE>
  <TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL><TEL><WORK/><FAX/><NUMBER/></TEL>
  <ADR><WORK/><EXTADD>Suite 600</EXTADD><STREET>1899 Wynkoop Street</STREET><LOCALITY>Denver</LOCALITY><REGION>CO</REGION><PCODE>80202</PCODE><CTRY>USA</CTRY></ADR>
  <EMAIL><INTERNET/><PREF/><USERID>stpeter@jabber.org</USERID></EMAIL><JABBERID>stpeter@jabber.org</JABBERID>
  <DESC>
    More information about me is located on my
    personal website: http://www.saint-andre.com/
  </DESC></vCard>`;

describe('vcard-temp (XEP-0054)', () => {
  test('a card is read', () => {
    expect(cardOf(payload(stpeter))).toMatchObject({
      fullName: 'Peter Saint-Andre',
      givenName: 'Peter',
      familyName: 'Saint-Andre',
      nickname: 'stpeter',
      organisation: 'XMPP Standards Foundation',
      title: 'Executive Director',
      role: 'Patron Saint',
      birthday: '1966-08-06',
      phones: ['303-308-3282'],
      emails: ['stpeter@jabber.org'],
      urls: ['http://www.xmpp.org/xsf/people/stpeter.shtml'],
      addresses: ['1899 Wynkoop Street, Suite 600, 80202, Denver, CO, USA'],
    });
  });

  test('an empty card is none', () => {
    expect(cardOf(payload(`<vCard xmlns='vcard-temp'/>`))).toBeUndefined();
    expect(
      cardOf(payload(`<vCard xmlns='vcard-temp'><PHOTO><BINVAL>!!!</BINVAL></PHOTO></vCard>`)),
    ).toBeUndefined();
    expect(cardOf(payload(`<vCard xmlns='urn:evil'><FN>x</FN></vCard>`))).toBeUndefined();
    expect(cardOf(undefined)).toBeUndefined();
  });

  test('a picture is taken up to its bound, an address for one only on the web', () => {
    const picture = `<PHOTO><TYPE>image/png</TYPE><BINVAL>\n aGVs\n bG8=\n</BINVAL></PHOTO>`;
    expect(cardOf(payload(`<vCard xmlns='vcard-temp'>${picture}</vCard>`))?.picture).toEqual({
      mediaType: 'image/png',
      bytes: Buffer.from('hello'),
    });
    expect(
      cardOf(
        payload(
          `<vCard xmlns='vcard-temp'><FN>x</FN><PHOTO><EXTVAL>file:///etc/passwd</EXTVAL></PHOTO></vCard>`,
        ),
      )?.pictureUrl,
    ).toBeUndefined();
  });

  test('what is too long is cut, what is too many is left out', () => {
    const card = cardOf(
      payload(
        `<vCard xmlns='vcard-temp'><FN>${'n'.repeat(5_000)}</FN>${'<EMAIL><USERID>a@b</USERID></EMAIL>'.repeat(100)}</vCard>`,
      ),
    );
    expect(card?.fullName).toHaveLength(512);
    expect(card?.emails).toHaveLength(20);
  });

  test('a changed card keeps what we do not read', () => {
    const was = payload(
      `<vCard xmlns='vcard-temp'><FN>Old</FN><KEY><CRED>k</CRED></KEY><PHOTO><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>`,
    );
    const text = serialise(cardWith(was, { fullName: 'New', picture: null }), 'vcard-temp');
    expect(text).toBe('<vCard><FN>New</FN><KEY><CRED>k</CRED></KEY></vCard>');
    expect(
      serialise(
        cardWith(undefined, {
          nickname: 'n',
          picture: { bytes: Buffer.from('hello'), mediaType: 'image/png' },
        }),
      ),
    ).toBe(
      '<vCard xmlns="vcard-temp"><NICKNAME>n</NICKNAME><PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>',
    );
    expect(serialise(cardAsk())).toBe('<vCard xmlns="vcard-temp"/>');
  });
});
