/*
 * What can be asked of rooms at once (XEP-0045 §6 to §10). Kinds and options are named as the other networks name
 * theirs, so that whoever kicks in one room knows how to in another; what no other network has (members, config, destroy)
 * has names of its own. Every text from outside ends in an element, so nothing can be said beside what was meant.
 */
import type { JsonObject, JsonValue, RequestOutcome, SessionRequest } from '#connector';
import { failure, type Failure } from '#model';
import type { IqAnswer, Service } from './core/port.js';
import { xml, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { filledForm, shownForm } from './forms.js';
import { formIn } from './xep/0004.js';
import { listRooms } from './room-list.js';
import type { Invitations } from './room-invitations.js';
import type { Room } from './room.js';
import type { Rooms } from './rooms.js';
import { stanzaFailure } from './stanza-failures.js';
import {
  changing,
  destroying,
  listAsk,
  listOfQuery,
  ownerQuery,
  type Affiliation,
  type ListChange,
  type Role,
} from './xep/0045.js';
import { presence } from './xep/rfc6121.js';
import { addressOf, bareOf, jidOf, occupantOf, resourceOf, roomAddress } from './xmpp.addresses.js';

const affiliations = ['owner', 'admin', 'member', 'outcast'] as const;
/** The words of other networks for what a role here is; ours count as well. */
const roleWords: Readonly<Record<string, Role>> = {
  operator: 'moderator',
  moderator: 'moderator',
  voice: 'participant',
  participant: 'participant',
  visitor: 'visitor',
};
const affiliationWords: Readonly<Record<string, Affiliation>> = {
  owner: 'owner',
  admin: 'admin',
  member: 'member',
};

/** What each kind takes, as it is said to whoever gets it wrong. */
const takes: Readonly<Record<string, string>> = {
  topic: 'topic {topic}, in a room',
  kick: 'kick {who, reason?}, in a room',
  ban: 'ban {who} or {mask}, with reason?, in a room; a mask is an address or a domain',
  unban: 'unban {mask}, in a room',
  bans: 'bans {}, in a room',
  invite: 'invite {who, reason?, through?}, in a room; through: true has the room invite',
  nick: 'nick {nick}, in a room',
  role: `role {who, role, remove?}, in a room; roles are ${Object.keys({ ...affiliationWords, ...roleWords }).join(', ')}`,
  members: `members {list?}, in a room; lists are ${affiliations.join(', ')}`,
  config: 'config {set?}, in a room; set is an object of fields',
  destroy: 'destroy {reason?, successor?}, in a room',
  list: 'list {search?, minMembers?, limit?, service?}',
};

export const roomRequestKinds: readonly string[] = Object.keys(takes);

type Ask = (room: Room, options: JsonObject, signal: AbortSignal) => Promise<RequestOutcome> | undefined;

const done = (answer: JsonValue = null): RequestOutcome => ({ outcome: 'done', answer });
const refused = (why: Failure): RequestOutcome => ({ outcome: 'refused', failure: why });
const calledOff = failure('timeout', 'It was called off.');

/** Waits for the room to say something of ours back, or to refuse it. */
interface Waiting {
  readonly room: Room;
  readonly kind: 'topic' | 'nick';
  readonly id: string;
  /** The nick or topic that was asked for. */
  readonly wanted: string;
  readonly settle: (outcome: RequestOutcome) => void;
}

export class RoomRequests implements Service {
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #rooms: Rooms;
  readonly #invitations: Invitations;
  readonly #waiting = new Set<Waiting>();
  #number = 0;

  constructor(parts: Parts, disco: Disco, rooms: Rooms, invitations: Invitations) {
    this.#parts = parts;
    this.#disco = disco;
    this.#rooms = rooms;
    this.#invitations = invitations;
    rooms.listen({
      subject: (room, stanza) => {
        this.#heard(room, 'topic', stanza);
      },
      own: (room, stanza) => {
        this.#heard(room, 'nick', stanza);
      },
    });
  }

  /** Answers a request of one of `roomRequestKinds`. Never rejects. */
  async request(
    { kind, conversation, options }: SessionRequest,
    signal: AbortSignal,
  ): Promise<RequestOutcome> {
    const usage = takes[kind];
    const wrong = refused(failure('unsupported', `XMPP takes: ${usage ?? Object.values(takes).join('; ')}.`));
    if (signal.aborted) return refused(calledOff);
    if (usage === undefined) return wrong;
    if (kind === 'list') return (await listRooms(this.#parts, this.#disco, options, signal)) ?? wrong;
    const address = conversation === undefined ? undefined : roomAddress(conversation);
    const room = address === undefined ? undefined : this.#rooms.room(address);
    if (room === undefined) {
      return address === undefined
        ? wrong
        : refused(failure('not-found', 'The account is not in this room.'));
    }
    return (await this.#inRooms[kind]?.(room, options, signal)) ?? wrong;
  }

  readonly #inRooms: Readonly<Record<string, Ask>> = {
    topic: (room, { topic }, signal) => {
      if (typeof topic !== 'string' || Buffer.byteLength(topic) > 16_384) return undefined;
      const id = this.#id();
      const message = xml('message', { to: room.address, type: 'groupchat', id }, xml('subject', {}, topic));
      return this.#wait({ room, kind: 'topic', id, wanted: topic }, message, signal);
    },
    nick: (room, { nick }, signal) => {
      const to = typeof nick === 'string' ? occupantOf(room.address, nick) : undefined;
      const wanted = to === undefined ? undefined : resourceOf(to);
      if (to === undefined || wanted === undefined) return undefined;
      if (wanted === room.nick) return Promise.resolve(done());
      const id = this.#id();
      const stanza = presence(this.#parts.wishes.presence, { to });
      stanza.attrs['id'] = id;
      return this.#wait({ room, kind: 'nick', id, wanted }, stanza, signal);
    },
    kick: (room, { who, reason }, signal) => {
      const nick = this.#nickOf(room, who);
      if (nick === undefined || !isWords(reason)) return undefined;
      return this.#change(room, { nick, role: 'none', ...why(reason) }, signal);
    },
    ban: (room, { who, mask, reason }, signal) => {
      if (!isWords(reason)) return undefined;
      const jid = mask === undefined ? this.#jidOf(room, who) : maskOf(mask);
      if (jid === undefined) return undefined;
      if (jid === 'hidden') return Promise.resolve(refused(hidden));
      return this.#change(room, { jid, affiliation: 'outcast', ...why(reason) }, signal);
    },
    unban: (room, { mask }, signal) => {
      const jid = maskOf(mask);
      return jid === undefined ? undefined : this.#change(room, { jid, affiliation: 'none' }, signal);
    },
    bans: async (room, _options, signal) => {
      const listed = await this.#list(room, 'outcast', signal);
      if ('outcome' in listed) return listed;
      return done({ bans: listed.map(({ jid = '', reason }) => ({ mask: jid, ...why(reason) })) });
    },
    invite: (room, { who, reason, through }, signal) => {
      const jid = typeof who === 'string' ? bareOf(who) : undefined;
      if (jid === undefined || jidOf(jid)?.local === undefined || !isWords(reason)) return undefined;
      return this.#invite(room, jid, { ...why(reason), through: through === true }, signal);
    },
    role: (room, { who, role, remove }, signal) => {
      if (typeof role !== 'string') return undefined;
      const away = remove === true;
      const affiliation = Object.hasOwn(affiliationWords, role) ? affiliationWords[role] : undefined;
      if (affiliation !== undefined) {
        const jid = this.#jidOf(room, who);
        if (jid === undefined) return undefined;
        if (jid === 'hidden') return Promise.resolve(refused(hidden));
        return this.#change(room, { jid, affiliation: away ? 'none' : affiliation }, signal);
      }
      const given = Object.hasOwn(roleWords, role) ? roleWords[role] : undefined;
      const nick = this.#nickOf(room, who);
      if (given === undefined || nick === undefined) return undefined;
      const less: Role = given === 'moderator' ? 'participant' : 'visitor';
      return this.#change(room, { nick, role: away ? less : given }, signal);
    },
    members: async (room, { list }, signal) => {
      const asked =
        list === undefined ? affiliations.slice(0, 3) : affiliations.filter((one) => one === list);
      if (asked.length === 0) return wrongOf('members');
      const members: JsonValue[] = [];
      let last: RequestOutcome | undefined;
      for (const affiliation of asked) {
        const listed = await this.#list(room, affiliation, signal);
        if ('outcome' in listed) last = listed;
        else {
          members.push(
            ...listed.map(({ jid, nick }) => ({
              role: affiliation,
              ...(jid !== undefined && { address: jid }),
              ...(nick !== undefined && { name: nick }),
            })),
          );
        }
      }
      // Some lists are for those alone who may change them.
      return members.length === 0 && last !== undefined ? last : done({ members });
    },
    config: async (room, { set }, signal) => {
      if (set !== undefined && (typeof set !== 'object' || set === null || Array.isArray(set)))
        return wrongOf('config');
      const asked = await this.#ask('get', room, ownerQuery(), signal);
      if (!asked.ok) return refused(asked.failure);
      const form = asked.payload && formIn(asked.payload);
      if (set === undefined) {
        return form ? done(shownForm(form)) : refused(failure('unsupported', 'The room has no form.'));
      }
      const answer = filledForm(form, set as JsonObject, 'The room');
      if ('failure' in answer) return refused(answer.failure);
      return outcomeOf(await this.#ask('set', room, ownerQuery(answer.form), signal));
    },
    destroy: async (room, { reason, successor }, signal) => {
      const to = typeof successor === 'string' ? roomAddress(successor) : undefined;
      if (!isWords(reason) || (successor !== undefined && to === undefined)) return wrongOf('destroy');
      return outcomeOf(await this.#ask('set', room, destroying(reason, to), signal));
    },
  };

  /** The binding is over: nobody will answer any more. */
  ended(): void {
    for (const { settle } of [...this.#waiting]) {
      settle(refused(failure('network-unreachable', 'The connection was lost.')));
    }
  }

  async #invite(
    room: Room,
    who: string,
    how: { readonly through: boolean; readonly reason?: string },
    signal: AbortSignal,
  ): Promise<RequestOutcome> {
    const info = await this.#disco.info(room.address);
    if (signal.aborted) return refused(calledOff);
    const membersOnly = info?.features.includes('muc_membersonly') === true;
    this.#invitations.invite(room.address, who, { ...how, through: how.through || membersOnly });
    return done();
  }

  async #change(room: Room, change: ListChange, signal: AbortSignal): Promise<RequestOutcome> {
    return outcomeOf(await this.#ask('set', room, changing([change]), signal));
  }

  async #list(room: Room, affiliation: Affiliation, signal: AbortSignal) {
    const answer = await this.#ask('get', room, listAsk({ affiliation }), signal);
    return answer.ok ? (listOfQuery(answer.payload) ?? []) : refused(answer.failure);
  }

  async #ask(type: 'get' | 'set', room: Room, payload: Element, signal: AbortSignal): Promise<IqAnswer> {
    return this.#parts.port.iq({ type, to: room.address, payload, signal });
  }

  /** Somebody in the room, by nick or by their address in it. */
  #nickOf(room: Room, who: JsonValue | undefined): string | undefined {
    if (typeof who !== 'string') return undefined;
    const address = addressOf(who);
    if (address !== undefined && bareOf(address) === room.address) return resourceOf(address);
    const own = occupantOf(room.address, who);
    return own === undefined ? undefined : resourceOf(own);
  }

  /** Somebody's own address: as it was given, or as the room shows it; `hidden` where it does not. */
  #jidOf(room: Room, who: JsonValue | undefined): string | undefined {
    const nick = this.#nickOf(room, who);
    const member = nick === undefined ? undefined : room.member(nick);
    if (member !== undefined) return member.jid ?? 'hidden';
    const jid = typeof who === 'string' ? bareOf(who) : undefined;
    return jid === room.address || jidOf(jid ?? '')?.local === undefined ? undefined : jid;
  }

  async #wait(
    what: Pick<Waiting, 'room' | 'kind' | 'id' | 'wanted'>,
    stanza: Element,
    signal: AbortSignal,
  ): Promise<RequestOutcome> {
    return new Promise((answer) => {
      const over = (): void => {
        waiting.settle(refused(failure('timeout', 'The room does not answer.')));
      };
      const cancel = this.#parts.context.clock.after(this.#parts.timings.iq, over);
      const waiting: Waiting = {
        ...what,
        settle: (outcome) => {
          this.#waiting.delete(waiting);
          cancel();
          signal.removeEventListener('abort', over);
          answer(outcome);
        },
      };
      signal.addEventListener('abort', over, { once: true });
      this.#waiting.add(waiting);
      this.#parts.port.send(stanza);
    });
  }

  #heard(room: Room, kind: Waiting['kind'], stanza: Element): void {
    const { id, type } = stanza.attrs;
    for (const waiting of this.#waiting) {
      if (waiting.room !== room || waiting.kind !== kind) continue;
      if (type === 'error') {
        // A refused nick comes without our id from some, and nothing else of ours is refused there.
        if (id === waiting.id || kind === 'nick') waiting.settle(refused(stanzaFailure(stanza).failure));
      } else if (id === waiting.id || (kind === 'nick' ? room.nick : room.topic) === waiting.wanted.trim()) {
        waiting.settle(done());
      }
    }
  }

  #id(): string {
    return `room-${String(++this.#number)}`;
  }
}

const hidden = failure('not-found', 'The room does not show whose address that is.');

function wrongOf(kind: string): RequestOutcome {
  return refused(failure('unsupported', `XMPP takes: ${takes[kind] ?? kind}.`));
}

function outcomeOf(answer: IqAnswer): RequestOutcome {
  return answer.ok ? done() : refused(answer.failure);
}

function isWords(value: JsonValue | undefined): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= 2_000);
}

function why(reason: string | undefined): { readonly reason?: string } {
  return reason === undefined || reason === '' ? {} : { reason };
}

/** Somebody, or everybody of a domain. */
function maskOf(mask: JsonValue | undefined): string | undefined {
  return typeof mask === 'string' ? bareOf(mask) : undefined;
}
