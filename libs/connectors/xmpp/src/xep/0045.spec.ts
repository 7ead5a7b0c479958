import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { infoOf } from './0030.js';
import {
  changing,
  declining,
  destroying,
  inviting,
  joining,
  listAsk,
  listOfQuery,
  mucUserIn,
  ownerQuery,
  privately,
  roomInfoOf,
  status,
  subjectIn,
} from './0045.js';

const payload = (text: string) => readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0];

describe('multi-user chat (XEP-0045), read', () => {
  test('a presence of our own says who we are there', () => {
    const user = mucUserIn(
      readStanza(`<presence from='coven@chat.shakespeare.lit/thirdwitch' to='hag66@shakespeare.lit/pda'>
      <x xmlns='http://jabber.org/protocol/muc#user'>
        <item affiliation='member' role='participant' jid='hag66@shakespeare.lit/pda'/>
        <status code='100'/><status code='110'/><status code='210'/>
      </x></presence>`),
    );
    expect(user?.item).toEqual({
      affiliation: 'member',
      role: 'participant',
      jid: 'hag66@shakespeare.lit/pda',
    });
    expect([...(user?.statuses ?? [])]).toEqual([
      status.notAnonymous,
      status.self,
      status.nickChangedByService,
    ]);
  });

  test('a kick says who did it and why', () => {
    expect(
      mucUserIn(
        readStanza(`<presence from='harfleur@chat.shakespeare.lit/pistol' type='unavailable'>
      <x xmlns='http://jabber.org/protocol/muc#user'>
        <item affiliation='none' role='none'><actor nick='Fluellen' jid='fluellen@shakespeare.lit'/><reason>Avaunt, you cullion!</reason></item>
        <status code='307'/></x></presence>`),
      ),
    ).toMatchObject({
      item: {
        role: 'none',
        reason: 'Avaunt, you cullion!',
        actor: { nick: 'Fluellen', jid: 'fluellen@shakespeare.lit' },
      },
      statuses: new Set([status.kicked]),
    });
  });

  test('a rename says the new nick', () => {
    const user = mucUserIn(
      readStanza(`<presence type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>
      <item affiliation='member' nick='oldhag' role='participant'/><status code='303'/></x></presence>`),
    );
    expect(user?.item?.nick).toBe('oldhag');
    expect(user?.statuses.has(status.renamed)).toBe(true);
  });

  test('an invitation, a refusal and a destruction are told', () => {
    expect(
      mucUserIn(
        readStanza(`<message from='coven@chat.shakespeare.lit'><x xmlns='http://jabber.org/protocol/muc#user'>
      <invite from='crone1@shakespeare.lit/desktop'><reason>Hey Hecate!</reason></invite><password>cauldronburn</password></x></message>`),
      ),
    ).toMatchObject({
      invites: [{ from: 'crone1@shakespeare.lit/desktop', reason: 'Hey Hecate!' }],
      password: 'cauldronburn',
    });
    expect(
      mucUserIn(
        readStanza(`<message><x xmlns='http://jabber.org/protocol/muc#user'>
      <decline from='hecate@shakespeare.lit'><reason>Sorry</reason></decline></x></message>`),
      )?.decline,
    ).toEqual({ from: 'hecate@shakespeare.lit', reason: 'Sorry' });
    expect(
      mucUserIn(
        readStanza(`<presence type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>
      <item affiliation='none' role='none'/><destroy jid='coven@chat.shakespeare.lit'><reason>Macbeth doth come.</reason></destroy></x></presence>`),
      )?.destroyed,
    ).toEqual({ alternate: 'coven@chat.shakespeare.lit', reason: 'Macbeth doth come.' });
  });

  test.each([
    [
      'a namespace that only looks like it',
      `<x xmlns='http://jabber.org/protocol/muc#users'><status code='110'/></x>`,
    ],
    [
      'a wrapped one',
      `<wrap xmlns='urn:w'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></wrap>`,
    ],
    ['nothing', ''],
  ])('%s says nothing of a room', (_, text) => {
    expect(mucUserIn(readStanza(`<presence>${text}</presence>`))).toBeUndefined();
  });

  test('roles, affiliations and codes that do not exist are none', () => {
    const user = mucUserIn(
      readStanza(`<presence><x xmlns='http://jabber.org/protocol/muc#user'>
      <item affiliation='emperor' role='god' nick='${'n'.repeat(2_000)}'/><status code='1e2'/><status/><status code='110000'/>
      ${`<status code='110'/>`.repeat(100)}</x></presence>`),
    );
    expect(user?.item).toEqual({});
    expect(user?.statuses.size).toBeLessThanOrEqual(1);
  });

  test('a subject counts without a body and without a thread', () => {
    expect(
      subjectIn(
        readStanza('<message type="groupchat"><subject>Fire Burn and Cauldron Bubble!</subject></message>'),
      ),
    ).toBe('Fire Burn and Cauldron Bubble!');
    expect(subjectIn(readStanza('<message type="groupchat"><subject/></message>'))).toBe('');
    expect(subjectIn(readStanza('<message><subject>s</subject><body>b</body></message>'))).toBeUndefined();
    expect(
      subjectIn(readStanza('<message><subject>s</subject><thread>t</thread></message>')),
    ).toBeUndefined();
    expect(
      subjectIn(readStanza('<message><subject xmlns="urn:other">s</subject></message>')),
    ).toBeUndefined();
    expect(subjectIn(readStanza('<message/>'))).toBeUndefined();
  });

  test('a room says of itself what it is', () => {
    const info = infoOf(
      payload(`<query xmlns='http://jabber.org/protocol/disco#info'>
      <identity category='conference' name='A Dark Cave' type='text'/>
      <feature var='http://jabber.org/protocol/muc'/><feature var='muc_passwordprotected'/><feature var='muc_hidden'/>
      <feature var='muc_temporary'/><feature var='muc_open'/><feature var='muc_nonanonymous'/>
      <x xmlns='jabber:x:data' type='result'>
        <field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/muc#roominfo</value></field>
        <field var='muc#roominfo_description'><value>The place for all good witches!</value></field>
        <field var='muc#roominfo_occupants'><value>3</value></field>
        <field var='muc#roominfo_subject'><value>Spells</value></field></x></query>`),
    );
    expect(info && roomInfoOf(info)).toMatchObject({
      name: 'A Dark Cave',
      description: 'The place for all good witches!',
      subject: 'Spells',
      occupants: 3,
      membersOnly: false,
      moderated: false,
      hidden: true,
      passwordProtected: true,
      persistent: false,
      nonAnonymous: true,
    });
    const client = infoOf(
      payload(
        `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/><feature var='http://jabber.org/protocol/muc'/></query>`,
      ),
    );
    expect(client && roomInfoOf(client)).toBeUndefined();
  });

  test('lists are read from who answers in their namespace', () => {
    expect(
      listOfQuery(
        payload(`<query xmlns='http://jabber.org/protocol/muc#admin'>
      <item affiliation='outcast' jid='earlofcambridge@shakespeare.lit'><reason>Treason</reason></item></query>`),
      ),
    ).toEqual([{ affiliation: 'outcast', jid: 'earlofcambridge@shakespeare.lit', reason: 'Treason' }]);
    expect(listOfQuery(payload(`<query xmlns='http://jabber.org/protocol/muc#owner'/>`))).toBeUndefined();
    expect(listOfQuery(undefined)).toBeUndefined();
  });
});

describe('multi-user chat (XEP-0045), written', () => {
  test.each([
    [joining(), '<x xmlns="http://jabber.org/protocol/muc"/>'],
    [
      joining({ password: 'cauldronburn', most: 20 }),
      '<x xmlns="http://jabber.org/protocol/muc"><history maxstanzas="20"/><password>cauldronburn</password></x>',
    ],
    [joining({ most: 0 }), '<x xmlns="http://jabber.org/protocol/muc"><history maxchars="0"/></x>'],
    [
      joining({ since: new Date(0) }),
      '<x xmlns="http://jabber.org/protocol/muc"><history since="1970-01-01T00:00:00.000Z"/></x>',
    ],
    [
      inviting('hecate@shakespeare.lit', 'Hey'),
      '<x xmlns="http://jabber.org/protocol/muc#user"><invite to="hecate@shakespeare.lit"><reason>Hey</reason></invite></x>',
    ],
    [
      declining('crone1@shakespeare.lit'),
      '<x xmlns="http://jabber.org/protocol/muc#user"><decline to="crone1@shakespeare.lit"/></x>',
    ],
    [privately(), '<x xmlns="http://jabber.org/protocol/muc#user"/>'],
    [
      changing([{ nick: 'pistol', role: 'none', reason: 'Avaunt' }]),
      '<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="pistol" role="none"><reason>Avaunt</reason></item></query>',
    ],
    [
      changing([{ jid: 'a@b', affiliation: 'outcast' }]),
      '<query xmlns="http://jabber.org/protocol/muc#admin"><item jid="a@b" affiliation="outcast"/></query>',
    ],
    [
      listAsk({ affiliation: 'outcast' }),
      '<query xmlns="http://jabber.org/protocol/muc#admin"><item affiliation="outcast"/></query>',
    ],
    [ownerQuery(), '<query xmlns="http://jabber.org/protocol/muc#owner"/>'],
    [
      destroying('Macbeth', 'c@d'),
      '<query xmlns="http://jabber.org/protocol/muc#owner"><destroy jid="c@d"><reason>Macbeth</reason></destroy></query>',
    ],
  ])('%# is as the examples say', (element, text) => {
    expect(serialise(element)).toBe(text);
  });
});
