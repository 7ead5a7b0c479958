/* What is said in rooms, on real servers: alice by a session of ours, bob by a plain client. */
import { beforeAll, expect, it } from '@jest/globals';
import {
  can,
  wireIdOf,
  type InboundChange,
  type InboundMessage,
  type InboundReceipt,
  type OutboundEnvelope,
  type RemoteId,
} from '#connector';
import { Rigs, type Rig } from '#connectors/xmpp/testing';
import { newId } from '#model';
import { describeXmpp, eventually, type PlainXmpp } from '#peers';

describeXmpp('talk in a room on %s', (scene) => {
  let rig: Rig;
  let bob: PlainXmpp;
  let room: string;
  let nick: string;

  beforeAll(async () => {
    const { server } = scene;
    room = `lounge@${server.names.rooms}`;
    bob = await scene.visit('bob');
    await bob.join(room, 'bob');
    rig = await scene.use(new Rigs()).begin({ server, rooms: [room] });
    nick = rig.jid.split('@')[0] ?? '';
    await rig.until('online');
    await eventually('alice is in', () => rig.house.rooms.get(room)?.has(`${room}/bob`));
  });

  const stored = () => rig.house.storage.stored;
  const heard = (text: string): Promise<InboundMessage> =>
    eventually(`“${text}” is heard`, () =>
      stored()
        .flatMap((event) => (event.type === 'message' && event.content.text === text ? [event] : []))
        .at(-1),
    );
  const changed = (type: InboundChange['type']): Promise<InboundChange> =>
    eventually(`there is a ${type}`, () =>
      stored()
        .flatMap((event) => (event.type === type ? [event] : []))
        .at(-1),
    );
  const settled = (wireId: string): Promise<InboundReceipt> =>
    eventually(
      'it has come to pass',
      () =>
        stored().flatMap((event) =>
          event.type === 'receipt' && 'wireId' in event.about && event.about.wireId === wireId ? [event] : [],
        )[0],
    );
  const raw = (what: string): Promise<string> =>
    eventually(`bob hears ${what}`, () => bob.raw.find((stanza) => stanza.includes(what)));
  const send = async (more: Partial<OutboundEnvelope>) => {
    const envelope: OutboundEnvelope = {
      id: newId<'EnvelopeId'>(),
      account: rig.account,
      kind: 'message',
      to: room,
      conversationKind: 'room',
      content: { text: '' },
      attempt: 1,
      ...more,
    };
    return {
      id: wireIdOf(envelope.id, 0),
      outcome: await rig.session.send(envelope, new AbortController().signal),
    };
  };
  const idsOf = ({ remoteId, otherIds = [] }: InboundMessage): readonly RemoteId[] =>
    remoteId === undefined ? otherIds : [remoteId, ...otherIds];

  it('comes back to us as our own, with the id that the room gave it', async () => {
    const { id, outcome } = await send({ content: { text: 'hail' } });
    expect(outcome).toEqual({ outcome: 'pending', parts: 1 });
    await raw('<body>hail</body>');
    expect(await heard('hail')).toMatchObject({
      conversation: room,
      conversationKind: 'room',
      origin: 'own',
      wireId: id,
      remoteId: { scope: room, by: 'network' },
    });
  });

  it('is of whoever says it, and can be corrected, reacted to and taken back by them', async () => {
    const id = bob.say(room, 'to be correctd');
    const message = await heard('to be correctd');
    expect(message).toMatchObject({ author: { address: `${room}/bob`, name: 'bob' }, origin: 'remote' });
    bob.edit(room, id, 'to be corrected');
    expect(await changed('edit')).toMatchObject({
      target: { scope: `id:${room}`, id, by: 'sender' },
      author: { address: `${room}/bob` },
    });
    const given = message.remoteId?.id ?? '';
    bob.react(room, given, ['🐢']);
    expect(await changed('reaction')).toMatchObject({
      target: { scope: room, id: given },
      reactions: ['🐢'],
    });
    bob.retract(room, given);
    expect(await changed('retraction')).toMatchObject({ target: { scope: room, id: given } });
  });

  it('of ours is corrected, reacted to and taken back, and each comes to pass when the room says so', async () => {
    await send({ content: { text: 'mine' } });
    const target = { remoteIds: idsOf(await heard('mine')), text: 'mine' };
    const edit = await send({ kind: 'edit', target, content: { text: 'mine, better' } });
    expect(await settled(edit.id)).toMatchObject({ state: 'sent' });
    expect(await raw('mine, better')).toContain('urn:xmpp:message-correct:0');
    const reaction = { emoji: '🎉', removed: false };
    const react = await send({ kind: 'reaction', target: { ...target, reactions: ['🎉'] }, reaction });
    expect(await settled(react.id)).toMatchObject({ state: 'sent' });
    expect(await raw('🎉')).toContain(target.remoteIds[0]?.id ?? '-');
    const retract = await send({ kind: 'retraction', target });
    expect(await settled(retract.id)).toMatchObject({ state: 'sent' });
    expect(await raw(retract.id)).toContain(target.remoteIds[0]?.id ?? '-');
    expect(stored().filter((event) => event.type === 'edit' && event.origin !== 'remote')).toEqual([]);
  });

  it('is answered by the id that the room gave it', async () => {
    bob.say(room, 'shall we?');
    const message = await heard('shall we?');
    await send({
      content: { text: 'we shall', replyTo: newId<'MessageId'>() },
      target: { remoteIds: idsOf(message), text: 'shall we?' },
    });
    expect(await raw('we shall')).toMatch(new RegExp(`<reply[^>]*${message.remoteId?.id ?? '-'}`));
    expect(await heard('we shall')).toMatchObject({ replyTo: message.remoteId });
  });

  it('is said in private to somebody there, both ways', async () => {
    const { outcome } = await send({
      to: `${room}/bob`,
      conversationKind: 'direct',
      content: { text: 'psst, bob' },
    });
    expect(outcome).toMatchObject({ outcome: 'sent' });
    expect(await raw('psst, bob')).toContain(`${room}/${nick}`);
    bob.say(`${room}/${nick}`, 'psst, alice', { type: 'chat' });
    expect(await heard('psst, alice')).toMatchObject({
      conversation: `${room}/bob`,
      conversationKind: 'direct',
      author: { address: `${room}/bob`, kind: 'transient' },
    });
  });

  it('is typed, where somebody there shows typing as well', async () => {
    if (!can(rig.session, 'shows-typing')) throw new Error('it shows no typing');
    bob.type(room, 'composing');
    await eventually('bob types', () =>
      rig.house.typings.some(
        ({ conversation, address }) => conversation === room && address === `${room}/bob`,
      ),
    );
    rig.session.typing(rig.account, room, true);
    expect(await raw('<composing')).toContain('groupchat');
  });

  it('cannot be refused or retracted by somebody else in it', async () => {
    const { id } = await send({ content: { text: 'steadfast' } });
    const echo = await heard('steadfast');
    bob.send(
      `<message to="${room}/${nick}" type="error" id="${id}"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>`,
    );
    bob.send(
      `<message to="${room}" type="groupchat" id="forged"><retract xmlns="urn:xmpp:message-retract:1" id="${echo.remoteId?.id ?? ''}">` +
        `<moderated xmlns="urn:xmpp:message-moderate:1" by="${room}/${nick}"/></retract></message>`,
    );
    await bob.join(room, 'bob');
    bob.say(room, 'after the forgeries');
    await heard('after the forgeries');
    const about = stored().filter(
      (event) =>
        (event.type === 'receipt' && event.state === 'failed') || ('vouched' in event && event.vouched),
    );
    expect(about).toEqual([]);
  });
});
