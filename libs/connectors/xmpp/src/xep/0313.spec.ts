import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { archiveAsk, finOf, looksLikeResult, preferences, preferencesOf, resultIn } from './0313.js';

const answered = (text: string) => readStanza(`<iq type='result'>${text}</iq>`).getChildElements()[0];
const forwarded = `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25Z'/><message xmlns='jabber:client' from='witch@shakespeare.lit' to='macbeth@shakespeare.lit'><body>Hail to thee</body></message></forwarded>`;
const result = (attributes: string, content = forwarded) =>
  readStanza(
    `<message id='aeb213' to='juliet@capulet.lit/chamber'><result xmlns='urn:xmpp:mam:2' ${attributes}>${content}</result></message>`,
  );

describe('archives (XEP-0313)', () => {
  test('a result bears the archive’s id, time and message', () => {
    const found = resultIn(result(`queryid='f27' id='28482-98726-73623'`));
    expect(found).toMatchObject({
      queryId: 'f27',
      id: '28482-98726-73623',
      at: new Date('2010-07-10T23:08:25Z'),
    });
    expect(found?.message.attrs['from']).toBe('witch@shakespeare.lit');
  });

  test.each([
    ['without an id', result('')],
    ['with nothing in it', result(`id='1'`, '')],
    ['with two messages', result(`id='1'`, forwarded + forwarded)],
    ['with a result in it', result(`id='1'`, `<result xmlns='urn:xmpp:mam:2' id='2'>${forwarded}</result>`)],
  ])('a result %s is none, and looks like one', (_, message) => {
    expect(resultIn(message)).toBeUndefined();
    expect(looksLikeResult(message)).toBe(true);
  });

  test('a message with a result of another namespace is an ordinary one', () => {
    expect(
      looksLikeResult(
        readStanza(`<message><result xmlns='urn:xmpp:mam:1' id='1'>${forwarded}</result></message>`),
      ),
    ).toBe(false);
  });

  test('the end of a page says where to go on, and whether there is more', () => {
    expect(
      finOf(
        answered(
          `<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><first index='0'>28482-98726-73623</first><last>09af3-cc343-b409f</last><count>20</count></set></fin>`,
        ),
      ),
    ).toEqual({
      first: '28482-98726-73623',
      firstIndex: 0,
      last: '09af3-cc343-b409f',
      count: 20,
      complete: false,
      unstable: false,
    });
    expect(finOf(answered(`<fin xmlns='urn:xmpp:mam:2' complete='true' stable='false'/>`))).toEqual({
      complete: true,
      unstable: true,
    });
    expect(finOf(answered(`<fin xmlns='urn:evil' complete='true'/>`))).toBeUndefined();
    expect(finOf(undefined)).toBeUndefined();
  });

  test('is asked for a page, a peer, a time or certain messages', () => {
    expect(serialise(archiveAsk({ queryId: 'f27', page: { max: 10 } }))).toBe(
      '<query xmlns="urn:xmpp:mam:2" queryid="f27"><set xmlns="http://jabber.org/protocol/rsm"><max>10</max></set></query>',
    );
    expect(
      serialise(
        archiveAsk({
          queryId: 'f',
          page: { max: 10, after: '09af3' },
          with: 'juliet@capulet.lit',
          start: new Date('2010-08-07T00:00:00Z'),
          ids: ['a', 'b'],
        }),
      ),
    ).toBe(
      '<query xmlns="urn:xmpp:mam:2" queryid="f"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE" type="hidden"><value>urn:xmpp:mam:2</value></field>' +
        '<field var="with"><value>juliet@capulet.lit</value></field><field var="start"><value>2010-08-07T00:00:00.000Z</value></field><field var="ids"><value>a</value><value>b</value></field></x>' +
        '<set xmlns="http://jabber.org/protocol/rsm"><max>10</max><after>09af3</after></set></query>',
    );
  });

  test('preferences go both ways', () => {
    const wanted = {
      byDefault: 'roster',
      always: ['romeo@montague.lit'],
      never: ['montague@montague.lit'],
    } as const;
    expect(preferencesOf(answered(serialise(preferences(wanted))))).toEqual(wanted);
    expect(serialise(preferences())).toBe('<prefs xmlns="urn:xmpp:mam:2"/>');
    expect(preferencesOf(answered(`<prefs xmlns='urn:xmpp:mam:2' default='sometimes'/>`))).toBeUndefined();
    expect(preferencesOf(undefined)).toBeUndefined();
  });
});
