/* Ruling a room (XEP-0045 §8 to §10): roles, affiliations, its configuration, its end. */
import { jid } from './addresses.js';
import { all, child, el, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Affiliation, Occupant, Role, Room, RoomConfig } from './room.js';
import type { Session } from './session.js';
import { bounce, form, payload, readForm, result } from './stanzas.js';
import type { World } from './world.js';

const fields = {
  'muc#roomconfig_roomname': 'name',
  'muc#roomconfig_roomdesc': 'description',
  'muc#roomconfig_publicroom': 'isPublic',
  'muc#roomconfig_persistentroom': 'isPersistent',
  'muc#roomconfig_membersonly': 'isMembersOnly',
  'muc#roomconfig_moderatedroom': 'isModerated',
  'muc#roomconfig_changesubject': 'mayChangeSubject',
  'muc#roomconfig_allowinvites': 'mayInvite',
} as const satisfies Record<string, keyof RoomConfig>;
const formType = 'http://jabber.org/protocol/muc#roomconfig';

/** Answers an owner: the form, what was chosen in it, the end of the room. */
export function owner(world: World, room: Room, session: Session, iq: Element): void {
  const query = payload(iq);
  if (room.affiliation(session.account.bare) !== 'owner') {
    session.deliver(bounce(iq, 'auth', 'forbidden'));
    return;
  }
  const { config } = room;
  if (iq.attrs['type'] === 'get') {
    const known = Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, config[name]]));
    const rest = {
      'muc#roomconfig_whois': config.showsAddresses ? 'anyone' : 'moderators',
      'muc#roomconfig_passwordprotectedroom': config.password !== '',
      'muc#roomconfig_roomsecret': config.password,
    };
    session.deliver(result(iq, el('query', ns.mucOwner, form('form', formType, { ...known, ...rest }))));
    return;
  }
  const destroyed = child(query, 'destroy');
  if (destroyed !== undefined) {
    session.deliver(result(iq));
    world.rooms.delete(room.address);
    for (const one of [...room.occupants.values()]) {
      one.role = 'none';
      one.session.deliver(room.shown(world, one, one, { destroyed }));
    }
    room.occupants.clear();
    return;
  }
  const chosen = child(query, 'x', ns.data);
  if (chosen?.attrs['type'] === 'cancel') {
    if (room.isLocked) world.rooms.delete(room.address);
    session.deliver(result(iq));
    return;
  }
  configure(room, readForm(chosen));
  room.isLocked = false;
  session.deliver(result(iq));
  const changed = el('x', ns.mucUser, el('status', { code: '104' }));
  room.say(stanza('message', { from: room.address, type: 'groupchat' }, changed));
}

function configure(room: Room, chosen: ReadonlyMap<string, readonly string[]>): void {
  const config: Record<string, string | boolean> = { ...room.config };
  for (const [field, name] of Object.entries(fields)) {
    const value = chosen.get(field)?.[0];
    if (value === undefined) continue;
    config[name] = typeof room.config[name] === 'boolean' ? /^(?:1|true)$/.test(value) : value;
  }
  room.config = config as unknown as RoomConfig;
  const whois = chosen.get('muc#roomconfig_whois')?.[0];
  if (whois !== undefined) room.config.showsAddresses = whois === 'anyone';
  const isClosed = chosen.get('muc#roomconfig_passwordprotectedroom')?.[0];
  const secret = chosen.get('muc#roomconfig_roomsecret')?.[0];
  if (isClosed !== undefined && !/^(?:1|true)$/.test(isClosed)) room.config.password = '';
  else if (secret !== undefined) room.config.password = secret;
}

const ranks: readonly Affiliation[] = ['outcast', 'none', 'member', 'admin', 'owner'];

/** Answers an administrator: lists, and who becomes what. */
export function admin(world: World, room: Room, session: Session, iq: Element): void {
  const actor = room.occupantOf(session);
  const mine = room.affiliation(session.account.bare);
  const items = all(payload(iq), 'item');
  const refuse = (type: 'auth' | 'cancel' | 'modify', condition: string): void => {
    session.deliver(bounce(iq, type, condition));
  };
  const isModerator = actor?.role === 'moderator';
  const rules = mine === 'owner' || mine === 'admin';
  if (!isModerator && !rules) {
    refuse('auth', 'forbidden');
    return;
  }
  if (iq.attrs['type'] === 'get') {
    const { affiliation, role } = items[0]?.attrs ?? {};
    const listed = [
      ...[...room.affiliations]
        .filter(([, one]) => one === affiliation)
        .map(([bare, one]) => el('item', { jid: bare, affiliation: one })),
      ...[...room.occupants.values()]
        .filter((one) => one.role === role)
        .map((one) => el('item', { nick: one.nick, role: one.role, jid: one.session.full })),
    ];
    session.deliver(result(iq, el('query', ns.mucAdmin, ...listed)));
    return;
  }
  for (const item of items) {
    const { affiliation, role, nick = '' } = item.attrs;
    const reason = text(child(item, 'reason'));
    const news = { actor: actor?.nick, reason: reason === '' ? undefined : reason };
    if (role !== undefined) {
      const one = room.occupants.get(nick);
      if (one === undefined) {
        refuse('cancel', 'item-not-found');
        return;
      }
      if (outranks(room, one, mine)) {
        refuse('cancel', 'not-allowed');
        return;
      }
      setRole(world, room, one, role as Role, news);
    } else if (affiliation !== undefined) {
      const bare = jid(item.attrs['jid'] ?? '')?.bare ?? room.occupants.get(nick)?.session.account.bare;
      if (bare === undefined) {
        refuse('modify', 'bad-request');
        return;
      }
      if (!rules || (mine !== 'owner' && ranks.indexOf(affiliation as Affiliation) > 2)) {
        refuse('cancel', 'not-allowed');
        return;
      }
      if (ranks.indexOf(room.affiliation(bare)) > ranks.indexOf(mine)) {
        refuse('cancel', 'not-allowed');
        return;
      }
      setAffiliation(world, room, bare, affiliation as Affiliation, news);
    }
  }
  session.deliver(result(iq));
}

function outranks(room: Room, one: Occupant, mine: Affiliation): boolean {
  const theirs = ranks.indexOf(room.affiliation(one.session.account.bare));
  return theirs > ranks.indexOf(mine) || (theirs >= 3 && mine !== 'owner');
}

interface Why {
  readonly actor: string | undefined;
  readonly reason: string | undefined;
}

function setRole(world: World, room: Room, one: Occupant, role: Role, why: Why): void {
  if (role === 'none') {
    one.session.shown.delete(`${room.address}/${one.nick}`);
    room.takeOut(world, one, { ...why, codes: ['307'] });
    return;
  }
  one.role = role;
  room.tell(world, one, why);
}

function setAffiliation(world: World, room: Room, bare: string, affiliation: Affiliation, why: Why): void {
  if (affiliation === 'none') room.affiliations.delete(bare);
  else room.affiliations.set(bare, affiliation);
  for (const one of [...room.occupants.values()].filter(({ session }) => session.account.bare === bare)) {
    const mustGo = affiliation === 'outcast' || (affiliation === 'none' && room.config.isMembersOnly);
    if (mustGo) {
      one.session.shown.delete(`${room.address}/${one.nick}`);
      room.takeOut(world, one, { ...why, codes: [affiliation === 'outcast' ? '301' : '321'] });
      continue;
    }
    one.role = room.firstRole(bare);
    room.tell(world, one, why);
  }
}
