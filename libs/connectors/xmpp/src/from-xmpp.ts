/*
 * Messages in, events out. Pure: what a message stanza means, given where it was heard and what is known of rooms. Nothing
 * here throws, whatever the stanza: what makes no sense is no event. The same reading serves what is heard live, copies of
 * what our other devices say and hear (XEP-0280), and what archives hold (XEP-0313).
 */
import {
  parseWireId,
  type InboundChange,
  type InboundMessage,
  type InboundParty,
  type InboundReceipt,
  type RemoteId,
} from '#connector';
import type { AccountId, ConversationKind, Mode, Origin } from '#model';
import type { Element } from './core/xml.js';
import { contentOf } from './content.js';
import { bearing, chosenId, givenId } from './remote-ids.js';
import { delaysIn } from './xep/0203.js';
import { correctedIn } from './xep/0308.js';
import { originIdIn, stanzaIdIn } from './xep/0359.js';
import { occupantIdIn } from './xep/0421.js';
import { retractedIn, tombstoneIn } from './xep/0424.js';
import { moderationIn } from './xep/0425.js';
import { reactionsIn } from './xep/0444.js';
import { replyIn } from './xep/0461.js';
import { attribute } from './xep/reading.js';
import { addressOf, bareOf, resourceOf } from './xmpp.addresses.js';

/** What is known of the rooms that we are in. */
export interface KnownRooms {
  /** Whether a bare address is a room's. */
  isRoom(bare: string): boolean;
  /** What we go by there. */
  nickIn(room: string): string | undefined;
  /** Who goes by an address in a room, as the room vouches for them; absent: by the address alone. */
  party?(room: string, occupant: string, occupantId: string | undefined): InboundParty | undefined;
}

/** Where and when a message was heard. */
export interface Circumstances {
  readonly account: AccountId;
  /** Our own account, bare, and our server. */
  readonly self: string;
  readonly domain: string;
  readonly rooms: KnownRooms;
  readonly mode: Mode;
  /** Of its arrival. */
  readonly now: Date;
  /**
   * It comes out of an archive: whose (our own bare address or a room's), its id there, and when it was first said. Without
   * it, ids on the message count as they are `by` whom they must be.
   */
  readonly archived?: { readonly by: string; readonly id: string; readonly at?: Date };
}

/** Where a message was said, by whom, and when: the same for everything that it says. */
export interface Place {
  readonly conversation: string;
  readonly conversationKind: ConversationKind;
  readonly author: InboundParty;
  readonly origin: Origin;
  readonly mode: Mode;
  readonly at: Date;
  /** The ids that its sender chose for it. */
  readonly chosen: readonly string[];
  /** The id of ours that it bears, where it is our own. */
  readonly wireId?: string;
  /** Said to a room, by the room itself: a notice. */
  readonly byRoom: boolean;
}

/** Where a message belongs; undefined for what is said nowhere: an error, or by nobody that can be named. */
export function placeOf(
  message: Element,
  { self, domain, rooms, ...when }: Circumstances,
): Place | undefined {
  const { type } = message.attrs;
  // Without a from it is from our own account (RFC 6120 §8.1.2.1).
  const from = message.attrs['from'] === undefined ? self : addressOf(message.attrs['from']);
  const speaker = bareOf(from);
  if (type === 'error' || from === undefined || speaker === undefined) return undefined;
  const inRoom = rooms.isRoom(speaker);
  const nick = resourceOf(from);
  const chosen = chosenIn(message);
  const where = ():
    { conversation: string; kind: ConversationKind; own: boolean; author: InboundParty } | undefined => {
    if (type === 'groupchat') {
      // What says so and comes from no room that we are in is from somebody who would like to be one.
      if (!inRoom) return undefined;
      const own = nick !== undefined && nick === rooms.nickIn(speaker);
      return { conversation: speaker, kind: 'room', own, author: occupant(message, rooms, speaker, from) };
    }
    if (speaker === self) {
      const to = message.attrs['to'] === undefined ? self : addressOf(message.attrs['to']);
      const peer = bareOf(to);
      if (to === undefined || peer === undefined) return undefined;
      const conversation = rooms.isRoom(peer) ? to : peer;
      return { conversation, kind: 'direct', own: true, author: { address: self, kind: 'stable' } };
    }
    // In private, or the room itself.
    if (inRoom) {
      const kind = nick === undefined ? 'room' : 'direct';
      return { conversation: from, kind, own: false, author: occupant(message, rooms, speaker, from) };
    }
    return {
      conversation: speaker,
      kind: 'direct',
      own: false,
      author: { address: speaker, kind: 'stable' },
    };
  };
  const found = where();
  if (found === undefined) return undefined;
  const { conversation, kind, own, author } = found;
  const wireId = own ? chosen.find((id) => parseWireId(id) !== undefined) : undefined;
  const said =
    when.archived?.at ?? delayedAt(message, new Set([self, domain, speaker, bareOf(domainOf(speaker))]));
  // What was kept for us while we were away is caught up with, whoever kept it.
  const mode = when.mode === 'live' && said !== undefined ? 'catch-up' : when.mode;
  return {
    conversation,
    conversationKind: kind,
    author,
    origin: !own ? 'remote' : wireId === undefined ? 'other-device' : 'own',
    mode,
    at: said ?? when.now,
    chosen,
    ...(wireId !== undefined && { wireId }),
    byRoom: inRoom && nick === undefined,
  };
}

/** Whoever speaks in a room: a nick is held by whoever holds it now. */
function occupant(message: Element, rooms: KnownRooms, room: string, from: string): InboundParty {
  const name = resourceOf(from);
  if (name === undefined) return { address: room, kind: 'stable' };
  return rooms.party?.(room, from, occupantIdIn(message)) ?? { address: from, kind: 'transient', name };
}

function domainOf(bare: string): string {
  return bare.slice(bare.indexOf('@') + 1);
}

/** The ids that a sender chose: the one made to last first (XEP-0359), then the stanza's. */
function chosenIn(message: Element): readonly string[] {
  return [...new Set([originIdIn(message), attribute(message, 'id')])].filter((id) => id !== undefined);
}

/** When a message was first sent, by the word of those who may have kept it; or of nobody, which is as good. */
function delayedAt(message: Element, keepers: ReadonlySet<string | undefined>): Date | undefined {
  return delaysIn(message).find(({ from }) => from === undefined || keepers.has(bareOf(from)))?.at;
}

export type Said = InboundMessage | InboundChange | InboundReceipt;

/**
 * What a message tells the house: something said, or something done to what was said; of what we did ourselves that it has
 * come to pass. Receipts of others, markers and who is writing are not told here: they are about this moment.
 */
export function eventsOf(message: Element, how: Circumstances): readonly Said[] {
  const place = placeOf(message, how);
  return place === undefined ? [] : saidIn(message, place, how);
}

/** The same, where the place is known already. */
export function saidIn(message: Element, place: Place, how: Circumstances): readonly Said[] {
  const { account, self, archived } = how;
  const { conversation, conversationKind, author, origin, mode, at, wireId, byRoom } = place;
  const isRoom = conversationKind === 'room';
  const common = {
    account,
    conversation,
    conversationKind,
    author,
    origin,
    mode,
    at,
    ...(wireId !== undefined && { wireId }),
  };
  /** What others name a message by: in a room the id that the room gave it, else the one that its sender chose (XEP-0461 §4.1). */
  const named = (id: string): RemoteId => (isRoom ? givenId(conversation, id) : chosenId(conversation, id));
  // Of our own act the house knows more than what comes back of it.
  const change = (type: InboundChange['type'], target: RemoteId, more: Partial<InboundChange> = {}): Said =>
    wireId === undefined
      ? { type, ...common, target, ...more }
      : { type: 'receipt', account, about: { wireId }, state: 'sent', at };

  if (archived !== undefined && tombstoneIn(message) !== undefined) {
    return [change('retraction', givenId(archived.by, archived.id), { vouched: true })];
  }
  const moderated = moderationIn(message);
  if (moderated !== undefined) {
    // Nobody but the room may say so.
    if (!isRoom || !byRoom) return [];
    const by = addressOf(moderated.by);
    const moderator =
      by !== undefined && bareOf(by) === conversation
        ? occupant(message, how.rooms, conversation, by)
        : author;
    return [change('retraction', givenId(conversation, moderated.id), { author: moderator, vouched: true })];
  }
  const retracted = retractedIn(message);
  if (retracted !== undefined) return [change('retraction', named(retracted))];
  const reactions = reactionsIn(message);
  if (reactions !== undefined)
    return [change('reaction', named(reactions.id), { reactions: reactions.emojis })];

  const content = contentOf(message, byRoom || message.attrs['type'] === 'headline');
  if (content === undefined) return [];
  const corrected = correctedIn(message);
  if (corrected !== undefined) return [change('edit', chosenId(conversation, corrected), { content })];
  const given =
    archived === undefined
      ? givenIn(message, isRoom ? conversation : self)
      : givenId(archived.by, archived.id);
  const reply = replyIn(message);
  return [
    {
      type: 'message',
      ...common,
      content,
      ...bearing([given, ...place.chosen.map((id) => chosenId(conversation, id))]),
      ...(reply !== undefined && { replyTo: named(reply.id) }),
    },
  ];
}

function givenIn(message: Element, by: string): RemoteId | undefined {
  const id = stanzaIdIn(message, (jid) => bareOf(jid) === by);
  return id === undefined ? undefined : givenId(by, id);
}
