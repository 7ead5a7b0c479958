/*
 * Facts in, house events out: what everybody else does, and what comes back of what we did. One per connection.
 */
import type { InboundRoom } from '#connector';
import { unreachable, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Absence } from './absence.js';
import { fold } from './case-mapping.js';
import type { Circumstance, Fact, Source } from './from-irc.js';
import { addressOf } from './irc.addresses.js';
import { sameName, type Network } from './network.js';
import type { Past } from './past.js';
import { Talk, type TalkParts } from './talk.js';

/** What belongs to the connection itself and not to what is said on it. */
export type OwnFact = Extract<Fact, { fact: 'ping' | 'pong' | 'welcome-end' | 'ending' }>;

export interface HearingParts extends TalkParts {
  readonly absence: Absence;
  readonly network: () => Network;
  /** What was missed before we came back, and what is played back. */
  readonly past: Pick<Past, 'entered' | 'left'>;
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

  readonly #talk: Talk;

  constructor(parts: HearingParts) {
    this.#parts = parts;
    this.#talk = new Talk(parts);
  }

  hear(fact: Exclude<Fact, OwnFact>, message: IrcMessage, circumstance: Circumstance): void {
    const { people } = this.#parts;
    const at = new Date(circumstance.at ?? this.#parts.context.clock.now());
    people.before(fact, message, at);
    this.#hear(fact, message, circumstance, at);
    people.after(fact, message);
  }

  #hear(fact: Exclude<Fact, OwnFact>, message: IrcMessage, circumstance: Circumstance, at: Date): void {
    const { self, rooms, sending, batches } = this.#parts;
    const label = batches.labelOf(message);
    switch (fact.fact) {
      case 'said':
      case 'ctcp':
      case 'tagged':
      case 'redacted':
        this.#talk.hear(fact, message, circumstance);
        return;
      case 'failed':
        this.#failed(fact, at, label);
        return;
      case 'batch-open':
        batches.open(fact.ref, fact.type, circumstance.label, circumstance.batch);
        this.#talk.opened(fact.ref, fact.type, message, circumstance);
        return;
      case 'batch-close': {
        this.#talk.closed(fact.ref);
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
            by: this.#parts.people.party(fact.by, fact.by.nick),
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
            by: this.#parts.people.party(fact.by, fact.by.nick),
            act: fact.changes.some(({ mode }) => mode === 'b') ? 'ban' : 'mode',
            detail: fact.raw,
          });
        }
        break;
      case 'away':
        this.#parts.people.away(fact.nick, fact.note, at, message.command === '301');
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

  /** The connection is over. */
  close(): void {
    this.#talk.close();
  }

  /** A room could not be entered. */
  roomFailed(channel: string, failure: Failure, at = new Date(this.#parts.context.clock.now())): void {
    if (failure.remedy === 'retry') this.#parts.tryLater();
    this.#room(channel, at, { joined: false, failure });
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
    const about = fold(fact.about, network().caseMapping);
    const unlabelled = sending.ledger.refused(about, fact.numeric);
    // Nothing to say (411, 412) and too long a line (417) name nobody.
    const blind = ['411', '412', '417'].includes(fact.numeric);
    (unlabelled ?? (blind ? sending.ledger.only() : undefined))?.answered(refused);
  }

  #joined(fact: Extract<Fact, { fact: 'joined' }>, at: Date): void {
    const { self, rooms, absence, past } = this.#parts;
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
    past.entered(fact.channel, conversation, at, since);
  }

  #kicked(fact: Extract<Fact, { fact: 'kicked' }>, at: Date): void {
    const { self, rooms } = this.#parts;
    const told = {
      act: 'kick' as const,
      detail: fact.reason === undefined ? fact.who : `${fact.who}: ${fact.reason}`,
      ...(fact.by.nick !== undefined && { by: this.#parts.people.party(fact.by, fact.by.nick) }),
    };
    if (self.is(fact.who)) {
      this.#leave(fact.channel, at, told);
    } else {
      rooms.went(fact.channel, fact.who);
      this.#room(fact.channel, at, told);
    }
  }

  #leave(channel: string, at: Date, told: Partial<InboundRoom>): void {
    const { rooms, absence, past } = this.#parts;
    // Out of where we never were: that would be a row for every name a server can think of.
    if (!rooms.isIn(channel)) return;
    absence.left(rooms.addressOf(channel));
    past.left(rooms.addressOf(channel));
    this.#room(channel, at, { joined: false, ...told });
    rooms.left(channel);
  }

  #quit(nick: string): void {
    const { rooms, freed } = this.#parts;
    rooms.quit(nick);
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
    inlet.push({
      type: 'identity',
      account,
      party: this.#parts.people.party({ ...source, nick: to }, to),
      formerly: addressOf(from),
      at,
    });
    this.#parts.receiving.renamed(from, to);
    if (!sameName(network(), from, to)) freed(from);
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
}
