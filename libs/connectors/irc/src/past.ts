/*
 * The past of one connection, in one place: what is played back is told from what happens now, what was missed is caught
 * up with, what is older is fetched when asked for. It stands on both sides of the hearing: it sees each line before, and
 * what the hearing makes of it after (`inlet`).
 */
import type { HistoryAsk, HistoryOutcome, InboundEvent, SessionContext } from '#connector';
import type { Inlet } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import type { Absence } from './absence.js';
import type { Batches } from './batches.js';
import { CatchUp } from './catch-up.js';
import { ChatHistory, keepsHistory, type Question } from './chat-history.js';
import type { Cursors } from './cursors.js';
import { askHistory } from './deep-history.js';
import { circumstanceOf } from './from-irc.js';
import { accountAddress, addressOf, wireTarget } from './irc.addresses.js';
import { Markers } from './markers.js';
import { channelIn, sameName, type Network } from './network.js';
import type { Outbox } from './outbox.js';
import { isBouncer, isBouncerTalk, isCtcp, Playback, TimeIds } from './playback.js';
import type { Rooms } from './rooms.js';
import type { Self } from './self.js';
import { command } from './to-irc.js';

export interface PastParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  /** The services account that is ours, where we have one. */
  readonly ownAccount: string | undefined;
  readonly inlet: Inlet;
  readonly absence: Absence;
  readonly cursors: Cursors;
  readonly batches: Batches;
  readonly outbox: Outbox;
  readonly rooms: Rooms;
  readonly self: Self;
  readonly network: () => Network;
  readonly has: (capability: string) => boolean;
  readonly offered: (capability: string) => boolean;
  readonly answerMs: number;
  readonly flush: () => void;
}

/** What tells an event's place and time apart from events that have none. */
type Spoken = Extract<InboundEvent, { readonly mode: unknown }>;

const lost = 'The connection was lost, and IRC keeps nothing for those who are away.';

export class Past {
  readonly #parts: PastParts;
  readonly #history: ChatHistory;
  readonly #catchUp: CatchUp;
  readonly #markers: Markers;
  readonly #playback = new Playback();
  readonly #liveIds = new TimeIds();
  #playedIds = new TimeIds();
  /** When the last connection heard its last; undefined where there was none. */
  readonly #lastHeard: number | undefined;
  /** The server's time when it let us in, where it told any, else ours. */
  #welcomedAt: number | undefined;
  /** What the line that is being heard is. */
  #line:
    | {
        readonly question?: Question;
        readonly played: boolean;
        readonly timed: boolean;
        readonly to: string;
      }
    | undefined;

  /** Where the hearing tells what it has heard. */
  readonly inlet: Pick<Inlet, 'push'> = {
    push: (event) => {
      this.#push(event);
    },
  };

  constructor(parts: PastParts) {
    this.#parts = parts;
    const { context, account, inlet, cursors, outbox, network, self, rooms } = parts;
    this.#lastHeard = parts.absence.lastHeard;
    this.#history = new ChatHistory({
      outbox,
      clock: context.clock,
      answerMs: parts.answerMs,
      deaf: () => inlet.isFull,
      labels: () => parts.has('labeled-response'),
      same: (one, other) => sameName(network(), one, other),
    });
    this.#markers = new Markers({
      context,
      account,
      inlet,
      outbox,
      offered: () => parts.has('draft/read-marker'),
      conversationOf: (name) =>
        channelIn(network(), name) === undefined ? addressOf(name) : rooms.addressOf(name),
    });
    this.#catchUp = new CatchUp({
      account,
      inlet,
      cursors,
      history: this.#history,
      network,
      lastHeard: this.#lastHeard,
      isSelf: (nick) => self.is(nick),
      flush: parts.flush,
      done: (conversation, name) => {
        this.#markers.caughtUp(conversation, name);
      },
    });
  }

  /** Whether the server can be asked what was said before. */
  get isAskable(): boolean {
    return keepsHistory(this.#parts.has);
  }

  /** Hears a line: `rest` makes of it what it means, unless it is about the past alone. */
  hear(message: IrcMessage, rest: () => void): void {
    const { batches, context } = this.#parts;
    if (this.#markers.take(message)) return;
    const question = this.#history.take(message);
    if (question === true || isBouncerTalk(message)) return;
    const { at } = circumstanceOf(message);
    // Equal messages are counted from the beginning of each batch: pages overlap.
    if (message.command === 'BATCH' && message.tags['batch'] === undefined) this.#playedIds = new TimeIds();
    // A server that is asked for the past plays back nothing by itself.
    const mayBeOld = !this.isAskable && (message.command === 'PRIVMSG' || message.command === 'NOTICE');
    const played =
      question !== undefined ||
      batches.isPlayback(message) ||
      (mayBeOld && this.#playback.isOld(at, context.clock.monotonic()));
    if (played && (isCtcp(message) || !mayBePlayed.has(message.command))) return;
    this.#line = {
      played,
      timed: at !== undefined,
      to: message.params[0] ?? '',
      ...(question && { question }),
    };
    rest();
    this.#line = undefined;
  }

  /** We are registered. */
  welcomed(message: IrcMessage): void {
    const { clock } = this.#parts.context;
    const { at } = circumstanceOf(message);
    this.#welcomedAt = at ?? clock.now();
    this.#playback.came(this.#welcomedAt, clock.monotonic());
  }

  /** We are online: who has written meanwhile? */
  begin(): void {
    const { has, outbox, context } = this.#parts;
    if (this.isAskable) {
      this.#catchUp.begin(this.#welcomedAt ?? context.clock.now());
    } else if (has('znc.in/playback')) {
      const since = this.#lastHeard === undefined ? 0 : Math.max(0, this.#lastHeard / 1_000 - 1);
      outbox.control({ line: command('PRIVMSG', '*playback', `PLAY * ${since.toFixed(3)}`) });
    }
  }

  /** We are in a room, and know nothing of it since a moment. */
  entered(name: string, conversation: string, at: Date, since: number | undefined): void {
    const { offered, has, account, inlet, context } = this.#parts;
    if (this.isAskable) {
      this.#catchUp.entered(name, conversation, at.getTime(), since);
      return;
    }
    // It was there meanwhile, and plays back what it has kept.
    if (since === undefined || isBouncer((cap) => offered(cap) || has(cap))) return;
    const until = context.clock.now();
    if (since >= until) return;
    inlet.push({
      type: 'gap',
      account,
      conversation,
      from: new Date(since),
      until: new Date(until),
      reason: lost,
    });
  }

  /** We are out of a room for good. */
  left(conversation: string): void {
    this.#catchUp.left(conversation);
  }

  /** What is older, for whoever asks. */
  async ask(ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    const target = wireTarget(ask.conversation);
    if (target === undefined) return { outcome: 'refused', failure: failure('not-found') };
    if (!this.isAskable) {
      return { outcome: 'refused', failure: failure('unsupported', 'This server keeps no history.') };
    }
    return askHistory(this.#history, this.#parts.network(), target, ask, signal);
  }

  /** Our person has read up to a moment. */
  read(conversation: string, at: Date): void {
    const target = wireTarget(conversation);
    if (target !== undefined) this.#markers.read(conversation, target, at.getTime());
  }

  /** The connection is over. */
  close(why: Failure): void {
    const { absence } = this.#parts;
    this.#history.close(why);
    for (const { conversation, since } of this.#catchUp.close()) absence.missingSince(conversation, since);
  }

  #push(event: InboundEvent): void {
    const { inlet } = this.#parts;
    if (!('mode' in event)) {
      inlet.push(event);
      return;
    }
    const { question, played = false, timed = false } = this.#line ?? {};
    // Nobody speaks in a list of who has written.
    if (question?.verb === 'TARGETS') return;
    if (question?.use === 'history') {
      this.#history.gather(this.#identified({ ...this.#ours(event, question), mode: 'history' }, true));
      return;
    }
    if (question !== undefined) {
      inlet.push(this.#identified({ ...this.#ours(event, question), mode: 'catch-up' }, true));
      return;
    }
    if (played) {
      inlet.push(this.#identified({ ...event, mode: this.#modeOf(event.at) }, true));
      return;
    }
    inlet.push(this.#identified(event, timed));
    if (event.type !== 'message' || !this.isAskable) return;
    const { remoteId, conversation, conversationKind, at } = event;
    this.#catchUp.heard(conversation, conversationKind === 'direct', {
      at: at.getTime(),
      ...(remoteId?.scope === 'msgid' && { msgid: remoteId.id }),
    });
  }

  /** Played back by a bouncer: said while we were away, or older than that. */
  #modeOf(at: Date): 'catch-up' | 'history' {
    return this.#lastHeard !== undefined && at.getTime() >= this.#lastHeard - 1_000 ? 'catch-up' : 'history';
  }

  /**
   * In an archive we, and whom we speak with, may bear nicks that are others' now. What was said to the other is ours,
   * and so is what the network vouches for as said under our account.
   */
  #ours(event: Spoken, { target }: Question): Spoken {
    const { network, ownAccount } = this.#parts;
    const { author, origin } = event;
    const isRoom = channelIn(network(), target) !== undefined;
    const isDirect = !isRoom && event.conversationKind === 'direct';
    const conversation = isDirect ? addressOf(target) : event.conversation;
    const own =
      origin !== 'remote' ||
      (ownAccount !== undefined && author.stableAddress === accountAddress(ownAccount)) ||
      (isDirect && author.address !== conversation && sameName(network(), this.#line?.to ?? '', target));
    return { ...event, conversation, origin: own ? 'other-device' : 'remote' };
  }

  /** With an id by its time, where the server gave none. */
  #identified(event: Spoken, timed: boolean): Spoken {
    if (event.type !== 'message' || event.remoteId !== undefined || !timed) return event;
    const ids = this.#line?.played === true ? this.#playedIds : this.#liveIds;
    return { ...event, remoteId: ids.of(event) };
  }
}

/** What may be played back and mean something: what was said, and the batches around it. */
const mayBePlayed: ReadonlySet<string> = new Set(['PRIVMSG', 'NOTICE', 'TAGMSG', 'REDACT', 'BATCH']);
