import {
  type Admission,
  type Admits,
  type AttachedAccount,
  type CallName,
  type CallOrder,
  type CloseReason,
  type DesiredContact,
  type DesiredRoom,
  type Edits,
  type EndOutcome,
  type HasHistory,
  type HistoryAsk,
  type HistoryOutcome,
  type HasRooms,
  type JsonObject,
  type KeepsRoster,
  type LinkSettings,
  type MarksRead,
  type Occupant,
  type OutboundEnvelope,
  type Paces,
  type Place,
  type PlaceOutcome,
  type PlacesCalls,
  type Reacts,
  type RequestOutcome,
  type ResolvesUnknown,
  type Retracts,
  type SendOutcome,
  type Session,
  type SessionContext,
  type SessionRequest,
  type SetsPresence,
  type ShowsTyping,
  type TakesIngress,
  type TakesRequests,
} from '#connector';
import {
  failure,
  unreachable,
  type AccountId,
  type Capabilities,
  type Failure,
  type PresenceState,
  type SessionState,
} from '#model';
import { Asks } from './asks.js';
import { Departures } from './departures.js';
import { fromLoopback, remoteIdOf } from './from-loopback.js';
import { FileInbox, type Arrived } from './file-inbox.js';
import { Inlet } from './inlet.js';
import type { ClientFrame } from './loopback.frames.js';
import { isCanonical } from './loopback.addresses.js';
import { Link, type NameFrame } from './loopback.link.js';
import { readSettings, type LoopbackSettings } from './loopback.settings.js';
import { messageOf } from './loopback.webhooks.js';
import { Seat, type SeatHost } from './seat.js';
import { toLoopback } from './to-loopback.js';

/** How long a leaving account waits for what it has in flight. */
const detachMs = 4_500;
/** By when a provider's word has to be on its way into the tables. */
const takeInMs = 5_000;
/** Departures awaiting their answer; past it a send is told to come later. */
const mostInFlight = 4_096;

/** One connection, the names that are attached to it, and what is under way on it. */
export class LoopbackSession
  implements
    Session,
    SeatHost,
    HasRooms,
    KeepsRoster,
    Admits,
    PlacesCalls,
    SetsPresence,
    ShowsTyping,
    Paces,
    TakesRequests,
    HasHistory,
    MarksRead,
    TakesIngress,
    Edits,
    Retracts,
    Reacts
{
  readonly edits = true;
  readonly retracts = true;
  readonly reacts = true;
  readonly keepsRoster = true;
  readonly requestKinds = ['list-rooms', 'topic', 'kick', 'invite', 'whois'];
  readonly settings: LoopbackSettings;
  private readonly seats = new Map<AccountId, Seat>();
  private readonly byName = new Map<string, Seat>();
  private readonly leaving = new Map<string, () => void>();
  private readonly inlet: Inlet;
  private readonly fileInbox: FileInbox;
  /** Why the transport is paused: too much waits for storage, or a file is being taken in. */
  private readonly paused = { inlet: false, file: false };
  private readonly departures: Departures;
  protected readonly asks: Asks;
  private readonly link: Link;
  /** Seats whose inbox is kept further than was acknowledged. */
  private readonly grown = new Set<Seat>();
  private closed: Promise<void> | undefined;

  constructor(
    link: LinkSettings,
    readonly context: SessionContext,
    readonly capabilities: Capabilities,
    readonly scope: string,
  ) {
    const settings = readSettings(link.settings);
    this.settings = settings;
    this.asks = new Asks(context.clock, settings.answerMs);
    this.departures = new Departures(context.clock, settings.answerMs, (receipts) => {
      this.inlet.take(receipts.map((event) => ({ event })));
    });
    this.link = new Link(settings, context, {
      state: (state) => {
        for (const { id } of this.seats.values()) context.state(id, state);
      },
      up: () => {
        for (const seat of this.seats.values()) this.link.writeSoon(seat.attachFrame());
      },
      frames: (frames) => {
        this.frames(frames);
      },
      drained: () => {
        this.wake();
      },
      down: (why) => {
        this.down(why);
      },
    });
    this.inlet = new Inlet(context, {
      pressure: (high) => {
        this.pause('inlet', high);
      },
      answered: () => {
        for (const seat of this.grown) seat.acknowledge();
        this.grown.clear();
      },
      inDoubt: () => {
        this.link.drop(failure('storage-unavailable'));
      },
      fenced: () => {
        void this.close('fenced');
      },
      checkpoint: (account) => this.seats.get(account)?.checkpoint(),
    });
    this.fileInbox = new FileInbox(
      context.files,
      (items) => {
        if (this.link.isUp) this.inlet.take(items);
      },
      (on) => {
        this.pause('file', on);
      },
    );
  }

  attach(account: AttachedAccount): void {
    if (this.link.isOver) return;
    const seat = new Seat(account, this);
    if (this.byName.has(seat.name)) {
      const why = failure('name-in-use', 'Another account of this link has the same address.');
      this.context.state(account.id, needsPerson(why));
      return;
    }
    this.seats.set(seat.id, seat);
    this.byName.set(seat.name, seat);
    if (this.link.isUp) {
      this.context.state(seat.id, { state: 'connecting' });
      this.link.writeSoon(seat.attachFrame());
    } else if (this.link.state.state !== 'offline') this.context.state(seat.id, this.link.state);
  }

  async detach(account: AccountId): Promise<void> {
    const seat = this.seats.get(account);
    if (!seat || seat.leaving || this.link.isOver) return;
    seat.leaving = true;
    if (seat.online) {
      // Everything on one connection is answered in order: when this is answered, so is all that left before.
      await new Promise<void>((done) => {
        const cancel = this.context.clock.after(detachMs, done);
        this.leaving.set(seat.name, () => {
          cancel();
          done();
        });
        this.write({ t: 'detach', as: seat.name });
      });
      this.leaving.delete(seat.name);
    }
    this.departures.dropAccount(account, failure('timeout'));
    this.seats.delete(account);
    this.byName.delete(seat.name);
    if (this.mayTouch()) this.context.state(account, { state: 'offline' });
  }

  connect(): void {
    this.link.connect();
  }

  close(reason: CloseReason): Promise<void> {
    this.closed ??= this.shut(reason);
    return this.closed;
  }

  send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const seat = this.seats.get(envelope.account);
    const now = this.context.clock.monotonic();
    const later = (
      code: 'network-unreachable' | 'rate-limited',
      retryAfterMs: number,
    ): Promise<SendOutcome> => Promise.resolve({ outcome: 'later', retryAfterMs, failure: failure(code) });
    if (!this.link.isUp || seat?.online !== true || seat.leaving) {
      return later('network-unreachable', this.link.retryInMs);
    }
    const translated = toLoopback(envelope, seat.name, this.settings.maxTextBytes);
    if ('failure' in translated) return Promise.resolve({ outcome: 'refused', failure: translated.failure });
    if (signal.aborted) return later('rate-limited', 0);
    if (this.link.congested || this.departures.size >= mostInFlight) return later('rate-limited', 250);
    if (!seat.bucket.take(now)) return later('rate-limited', seat.bucket.allowance(now).againInMs);
    const told = this.departures.add(
      seat.id,
      translated.frames.map(({ wire }) => wire),
      signal,
      envelope.kind === 'message' ? envelope.to : undefined,
    );
    for (const frame of translated.frames) this.write(frame);
    return told;
  }

  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void {
    this.seats.get(account)?.setRooms(rooms);
  }

  occupants(account: AccountId, conversation: string): readonly Occupant[] {
    return this.seats.get(account)?.occupants(conversation) ?? [];
  }

  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void {
    this.seats.get(account)?.setContacts(contacts);
  }

  setAdmissions(account: AccountId, admissions: readonly Admission[]): void {
    this.seats.get(account)?.setAdmissions(admissions);
  }

  setPresence(account: AccountId, presence: PresenceState): void {
    this.seats.get(account)?.setPresence(presence);
  }

  typing(account: AccountId, conversation: string, active: boolean): void {
    const seat = this.seats.get(account);
    if (seat?.online === true && isCanonical(conversation))
      this.write({ t: 'typing', as: seat.name, to: conversation, active });
  }

  allowance(account: AccountId): { readonly envelopes: number; readonly againInMs: number } {
    const seat = this.seats.get(account);
    if (seat?.online !== true) return { envelopes: 0, againInMs: this.link.retryInMs };
    return seat.bucket.allowance(this.context.clock.monotonic());
  }

  async request(account: AccountId, request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const seat = this.seats.get(account);
    if (seat?.online !== true) return { outcome: 'refused', failure: failure('network-unreachable') };
    const { kind, conversation, options } = request;
    if (!this.requestKinds.includes(kind)) return { outcome: 'refused', failure: failure('unsupported') };
    if (conversation !== undefined && !isCanonical(conversation)) {
      return { outcome: 'refused', failure: failure('not-found') };
    }
    const as = seat.name;
    const answer = await this.asks.ask((q) => {
      this.write({
        t: 'ask',
        as,
        q,
        kind,
        options,
        ...(conversation === undefined ? {} : { room: conversation }),
      });
    }, signal);
    if (answer?.t !== 'answer') return { outcome: 'refused', failure: failure('timeout') };
    if (answer.code !== undefined)
      return { outcome: 'refused', failure: failure(answer.code, answer.detail) };
    return { outcome: 'done', answer: answer.answer ?? null };
  }

  async placeCall(account: AccountId, { call, from, to }: CallOrder): Promise<PlaceOutcome> {
    const why = await this.told(account, [from ?? to, to], (as, q) => {
      this.write({ t: 'call', as, q, call, to, ...(from === undefined ? {} : { from }) });
    });
    return why ? { outcome: 'refused', failure: why } : { outcome: 'placed' };
  }

  async endCall(account: AccountId, call: CallName): Promise<EndOutcome> {
    const why = await this.told(account, [], (as, q) => {
      this.write({ t: 'hang-up', as, q, call: 'placed' in call ? call.placed : call.remoteId });
    });
    return why ? { outcome: 'refused', failure: why } : { outcome: 'ending' };
  }

  async history(account: AccountId, ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    const seat = this.seats.get(account);
    if (seat?.online !== true) return { outcome: 'refused', failure: failure('network-unreachable') };
    const { conversation, before, limit } = ask;
    if (!isCanonical(conversation)) return { outcome: 'refused', failure: failure('not-found') };
    const id = before?.remoteIds.find(({ scope }) => scope === this.scope)?.id;
    const page = await this.asks.ask((q) => {
      this.write({
        t: 'history',
        as: seat.name,
        q,
        with: conversation,
        limit,
        ...(id !== undefined && { before: id }),
        ...(before !== undefined && { beforeTime: before.at.getTime() }),
      });
    }, signal);
    if (page?.t !== 'page') return { outcome: 'refused', failure: failure('timeout') };
    const { consentWords } = this.settings;
    const reading = { account, scope: this.scope, mode: 'history', consentWords } as const;
    const events = page.events
      .map((event) => fromLoopback(event, reading))
      .filter((event) => event.type === 'message');
    const [oldest] = events;
    return {
      outcome: 'done',
      events,
      complete: page.complete,
      ...(oldest && { next: { at: oldest.at, remoteIds: oldest.remoteId ? [oldest.remoteId] : [] } }),
    };
  }

  markRead(account: AccountId, conversation: string, { at }: Place): void {
    const seat = this.seats.get(account);
    if (seat?.online === true && isCanonical(conversation))
      this.write({ t: 'mark', as: seat.name, with: conversation, upTo: at.getTime() });
  }

  async takeIn(account: AccountId, item: JsonObject): Promise<'taken' | 'later'> {
    if (!this.mayTouch()) return 'later';
    const event = messageOf(item, account, this.scope);
    // Nobody but us makes items: one that cannot be read will never be.
    if (!event) return 'taken';
    const [told] = await this.context.emit({ events: [event] }, takeInMs);
    const done = told?.outcome === 'stored' || told?.outcome === 'duplicate' || told?.outcome === 'refused';
    return done ? 'taken' : 'later';
  }

  write(frame: ClientFrame): void {
    this.link.write(frame);
  }

  grew(seat: Seat): void {
    this.grown.add(seat);
  }

  /** Tells the network of an act that it answers with a word; why it was not done. */
  private async told(
    account: AccountId,
    about: readonly string[],
    write: (as: string, q: number) => void,
  ): Promise<Failure | undefined> {
    const as = this.nameOf(account);
    if (as === undefined) return failure('network-unreachable');
    if (!about.every(isCanonical)) return failure('not-found');
    const answer = await this.asks.ask((q) => {
      write(as, q);
    });
    if (answer?.t !== 'answer') return failure('timeout');
    return answer.code === undefined ? undefined : failure(answer.code, answer.detail);
  }

  /** The name that an account acts under, while it is online. */
  protected nameOf(account: AccountId): string | undefined {
    const seat = this.seats.get(account);
    return seat?.online === true ? seat.name : undefined;
  }

  private pause(why: 'inlet' | 'file', on: boolean): void {
    this.paused[why] = on;
    if (this.paused.inlet || this.paused.file) this.link.pause();
    else this.link.resume();
  }

  private wake(): void {
    if (this.mayTouch()) for (const { id } of this.seats.values()) this.context.wake(id);
  }

  /** Asked anew after every wait: the link may have been closed meanwhile. */
  private mayTouch(): boolean {
    return !this.link.isOver;
  }

  private frames(frames: readonly NameFrame[]): void {
    const inbound: Arrived[] = [];
    for (const frame of frames) {
      const item = this.take(frame);
      if (item) inbound.push(item);
    }
    if (this.link.isUp && inbound.length > 0) this.fileInbox.take(inbound);
  }

  /** Acts on one frame and gives what is to be stored because of it. */
  private take(frame: NameFrame): Arrived | undefined {
    switch (frame.t) {
      case 'attached':
      case 'deliver':
      case 'joined':
      case 'unjoined':
      case 'came':
      case 'went':
      case 'presence':
      case 'typing':
        return this.mayTouch() ? this.byName.get(frame.as)?.take(frame) : undefined;
      case 'unattached': {
        const seat = this.byName.get(frame.as);
        if (seat && this.mayTouch())
          this.context.state(seat.id, needsPerson(failure(frame.code, frame.detail)));
        return undefined;
      }
      case 'detached':
        this.leaving.get(frame.as)?.();
        return undefined;
      case 'accepted':
        this.departures.answer(frame.wire, { said: 'accepted', remoteId: remoteIdOf(this.scope, frame.id) });
        return undefined;
      case 'later': {
        const why = failure('rate-limited', frame.detail);
        this.departures.answer(frame.wire, { said: 'later', ms: frame.ms, failure: why });
        return undefined;
      }
      case 'refused':
        this.departures.answer(frame.wire, { said: 'refused', failure: failure(frame.code, frame.detail) });
        return undefined;
      case 'page':
      case 'answer':
      case 'resolved':
        this.asks.answer(frame);
        return undefined;
      case 'rate':
        for (const { bucket } of this.seats.values()) bucket.follow(frame, this.context.clock.monotonic());
        this.wake();
        return undefined;
      default:
        return unreachable(frame);
    }
  }

  /** The connection is gone: settle what was on it. */
  private down(why: Failure): void {
    this.fileInbox.clear();
    this.paused.inlet = this.paused.file = false;
    if (this.mayTouch()) this.inlet.clear();
    this.departures.drop(why);
    this.asks.drop();
    for (const done of [...this.leaving.values()]) done();
    for (const seat of this.seats.values()) seat.lost();
  }

  private async shut(reason: CloseReason): Promise<void> {
    this.fileInbox.clear();
    if (reason === 'fenced') {
      this.inlet.stop();
      await this.link.close();
      return;
    }
    // What the house still holds is acknowledged when it answers; what comes from now on stays with the network.
    await this.link.close(() => this.inlet.quiet());
    this.inlet.stop();
    for (const { id } of this.seats.values()) this.context.state(id, { state: 'offline' });
  }
}

/** The same on a network that can be asked what it has seen. */
export class ResolvingLoopbackSession extends LoopbackSession implements ResolvesUnknown {
  async resolve(envelope: OutboundEnvelope, signal: AbortSignal): Promise<'present' | 'absent' | 'unknown'> {
    const as = this.nameOf(envelope.account);
    const translated = as === undefined ? undefined : toLoopback(envelope, as, this.settings.maxTextBytes);
    if (as === undefined || translated === undefined || 'failure' in translated) return 'unknown';
    const answers = await Promise.all(
      translated.frames.map(({ wire }) =>
        this.asks.ask((q) => {
          this.write({ t: 'resolve', as, q, wire });
        }, signal),
      ),
    );
    const fates = new Set(answers.map((answer) => (answer?.t === 'resolved' ? answer.fate : 'unknown')));
    // Some parts there and some not is nothing that may be sent again as a whole.
    const [fate] = fates;
    return fates.size === 1 && fate !== undefined ? fate : 'unknown';
  }
}

function needsPerson({ code, remedy, detail }: Failure): SessionState {
  return { state: 'needs-person', code, remedy, ...(detail === undefined ? {} : { detail }) };
}
