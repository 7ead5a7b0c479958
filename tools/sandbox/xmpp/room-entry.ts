/* Coming into a room, going, and changing one's name there (XEP-0045 §7). */
import { jid, type Jid } from './addresses.js';
import { latest } from './archive.js';
import { child, copy, el, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import { Room, type Occupant } from './room.js';
import type { Session } from './session.js';
import { bounce } from './stanzas.js';
import type { World } from './world.js';

/** Presence that a session sends to a room. */
export function roomPresence(world: World, session: Session, given: Element): void {
  const { to = '', type } = given.attrs;
  const target = jid(to);
  if (target === undefined || target.local === '') return;
  const room = world.rooms.get(target.bare);
  const occupant = room?.occupantOf(session);
  if (type === 'unavailable') {
    session.shown.delete(to);
    if (room !== undefined && occupant !== undefined) {
      session.shown.delete(`${room.address}/${occupant.nick}`);
      occupant.presence = given;
      room.takeOut(world, occupant);
    }
    return;
  }
  if (type !== undefined) return;
  if (target.resource === '') {
    session.deliver(bounce(given, 'modify', 'jid-malformed'));
    return;
  }
  if (room === undefined || occupant === undefined || child(given, 'x', ns.muc) !== undefined) {
    enter(world, session, given, target);
  } else if (occupant.nick !== target.resource) rename(world, room, occupant, given, target.resource);
  else {
    occupant.presence = given;
    room.tell(world, occupant);
  }
}

function enter(world: World, session: Session, given: Element, { bare, resource: nick }: Jid): void {
  const { bare: who } = session.account;
  const existing = world.rooms.get(bare);
  const room = existing ?? new Room(bare);
  const asked = child(given, 'x', ns.muc);
  const refuse = (type: 'auth' | 'cancel', condition: string): void => {
    session.deliver(bounce(given, type, condition));
  };
  const there = room.occupants.get(nick);
  const isIn = room.occupantOf(session);
  const affiliation = room.affiliation(who);
  if (affiliation === 'outcast') {
    refuse('auth', 'forbidden');
    return;
  }
  if (room.isLocked && affiliation !== 'owner') {
    refuse('cancel', 'item-not-found');
    return;
  }
  if (room.config.isMembersOnly && affiliation === 'none') {
    refuse('auth', 'registration-required');
    return;
  }
  if (there !== undefined && there.session !== session) {
    refuse('cancel', 'conflict');
    return;
  }
  if (room.config.password !== '' && text(child(asked, 'password')) !== room.config.password) {
    if (affiliation !== 'owner') {
      refuse('auth', 'not-authorized');
      return;
    }
  }
  if (existing === undefined) {
    room.affiliations.set(who, 'owner');
    room.isLocked = world.options.locksRooms !== false;
    world.rooms.set(bare, room);
  }
  // Somebody who has lost track comes in again under the same or another name.
  if (isIn !== undefined) room.occupants.delete(isIn.nick);
  const occupant: Occupant = { nick, session, role: room.firstRole(who), presence: given };
  for (const other of room.occupants.values()) session.deliver(room.shown(world, other, occupant));
  room.occupants.set(nick, occupant);
  session.shown.add(`${bare}/${nick}`);
  room.tell(world, occupant, existing === undefined ? { codes: ['201'] } : {});
  for (const one of past(room, asked)) session.deliver(copy(one, { to: session.full }));
  const subject = room.subject ?? stanza('message', { from: bare, type: 'groupchat' }, el('subject'));
  session.deliver(copy(subject, { to: session.full }));
}

/** What was said before, as much as was asked for (XEP-0045 §7.2.13). */
function past(room: Room, asked: Element | undefined): readonly Element[] {
  const { maxchars, maxstanzas, seconds, since } = child(asked, 'history')?.attrs ?? {};
  const number = (written: string | undefined, otherwise: number): number =>
    written === undefined || Number.isNaN(Number(written)) ? otherwise : Number(written);
  const most = maxchars === '0' ? 0 : number(maxstanzas, 20);
  const from = Math.max(Date.parse(since ?? '') || 0, Date.now() - number(seconds, Infinity) * 1_000);
  return latest(room.archive, { most, since: from }, room.address);
}

function rename(world: World, room: Room, one: Occupant, given: Element, nick: string): void {
  if (room.occupants.has(nick)) {
    one.session.deliver(bounce(given, 'cancel', 'conflict'));
    return;
  }
  const { role } = one;
  one.role = 'none';
  room.tell(world, one, { codes: ['303'], nick });
  room.occupants.delete(one.nick);
  one.session.shown.delete(`${room.address}/${one.nick}`);
  one.nick = nick;
  one.role = role;
  one.presence = given;
  room.occupants.set(nick, one);
  one.session.shown.add(`${room.address}/${nick}`);
  room.tell(world, one);
}
