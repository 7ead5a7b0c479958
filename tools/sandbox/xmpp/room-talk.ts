/* What is said in a room and privately in it, its subject, and who is invited (XEP-0045 §7.4 to §8.1). */
import { jid } from './addresses.js';
import { isKept } from './archive.js';
import { child, copy, el, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Room } from './room.js';
import type { Session } from './session.js';
import { bounce } from './stanzas.js';
import type { World } from './world.js';

/** A message that a session sends to a room or to somebody in it. */
export function roomMessage(world: World, session: Session, given: Element): void {
  const target = jid(given.attrs['to'] ?? '');
  const room = target && world.rooms.get(target.bare);
  const speaker = room?.occupantOf(session);
  const refuse = (type: 'auth' | 'cancel' | 'modify', condition: string): void => {
    if (given.attrs['type'] !== 'error') session.deliver(bounce(given, type, condition));
  };
  if (target === undefined || room === undefined) {
    refuse('cancel', 'item-not-found');
    return;
  }
  const invitation = child(given, 'x', ns.mucUser);
  if (child(invitation, 'decline') !== undefined) return;
  if (speaker === undefined) {
    refuse('modify', 'not-acceptable');
    return;
  }
  if (child(invitation, 'invite') !== undefined && target.resource === '') {
    if (!room.config.mayInvite && speaker.role !== 'moderator') {
      refuse('auth', 'forbidden');
      return;
    }
    invite(world, room, session, child(invitation, 'invite'));
    return;
  }
  const from = `${room.address}/${speaker.nick}`;
  if (target.resource !== '') {
    const hearer = room.occupants.get(target.resource);
    if (given.attrs['type'] === 'groupchat') {
      refuse('modify', 'bad-request');
      return;
    }
    if (hearer === undefined) {
      refuse('cancel', 'item-not-found');
      return;
    }
    const whispered = copy(given, { from, to: hearer.session.full });
    whispered.children = [
      ...whispered.children.filter((one) => typeof one === 'string' || !isForged(room, one)),
      ...present([room.occupantId(world, session.account.bare)]),
    ];
    if (child(whispered, 'x', ns.mucUser) === undefined) whispered.children.push(el('x', ns.mucUser));
    hearer.session.deliver(whispered);
    return;
  }
  if (given.attrs['type'] !== 'groupchat') {
    refuse('modify', 'bad-request');
    return;
  }
  if (speaker.role === 'visitor') {
    refuse('auth', 'forbidden');
    return;
  }
  const said = copy(given, { from, to: undefined });
  said.children = [
    ...said.children.filter((one) => typeof one === 'string' || !isForged(room, one)),
    ...present([room.occupantId(world, session.account.bare)]),
  ];
  if (child(given, 'subject') !== undefined && child(given, 'body') === undefined) {
    if (speaker.role !== 'moderator' && !room.config.mayChangeSubject) {
      refuse('auth', 'forbidden');
      return;
    }
    room.subject = text(child(given, 'subject')) === '' ? undefined : said;
    room.say(said);
    return;
  }
  if (isKept(said)) {
    const id = world.nextId('said-');
    room.archive.add({ id, at: world.now(), with: speaker.nick, message: copy(said) });
    if (world.has('stanza-ids')) said.children.push(el('stanza-id', { xmlns: ns.sid, by: room.address, id }));
  }
  room.say(said);
}

function present(all: readonly (Element | undefined)[]): readonly Element[] {
  return all.filter((one) => one !== undefined);
}

/** Ids that only the room may give. */
function isForged(room: Room, { name, attrs }: Element): boolean {
  return (
    (name === 'stanza-id' && attrs['xmlns'] === ns.sid && attrs['by'] === room.address) ||
    (name === 'occupant-id' && attrs['xmlns'] === ns.occupantId)
  );
}

/** A mediated invitation (XEP-0045 §7.8.2). */
function invite(world: World, room: Room, by: Session, wanted: Element | undefined): void {
  const to = jid(wanted?.attrs['to'] ?? '')?.bare;
  if (to === undefined) return;
  if (room.config.isMembersOnly && room.affiliation(to) === 'none') room.affiliations.set(to, 'member');
  const reason = text(child(wanted, 'reason'));
  const password = room.config.password;
  world.route(
    stanza(
      'message',
      { from: room.address, to },
      el(
        'x',
        ns.mucUser,
        el('invite', { from: by.account.bare }, reason === '' ? undefined : el('reason', {}, reason)),
        password === '' ? undefined : el('password', {}, password),
      ),
    ),
  );
}
