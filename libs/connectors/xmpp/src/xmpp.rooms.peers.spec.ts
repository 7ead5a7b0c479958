/*
 * Rooms on servers that are used: Prosody and ejabberd. What the others see is read off plain clients.
 */
import { afterEach, expect, it } from '@jest/globals';
import {
  can,
  type DesiredRoom,
  type InboundRoom,
  type JsonObject,
  type JsonValue,
  type RequestOutcome,
} from '#connector';
import { fieldsOf } from '#connector/session';
import type { TestContext } from '#connector/testing';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { newId } from '#model';
import { child, describeXmpp, eventually, statuses, textOf, visitXmpp, type PlainXmpp } from '#peers';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

const told = (house: TestContext): readonly InboundRoom[] =>
  house.storage.stored.filter((event) => event.type === 'room');
const roomTold = (house: TestContext, sentence: string, fits: (event: InboundRoom) => boolean, after = 0) =>
  eventually(sentence, () => told(house).slice(after).find(fits));
const isIn = (house: TestContext, room: string, joined = true, after = 0) =>
  roomTold(
    house,
    `${joined ? 'in' : 'out of'} ${room}`,
    (event) => event.conversation === room && event.joined === joined && event.failure === undefined,
    after,
  );

const done = { outcome: 'done', answer: null };
const refusedAs = (code: string) => ({ outcome: 'refused', failure: { code } });

describeXmpp('rooms on %s', (scene) => {
  let made = 0;

  const fresh = (word: string): string => `${word}${String(++made)}`;
  const newRoom = (): string => `${fresh('den')}@${scene.server.names.rooms}`;

  /** Somebody who does not use Parley, in these rooms. */
  async function come(user: string, ...rooms: readonly string[]): Promise<PlainXmpp> {
    const client = await visitXmpp(scene.server, fresh(user));
    stack.push(client);
    for (const room of rooms) await client.join(room, user);
    return client;
  }

  /** Says of a room how it is to be. */
  async function configure(owner: PlainXmpp, room: string, fields: Readonly<Record<string, string>>) {
    const filled = Object.entries(fields).map(
      ([field, value]) => `<field var="muc#roomconfig_${field}"><value>${value}</value></field>`,
    );
    const answer = await owner.ask(
      'set',
      '<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit">' +
        '<field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field>' +
        `${filled.join('')}</x></query>`,
      room,
    );
    expect(answer.attrs['type']).toBe('result');
  }

  async function begin(
    rooms: readonly (string | DesiredRoom)[] = [],
    more: { readonly after?: Rig; readonly timings?: object } = {},
  ) {
    const rigs = new Rigs();
    stack.push(rigs);
    const rig = await rigs.begin({ server: scene.server, user: fresh('alice'), rooms, ...more });
    const { session, account, house } = rig;
    await rig.until('online');
    if (!can(session, 'takes-requests') || !can(session, 'has-rooms')) throw new Error('it has rooms');
    const ask = (kind: string, options: JsonObject = {}, conversation?: string): Promise<RequestOutcome> =>
      session.request(
        account,
        { kind, options, ...(conversation !== undefined && { conversation }) },
        AbortSignal.timeout(10_000),
      );
    const wish = (...wanted: readonly (string | DesiredRoom)[]): void => {
      session.setRooms(
        account,
        wanted.map((one) => (typeof one === 'string' ? { address: one, options: {} } : one)),
      );
    };
    const occupant = (room: string, nick: string) =>
      session.occupants(account, room).find(({ address }) => address === `${room}/${nick}`);
    const entered = async (...wanted: readonly string[]): Promise<void> => {
      for (const room of wanted) await isIn(house, room);
    };
    return { ...rig, ask, wish, occupant, entered, nick: rig.jid.split('@')[0] ?? '' };
  }

  it('a room that is not there is made, unlocked and entered, with us as its owner', async () => {
    const room = newRoom();
    const { entered, occupant, nick } = await begin([room]);
    await entered(room);
    await eventually('we are its owner', () => occupant(room, nick)?.roles?.[0] === 'owner');
    // Nobody else can enter a locked room.
    const bob = await come('bob', room);
    expect(bob.isClosed).toBe(false);
    await eventually('bob is seen', () => occupant(room, 'bob')?.role === 'participant');
  });

  it('a nick that is taken is given way to, and the wanted one is asked for', async () => {
    const room = newRoom();
    await come('bob', room);
    const { entered, occupant, house, ask, nick } = await begin([
      { address: room, options: { nick: 'bob' } },
    ]);
    await entered(room);
    await eventually('in under another', () => occupant(room, 'bob_') !== undefined);
    expect(occupant(room, nick)).toBeUndefined();
    expect(await ask('nick', { nick: 'bob' }, room)).toMatchObject({ outcome: 'refused' });
    expect(await ask('nick', { nick: 'Alice the Second' }, room)).toEqual(done);
    await eventually('under the new one', () => occupant(room, 'Alice the Second') !== undefined);
    expect(occupant(room, 'bob_')).toBeUndefined();
    expect(told(house).some(({ joined }) => joined === false)).toBe(false);
  });

  it('a password opens a room, and without it the person is asked', async () => {
    const room = newRoom();
    const bob = await come('bob', room);
    await configure(bob, room, { passwordprotectedroom: '1', roomsecret: 'open sesame' });
    const { house, wish, entered } = await begin([room]);
    const refusal = await roomTold(house, 'the refusal', ({ failure }) => failure !== undefined);
    expect(refusal).toMatchObject({
      conversation: room,
      joined: false,
      failure: { code: 'auth-required', remedy: 'ask-person' },
    });
    wish({ address: room, options: { password: 'open sesame' } });
    await entered(room);
  });

  it('a room for members only keeps us out until somebody has made us one', async () => {
    const room = newRoom();
    const bob = await come('bob', room);
    await configure(bob, room, { membersonly: '1' });
    const { house, jid, wish, entered } = await begin([room]);
    expect(await roomTold(house, 'the refusal', ({ failure }) => failure !== undefined)).toMatchObject({
      failure: { code: 'not-allowed', remedy: 'ask-person' },
    });
    bob.send(
      `<message to="${room}"><x xmlns="http://jabber.org/protocol/muc#user"><invite to="${jid}"><reason>come in</reason></invite></x></message>`,
    );
    const invited = await roomTold(house, 'the invitation', ({ act }) => act === 'invite');
    expect(invited.conversation).toBe(room);
    // One names whoever invites by their own address, the other as they are called inside.
    expect([bob.bare, `${room}/bob`]).toContain(invited.by?.address);
    expect(invited.detail).toContain('come in');
    wish(room);
    await entered(room);
  });

  it('the subject is told as it is, and when somebody changes it, by whom', async () => {
    const room = newRoom();
    const bob = await come('bob', room);
    await configure(bob, room, { changesubject: '1' });
    bob.send(`<message to="${room}" type="groupchat"><subject>first</subject></message>`);
    await bob.waitFor('its subject', (stanza) => textOf(child(stanza, 'subject')) === 'first');
    const { house, ask, entered } = await begin([room]);
    await entered(room);
    const first = await roomTold(house, 'the subject', ({ topic }) => topic === 'first');
    expect(first.act).toBeUndefined();
    bob.send(`<message to="${room}" type="groupchat"><subject>second</subject></message>`);
    expect(await roomTold(house, 'the new one', ({ topic }) => topic === 'second')).toMatchObject({
      act: 'topic',
      by: { address: `${room}/bob`, name: 'bob' },
    });
    expect(await ask('topic', { topic: 'third & <last>' }, room)).toEqual(done);
    await bob.waitFor('our subject', (stanza) => textOf(child(stanza, 'subject')) === 'third & <last>');
  });

  it('somebody is kicked, banned and let in again, and nobody where we have no right to', async () => {
    const [ours, theirs] = [newRoom(), newRoom()];
    const { ask, house, entered, occupant, wish } = await begin([ours]);
    await entered(ours);
    const bob = await come('bob', ours, theirs);
    wish(ours, theirs);
    await entered(theirs);
    expect(await ask('kick', { who: 'bob', reason: 'time to go' }, ours)).toEqual(done);
    const out = await bob.waitFor(
      'the kick',
      (stanza) => stanza.attrs['type'] === 'unavailable' && statuses(stanza).includes('307'),
    );
    expect(textOf(child(child(child(out, 'x'), 'item'), 'reason'))).toBe('time to go');
    expect(await roomTold(house, 'the kick', ({ act }) => act === 'kick')).toMatchObject({
      conversation: ours,
      detail: 'bob: time to go',
    });
    expect(await ask('kick', { who: 'bob' }, theirs)).toMatchObject(refusedAs('not-allowed'));
    await bob.join(ours, 'bob');
    await eventually('bob is seen', () => occupant(ours, 'bob') !== undefined);
    expect(await ask('ban', { who: 'bob', reason: 'again' }, ours)).toEqual(done);
    await bob.waitFor('the ban', (stanza) => statuses(stanza).includes('301'));
    expect(await roomTold(house, 'the ban', ({ act }) => act === 'ban')).toMatchObject({
      conversation: ours,
      detail: 'bob: again',
    });
    expect(await ask('bans', {}, ours)).toMatchObject({
      outcome: 'done',
      answer: { bans: [{ mask: bob.bare }] },
    });
    await expect(bob.join(ours, 'bob')).rejects.toThrow('may not enter');
    expect(await ask('unban', { mask: bob.bare }, ours)).toEqual(done);
    expect(await ask('bans', {}, ours)).toEqual({ outcome: 'done', answer: { bans: [] } });
    await bob.join(ours, 'bob');
  });

  it('whoever puts us out is named, and we do not fight', async () => {
    const room = newRoom();
    const bob = await come('bob', room);
    const { house, entered, nick, occupant } = await begin([room], { timings: { rejoin: 20 } });
    await entered(room);
    await bob.ask(
      'set',
      `<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="${nick}" role="none"><reason>enough</reason></item></query>`,
      room,
    );
    const kick = await roomTold(house, 'the kick', ({ act }) => act === 'kick');
    expect(kick).toMatchObject({ conversation: room, detail: `${nick}: enough` });
    expect(await roomTold(house, 'that we are out', ({ joined }) => joined === false)).toMatchObject({
      failure: { code: 'not-allowed', detail: 'enough' },
    });
    expect(occupant(room, 'bob')).toBeUndefined();
    const before = bob.stanzas.length;
    bob.say(room, 'is anybody here?');
    await bob.waitFor('itself', (stanza) => textOf(child(stanza, 'body')) === 'is anybody here?', {
      after: before,
    });
    expect(bob.stanzas.slice(before).some(({ attrs }) => attrs['from'] === `${room}/${nick}`)).toBe(false);
  });

  it('roles change, and people are shown with all the roles that they have', async () => {
    const room = newRoom();
    const { ask, entered, occupant, house } = await begin([room]);
    await entered(room);
    const bob = await come('bob', room);
    await eventually('bob is there', () => occupant(room, 'bob')?.role === 'participant');
    expect(await ask('role', { who: 'bob', role: 'operator' }, room)).toEqual(done);
    await eventually('a moderator', () => occupant(room, 'bob')?.role === 'moderator');
    expect(await ask('role', { who: 'bob', role: 'admin' }, room)).toEqual(done);
    await eventually('both are shown', () => occupant(room, 'bob')?.roles?.join() === 'admin,moderator');
    expect(
      await roomTold(
        house,
        'it is told',
        ({ act, detail }) => act === 'mode' && detail === 'bob: admin, moderator',
      ),
    ).toMatchObject({ conversation: room });
    expect(await ask('members', { list: 'admin' }, room)).toMatchObject({
      outcome: 'done',
      answer: { members: [{ role: 'admin', address: bob.bare }] },
    });
    expect(await ask('role', { who: 'bob', role: 'admin', remove: true }, room)).toEqual(done);
    await eventually('none any more', () => occupant(room, 'bob')?.roles?.includes('admin') !== true);
    expect(await ask('role', { who: 'bob', role: 'emperor' }, room)).toMatchObject(refusedAs('unsupported'));
  });

  it('who somebody in a room is, the room says: what they may do, and whose address it is where it shows it', async () => {
    const room = newRoom();
    const { ask, entered, occupant } = await begin([room]);
    await entered(room);
    const bob = await come('bob', room);
    const card = '<vCard xmlns="vcard-temp"><FN>Bob of the den</FN></vCard>';
    expect((await bob.ask('set', card)).attrs['type']).toBe('result');
    await eventually('bob is there', () => occupant(room, 'bob') !== undefined);
    // We own the room, so that it shows us whose address everybody's is.
    expect(await ask('whois', { who: `${room}/bob` })).toEqual({
      outcome: 'done',
      answer: {
        who: `${room}/bob`,
        nick: 'bob',
        fullName: 'Bob of the den',
        roles: ['participant'],
        address: bob.bare,
      },
    });
  });

  it('invitations go out, by ourselves or through the room, and come in', async () => {
    const [ours, theirs] = [newRoom(), newRoom()];
    const { ask, entered, house, jid } = await begin([ours]);
    await entered(ours);
    const bob = await come('bob', theirs);
    expect(await ask('invite', { who: bob.bare, reason: 'join us' }, ours)).toEqual(done);
    const direct = await bob.waitFor(
      'the invitation',
      (stanza) => child(stanza, 'x', 'jabber:x:conference') !== undefined,
    );
    expect(child(direct, 'x', 'jabber:x:conference')?.attrs).toMatchObject({
      jid: ours,
      reason: 'join us',
    });
    expect(await ask('invite', { who: bob.bare, through: true }, ours)).toEqual(done);
    await bob.waitFor(
      'the one through the room',
      (stanza) => stanza.attrs['from'] === ours && child(child(stanza, 'x'), 'invite') !== undefined,
    );
    bob.send(`<message to="${jid}"><x xmlns="jabber:x:conference" jid="${theirs}" reason="come"/></message>`);
    expect(await roomTold(house, 'theirs', ({ act }) => act === 'invite')).toMatchObject({
      conversation: theirs,
      detail: `${jid}: come`,
      by: { address: bob.bare },
    });
  });

  it('a rename is told as one, and whoever takes the nick after is somebody else', async () => {
    const room = newRoom();
    const { entered, house, occupant } = await begin([room]);
    await entered(room);
    const bob = await come('bob', room);
    bob.say(room, 'I am bob');
    await eventually('bob is heard', () => house.heard().some(({ content }) => content.text === 'I am bob'));
    bob.send(`<presence to="${room}/robert"/>`);
    const renamed = await eventually('the rename', () =>
      house.storage.stored.find((event) => event.type === 'identity' && event.formerly === `${room}/bob`),
    );
    expect(renamed).toMatchObject({ party: { address: `${room}/robert`, name: 'robert' } });
    await eventually('seen as robert', () => occupant(room, 'robert') !== undefined);
    expect(occupant(room, 'bob')).toBeUndefined();
    await bob.leave(room);
    const gone = await eventually('that robert has gone', () =>
      house.storage.stored.find((event) => event.type === 'departure'),
    );
    expect(gone).toMatchObject({ address: `${room}/robert` });
  });

  it('private words go both ways under the room’s names, and end with who said them', async () => {
    const room = newRoom();
    const { entered, house, session, account, nick, occupant } = await begin([room]);
    await entered(room);
    const bob = await come('bob', room);
    await eventually('bob is seen', () => occupant(room, 'bob') !== undefined);
    bob.send(
      `<message to="${room}/${nick}" type="chat" id="pm1"><body>just between us</body><x xmlns="http://jabber.org/protocol/muc#user"/></message>`,
    );
    const heard = await eventually('it is heard', () =>
      house.heard().find(({ content }) => content.text === 'just between us'),
    );
    expect(heard).toMatchObject({
      conversation: `${room}/bob`,
      conversationKind: 'direct',
      author: { address: `${room}/bob`, kind: 'transient', name: 'bob' },
    });
    const { outcome } = await session.send(
      {
        id: newId<'EnvelopeId'>(),
        account,
        kind: 'message',
        to: `${room}/bob`,
        conversationKind: 'direct',
        content: { text: 'yes, between us' },
        attempt: 1,
      },
      new AbortController().signal,
    );
    expect(['sent', 'pending']).toContain(outcome);
    const said = await bob.waitFor(
      'the answer',
      (stanza) => textOf(child(stanza, 'body')) === 'yes, between us',
    );
    expect(said.attrs).toMatchObject({ from: `${room}/${nick}`, type: 'chat' });
    expect(child(said, 'x', 'http://jabber.org/protocol/muc#user')).toBeDefined();
    await bob.leave(room);
    await eventually('whoever comes next is somebody else', () =>
      house.storage.stored.some((event) => event.type === 'departure' && event.address === `${room}/bob`),
    );
  });

  it('a room is destroyed by us, and by others with a successor to go to', async () => {
    const [ours, theirs, next] = [newRoom(), newRoom(), newRoom()];
    const bob = await come('bob', theirs);
    const { ask, entered, house } = await begin([ours, theirs]);
    await entered(ours, theirs);
    expect(await ask('destroy', { reason: 'all said' }, ours)).toEqual(done);
    expect(
      await roomTold(
        house,
        'the end of ours',
        ({ conversation, joined }) => conversation === ours && joined === false,
      ),
    ).toMatchObject({
      failure: { code: 'account-gone' },
    });
    await bob.ask(
      'set',
      `<query xmlns="http://jabber.org/protocol/muc#owner"><destroy jid="${next}"><reason>we move</reason></destroy></query>`,
      theirs,
    );
    expect(
      await roomTold(
        house,
        'the end of theirs',
        ({ conversation, joined }) => conversation === theirs && joined === false,
      ),
    ).toMatchObject({
      failure: { code: 'account-gone', detail: `we move Its successor is ${next}.` },
    });
    expect(await roomTold(house, 'the successor', ({ act }) => act === 'invite')).toMatchObject({
      conversation: next,
    });
  });

  it('the form of a room is read and filled in, and a field that it has not is refused', async () => {
    const room = newRoom();
    const { ask, entered } = await begin([room]);
    await entered(room);
    const form = await ask('config', {}, room);
    expect(form).toMatchObject({ outcome: 'done' });
    expect(JSON.stringify(form)).toContain('muc#roomconfig_membersonly');
    const set = { 'muc#roomconfig_membersonly': true, 'muc#roomconfig_roomname': 'The Den' };
    expect(await ask('config', { set }, room)).toEqual(done);
    await expect(come('bob', room)).rejects.toThrow('may not enter');
    expect(await ask('config', { set: { nonsense: 'x' } }, room)).toMatchObject(refusedAs('unsupported'));
  });

  it('the rooms of the server are listed and searched', async () => {
    const word = fresh('search');
    const rooms = ['one', 'two', 'three'].map((one) => `${word}-${one}@${scene.server.names.rooms}`);
    const bob = await come('bob', ...rooms);
    // Some show in a list only what is said to be public.
    for (const room of rooms) await configure(bob, room, { publicroom: '1', persistentroom: '1' });
    await come('carol', rooms[1] ?? '');
    const { ask } = await begin();
    const listed = await ask('list', { search: word });
    expect(listed).toMatchObject({ outcome: 'done' });
    const [largest, ...others] = roomsIn(listed);
    expect(largest).toMatchObject({ address: rooms[1], members: 2 });
    expect(others.map((room) => fieldsOf(room)['address']).sort()).toEqual([rooms[0], rooms[2]].sort());
    const full = await ask('list', { search: word, minMembers: 2, limit: 5 });
    expect(full).toMatchObject({ answer: { rooms: [{ address: rooms[1] }] } });
    expect(await ask('list', { limit: 0 })).toMatchObject(refusedAs('unsupported'));
  });
});

function roomsIn(outcome: RequestOutcome): readonly JsonValue[] {
  const rooms = outcome.outcome === 'done' ? fieldsOf(outcome.answer)['rooms'] : undefined;
  return Array.isArray(rooms) ? (rooms as readonly JsonValue[]) : [];
}
