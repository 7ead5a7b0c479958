/* A room (XEP-0045): who is in it, as what, and what was said. */
import { createHash } from 'node:crypto';
import { Archive } from './archive.js';
import { copy, el, stanza, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Session } from './session.js';
import type { World } from './world.js';

export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';
export type Role = 'moderator' | 'participant' | 'visitor' | 'none';

export interface Occupant {
  nick: string;
  readonly session: Session;
  role: Role;
  presence: Element;
}

export interface RoomConfig {
  name: string;
  description: string;
  isPublic: boolean;
  isPersistent: boolean;
  isMembersOnly: boolean;
  isModerated: boolean;
  showsAddresses: boolean;
  mayChangeSubject: boolean;
  mayInvite: boolean;
  password: string;
}

export const usualConfig: RoomConfig = {
  name: '',
  description: '',
  isPublic: true,
  isPersistent: false,
  isMembersOnly: false,
  isModerated: false,
  showsAddresses: false,
  mayChangeSubject: false,
  mayInvite: true,
  password: '',
};

/** More to say about an occupant than what they are: why, by whom, what happened. */
export interface News {
  readonly codes?: readonly string[];
  readonly reason?: string | undefined;
  readonly actor?: string | undefined;
  /** The nick that they have from now on (status 303). */
  readonly nick?: string;
  readonly destroyed?: Element;
}

export class Room {
  readonly address: string;
  readonly occupants = new Map<string, Occupant>();
  readonly affiliations = new Map<string, Affiliation>();
  readonly archive = new Archive();
  config: RoomConfig = { ...usualConfig };
  subject: Element | undefined;
  /** Nobody but its owner may come in before it is configured. */
  isLocked = false;

  constructor(address: string) {
    this.address = address;
  }

  affiliation(bare: string): Affiliation {
    return this.affiliations.get(bare) ?? 'none';
  }

  /** The role with which somebody comes in (XEP-0045 §5.1.2). */
  firstRole(bare: string): Role {
    const affiliation = this.affiliation(bare);
    if (affiliation === 'owner' || affiliation === 'admin') return 'moderator';
    return this.config.isModerated && affiliation === 'none' ? 'visitor' : 'participant';
  }

  occupantOf(session: Session): Occupant | undefined {
    return [...this.occupants.values()].find((one) => one.session === session);
  }

  /** The id of somebody in this room: the same under every nick, and telling nobody who it is (XEP-0421). */
  occupantId(world: World, bare: string): Element | undefined {
    if (!world.has('occupant-ids')) return undefined;
    const id = createHash('sha256').update(`${this.address} ${bare}`).digest('base64url').slice(0, 22);
    return el('occupant-id', { xmlns: ns.occupantId, id });
  }

  /** The presence of an occupant as another one is shown it. */
  shown(world: World, one: Occupant, to: Occupant, news: News = {}): Element {
    const isGone = one.role === 'none';
    const sees = this.config.showsAddresses || to.role === 'moderator' || to === one;
    const codes = [
      ...(news.codes ?? []),
      ...(to === one ? ['110', ...(this.config.showsAddresses && !isGone ? ['100'] : [])] : []),
    ];
    const item = el(
      'item',
      {
        affiliation: this.affiliation(one.session.account.bare),
        role: one.role,
        jid: sees ? one.session.full : undefined,
        nick: news.nick,
      },
      news.actor === undefined ? undefined : el('actor', { nick: news.actor }),
      news.reason === undefined ? undefined : el('reason', {}, news.reason),
    );
    const kept = copy(one.presence).children.filter(
      (part) =>
        typeof part === 'string' || (part.attrs['xmlns'] !== ns.muc && part.attrs['xmlns'] !== ns.mucUser),
    );
    return stanza(
      'presence',
      {
        from: `${this.address}/${one.nick}`,
        to: to.session.full,
        type: isGone ? 'unavailable' : undefined,
        id: to === one ? one.presence.attrs['id'] : undefined,
      },
      ...(isGone && news.reason === undefined ? kept.filter(isStatus) : isGone ? [] : kept),
      this.occupantId(world, one.session.account.bare),
      el('x', ns.mucUser, item, news.destroyed, ...codes.map((code) => el('status', { code }))),
    );
  }

  /** Tells all what has become of one, the one last (XEP-0045 §7.2.2). */
  tell(world: World, one: Occupant, news: News = {}): void {
    for (const other of this.occupants.values()) {
      if (other !== one) other.session.deliver(this.shown(world, one, other, news));
    }
    one.session.deliver(this.shown(world, one, one, news));
  }

  /** Gives all a message of the room's own or of one of its occupants. */
  say(given: Element): void {
    for (const { session } of this.occupants.values()) session.deliver(copy(given, { to: session.full }));
  }

  /** Takes one out, and tells all. */
  takeOut(world: World, one: Occupant, news: News = {}): void {
    if (this.occupants.get(one.nick) !== one) return;
    one.role = 'none';
    this.tell(world, one, news);
    this.occupants.delete(one.nick);
    if (this.occupants.size === 0 && !this.config.isPersistent) world.rooms.delete(this.address);
  }
}

function isStatus(part: Element | string): boolean {
  return typeof part !== 'string' && part.name === 'status';
}
