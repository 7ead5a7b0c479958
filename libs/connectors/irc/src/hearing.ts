/*
 * Facts in, house events out: what everybody else does, and what comes back of what we did. One per connection.
 */
import { parseWireId, type InboundParty, type InboundRoom, type SessionContext } from '#connector';
import { unreachable, type AccountId, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Absence } from './absence.js';
import type { Batches } from './batches.js';
import { fold } from './case-mapping.js';
import type { Circumstance, Fact, Source } from './from-irc.js';
import type { Inlet } from './inlet.js';
import { accountAddress, addressOf } from './irc.addresses.js';
import { sameName, type Network } from './network.js';
import type { Rooms } from './rooms.js';
import type { Self } from './self.js';
import type { Sending } from './sending.js';

/** Nicks whose absence we have told, so that their leaving is told too. */
const mostWatched = 5_000;

/** What belongs to the connection itself and not to what is said on it. */
export type OwnFact = Extract<Fact, { fact: 'ping' | 'pong' | 'welcome-end' | 'ending' }>;

export interface HearingParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly inlet: Inlet;
  readonly absence: Absence;
  readonly network: () => Network;
  readonly self: Self;
  readonly rooms: Rooms;
  readonly sending: Sending;
  readonly batches: Batches;
  readonly echoes: () => boolean;
  readonly rejoinMs: number;
  /** We have another nick now. */
  readonly renamed: () => void;
  /** Somebody gave up a nick. */
  readonly freed: (nick: string) => void;
  /** A room may be tried again later. */
  readonly tryLater: () => void;
}

export class Hearing {
  readonly #parts: HearingParts;
  readonly #away = new Set<string>();
  /** Since when a room was missed, for telling catch-up from older history. */
  readonly #missedSince = new Map<string, number>();

  constructor(parts: HearingParts) {
    this.#parts = parts;
  }

  hear(fact: Exclude<Fact, OwnFact>, message: IrcMessage, circumstance: Circumstance): void {
    const { self, rooms, sending, batches } = this.#parts;
    const at = new Date(circumstance.at ?? this.#parts.context.clock.now());
    const label = batches.labelOf(message);
    switch (fact.fact) {
      case 'said':
        this.#said(fact, message, at, label);
        return;
      case 'failed':
        this.#failed(fact, at, label);
        return;
      case 'batch-open':
        batches.open(fact.ref, fact.type, circumstance.label, circumstance.batch);
        return;
      case 'batch-close': {
        const about = batches.close(fact.ref);
        if (about !== undefined) sending.ledger.labelled(about)?.answered({ kind: 'taken' });
        return;
      }
      case 'ack':
        break;
      case 'joined':
        this.#joined(fact, at);
        break;
      case 'parted':
        if (self.is(fact.who.nick)) this.#leave(fact.channel, at, {});
        else if (fact.who.nick !== undefined) rooms.went(fact.channel, fact.who.nick);
        break;
      case 'kicked':
        this.#kicked(fact, at);
        break;
      case 'quit':
        if (fact.who.nick !== undefined && !self.is(fact.who.nick)) this.#quit(fact.who.nick);
        break;
      case 'renamed':
        if (fact.who.nick !== undefined) this.#renamed(fact.who.nick, fact.who, fact.to, at);
        break;
      case 'topic':
        this.#room(fact.channel, at, {
          topic: fact.topic,
          ...(fact.by?.nick !== undefined && {
            by: this.#party(fact.by, fact.by.nick),
            act: 'topic' as const,
          }),
        });
        break;
      case 'names':
        rooms.names(fact.channel, fact.members);
        break;
      case 'names-end':
        rooms.namesEnd(fact.channel);
        break;
      case 'modes':
        rooms.modes(fact.channel, fact.changes);
        if (fact.by.nick !== undefined) {
          this.#room(fact.channel, at, {
            by: this.#party(fact.by, fact.by.nick),
            act: fact.changes.some(({ mode }) => mode === 'b') ? 'ban' : 'mode',
            detail: fact.raw,
          });
        }
        break;
      case 'away':
        this.#presence(fact.nick, fact.note, at);
        break;
      case 'host':
        if (self.is(fact.nick)) self.shownAs(fact.user, fact.host);
        break;
      default:
        unreachable(fact);
    }
    // A labelled line that is neither echo nor refusal nor batch: the server has taken ours.
    if (circumstance.label !== undefined) this.answered(circumstance.label);
  }

  /** The server answered a labelled line with something that means nothing to us: it took it. */
  answered(label: string): void {
    this.#parts.sending.ledger.labelled(label)?.answered({ kind: 'taken' });
  }

  /** A room could not be entered. */
  roomFailed(channel: string, failure: Failure, at = new Date(this.#parts.context.clock.now())): void {
    if (failure.remedy === 'retry') this.#parts.tryLater();
    this.#room(channel, at, { joined: false, failure });
  }

  #said(
    fact: Extract<Fact, { fact: 'said' }>,
    message: IrcMessage,
    at: Date,
    label: string | undefined,
  ): void {
    const { self, rooms, sending, inlet, account, batches, echoes } = this.#parts;
    const { nick } = fact.from;
    // The server's own notices are about the connection, not to anybody.
    if (nick === undefined) return;
    const own = self.is(nick);
    if (own) self.saw(fact.from);
    const toSelf = fact.channel === undefined && self.is(fact.to);
    const verb = fact.how === 'notice' ? 'NOTICE' : 'PRIVMSG';
    const wireId = own
      ? (sending.echoed(verb, fact.channel ?? fact.to, label) ?? ourLabel(label))
      : undefined;
    // What we say to ourselves comes as an echo and as a message: the echo is it.
    if (own && toSelf && wireId === undefined && echoes()) return;
    if (fact.text === '' && wireId === undefined) return;
    const other = own ? fact.to : nick;
    const conversation = fact.channel === undefined ? addressOf(other) : rooms.addressOf(fact.channel);
    inlet.push({
      type: 'message',
      account,
      conversation,
      conversationKind: fact.channel === undefined ? 'direct' : 'room',
      author: this.#party(fact.from, nick),
      content: {
        text: fact.text,
        ...(fact.how === 'emote' && { emote: true }),
        ...(fact.how === 'notice' && { notice: true }),
      },
      origin: !own ? 'remote' : wireId === undefined ? 'other-device' : 'own',
      mode: batches.isPlayback(message) ? this.#playback(conversation, at) : 'live',
      at,
      ...(fact.msgid !== undefined && {
        remoteId: { scope: 'msgid', id: fact.msgid, by: 'network' as const },
      }),
      ...(wireId !== undefined && { wireId }),
    });
  }

  /** Played back: what was said while we were away is caught up with, what is older is history. */
  #playback(conversation: string, at: Date): 'catch-up' | 'history' {
    const since = this.#missedSince.get(conversation);
    return since !== undefined && at.getTime() >= since ? 'catch-up' : 'history';
  }

  #failed(fact: Extract<Fact, { fact: 'failed' }>, at: Date, label: string | undefined): void {
    const { rooms, sending, context, network, rejoinMs } = this.#parts;
    const refused = { kind: 'refused', failure: fact.failure } as const;
    const entry = label === undefined ? undefined : sending.ledger.labelled(label);
    if (entry) {
      entry.answered(refused);
      return;
    }
    if (rooms.refused(fact.about, fact.failure, context.clock.monotonic(), rejoinMs)) {
      this.roomFailed(fact.about, fact.failure, at);
      return;
    }
    sending.ledger.refused(fold(fact.about, network().caseMapping))?.answered(refused);
  }

  #joined(fact: Extract<Fact, { fact: 'joined' }>, at: Date): void {
    const { self, rooms, absence, inlet, account, context } = this.#parts;
    const { nick } = fact.who;
    if (nick === undefined) return;
    if (!self.is(nick)) {
      rooms.came(fact.channel, nick);
      return;
    }
    self.saw(fact.who);
    if (!rooms.entered(fact.channel)) return;
    const conversation = rooms.addressOf(fact.channel);
    const since = absence.entered(conversation);
    this.#room(fact.channel, at, {
      joined: true,
      ...(fact.channel !== conversation && { name: fact.channel }),
    });
    if (since === undefined) return;
    this.#missedSince.set(conversation, since);
    const until = context.clock.now();
    if (since >= until) return;
    inlet.push({
      type: 'gap',
      account,
      conversation,
      from: new Date(since),
      until: new Date(until),
      reason: 'The connection was lost, and IRC keeps nothing for those who are away.',
    });
  }

  #kicked(fact: Extract<Fact, { fact: 'kicked' }>, at: Date): void {
    const { self, rooms } = this.#parts;
    const told = {
      act: 'kick' as const,
      detail: fact.reason === undefined ? fact.who : `${fact.who}: ${fact.reason}`,
      ...(fact.by.nick !== undefined && { by: this.#party(fact.by, fact.by.nick) }),
    };
    if (self.is(fact.who)) {
      this.#leave(fact.channel, at, told);
    } else {
      rooms.went(fact.channel, fact.who);
      this.#room(fact.channel, at, told);
    }
  }

  #leave(channel: string, at: Date, told: Partial<InboundRoom>): void {
    const { rooms, absence } = this.#parts;
    // Out of where we never were: that would be a row for every name a server can think of.
    if (!rooms.isIn(channel)) return;
    absence.left(rooms.addressOf(channel));
    this.#room(channel, at, { joined: false, ...told });
    rooms.left(channel);
  }

  #quit(nick: string): void {
    const { rooms, context, account, freed } = this.#parts;
    rooms.quit(nick);
    const address = addressOf(nick);
    if (this.#away.delete(address)) context.presence(account, address, { presence: 'offline' });
    freed(nick);
  }

  #renamed(from: string, source: Source, to: string, at: Date): void {
    const { self, rooms, inlet, account, renamed, freed, network } = this.#parts;
    rooms.renamed(from, to);
    if (self.is(from)) {
      self.saw(source);
      self.named(to);
      renamed();
      return;
    }
    if (this.#away.delete(addressOf(from))) this.#away.add(addressOf(to));
    inlet.push({
      type: 'identity',
      account,
      party: this.#party({ ...source, nick: to }, to),
      formerly: addressOf(from),
      at,
    });
    if (!sameName(network(), from, to)) freed(from);
  }

  #presence(nick: string, note: string | undefined, at: Date): void {
    const { context, account, self } = this.#parts;
    if (self.is(nick)) return;
    const address = addressOf(nick);
    const since = at.toISOString();
    if (this.#away.size < mostWatched) this.#away.add(address);
    context.presence(
      account,
      address,
      note === undefined ? { presence: 'available', since } : { presence: 'away', note, since },
    );
  }

  #room(channel: string, at: Date, told: Partial<InboundRoom>): void {
    const { inlet, account, rooms } = this.#parts;
    inlet.push({
      type: 'room',
      account,
      conversation: rooms.addressOf(channel),
      conversationKind: 'room',
      at,
      ...told,
    });
  }

  #party(source: Source, nick: string): InboundParty {
    const address = addressOf(nick);
    return {
      address,
      kind: 'transient',
      ...(nick !== address && { name: nick }),
      ...(source.account !== undefined && { stableAddress: accountAddress(source.account) }),
    };
  }
}

/** A label that is one of our wire ids: an echo that comes after we gave up on it still completes its part. */
function ourLabel(label: string | undefined): string | undefined {
  return label !== undefined && parseWireId(label) !== undefined ? label : undefined;
}
