import {
  type AttachedAccount,
  type CloseReason,
  type DesiredRoom,
  type Edits,
  type HasHistory,
  type HasRooms,
  type LinkSettings,
  type Occupant,
  type OutboundEnvelope,
  type Paces,
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
  type TakesRequests,
} from '#connector';
import {
  failure,
  remedyOf,
  unreachable,
  type AccountId,
  type Capabilities,
  type PresenceState,
  type SessionState,
} from '#model';
import { Asks } from './asks.js';
import { backoffMs } from './backoff.js';
import { Departures } from './departures.js';
import { fromLoopback, remoteIdOf } from './from-loopback.js';
import { Inlet, type Inbound } from './inlet.js';
import type { ClientFrame, ServerFrame } from './loopback.frames.js';
import { isCanonical } from './loopback.addresses.js';
import { readSettings, type LoopbackSettings } from './loopback.settings.js';
import { Wire, type WireEnd } from './loopback.wire.js';
import { Seat, type SeatHost } from './seat.js';
import { toLoopback } from './to-loopback.js';

/** How long an orderly end may take. */
const closeMs = 4_500;
/** Departures awaiting their answer; past it a send is told to come later. */
const mostInFlight = 4_096;

/**
 * idle → connecting → up → waiting → connecting …; idle also after a failure that only a person can mend.
 * closing and closed are final.
 */
type Phase = 'idle' | 'connecting' | 'up' | 'waiting' | 'closing' | 'closed';

/** One connection, the names that are attached to it, and what is under way on it. */
export class LoopbackSession
  implements
    Session,
    SeatHost,
    HasRooms,
    SetsPresence,
    ShowsTyping,
    Paces,
    TakesRequests,
    HasHistory,
    Edits,
    Retracts,
    Reacts
{
  readonly edits = true;
  readonly retracts = true;
  readonly reacts = true;
  readonly requestKinds = ['list-rooms', 'topic', 'kick', 'invite', 'whois'];
  readonly settings: LoopbackSettings;
  private readonly seats = new Map<AccountId, Seat>();
  private readonly byName = new Map<string, Seat>();
  private readonly leaving = new Map<string, () => void>();
  private readonly inlet: Inlet;
  private readonly departures: Departures;
  protected readonly asks: Asks;
  private phase: Phase = 'idle';
  private wire: Wire | undefined;
  private tries = 0;
  private onlineSince = 0;
  private until = 0;
  private cancelRetry: (() => void) | undefined;
  private closed: Promise<void> | undefined;
  private wireEnded: (() => void) | undefined;
  private lastState: SessionState = { state: 'offline' };

  constructor(
    link: LinkSettings,
    readonly context: SessionContext,
    readonly capabilities: Capabilities,
    readonly scope: string,
  ) {
    this.settings = readSettings(link.settings);
    this.asks = new Asks(context.clock, this.settings.answerMs);
    this.departures = new Departures(context.clock, this.settings.answerMs, (receipts) => {
      this.inlet.take(receipts.map((event) => ({ event })));
    });
    this.inlet = new Inlet(context, {
      pressure: (high) => {
        if (high && this.phase === 'up') this.wire?.pause();
        else this.wire?.resume();
      },
      answered: () => {
        for (const seat of this.seats.values()) seat.acknowledge();
      },
      inDoubt: () => {
        this.wire?.end({ code: 'storage-unavailable' });
      },
      fenced: () => {
        void this.close('fenced');
      },
      checkpoint: (account) => this.seats.get(account)?.checkpoint(),
    });
  }

  attach(account: AttachedAccount): void {
    if (this.over()) return;
    const seat = new Seat(account, this);
    if (this.byName.has(seat.name)) {
      this.context.state(account.id, {
        state: 'needs-person',
        code: 'name-in-use',
        remedy: remedyOf('name-in-use'),
        detail: 'Another account of this link has the same address.',
      });
      return;
    }
    this.seats.set(seat.id, seat);
    this.byName.set(seat.name, seat);
    if (this.phase === 'up') {
      this.context.state(seat.id, { state: 'connecting' });
      this.ask(seat);
    } else if (this.phase !== 'idle') this.context.state(seat.id, this.lastState);
  }

  async detach(account: AccountId): Promise<void> {
    const seat = this.seats.get(account);
    if (!seat || seat.leaving || this.over()) return;
    seat.leaving = true;
    if (seat.online && this.phase === 'up') {
      // Everything on one connection is answered in order: when this is answered, so is all that left before.
      this.wire?.write({ t: 'detach', as: seat.name });
      await this.within(closeMs, (done) => this.leaving.set(seat.name, done));
      this.leaving.delete(seat.name);
    }
    this.departures.dropAccount(account, failure('timeout'));
    this.seats.delete(account);
    this.byName.delete(seat.name);
    if (!this.over()) this.context.state(account, { state: 'offline' });
  }

  connect(): void {
    if (this.phase === 'idle') this.attempt();
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
    if (!seat || !this.wire || this.phase !== 'up' || !seat.online || seat.leaving) {
      return later('network-unreachable', Math.max(this.settings.backoffMs, this.until - now));
    }
    const translated = toLoopback(envelope, seat.name, this.settings.maxTextBytes);
    if ('failure' in translated) return Promise.resolve({ outcome: 'refused', failure: translated.failure });
    if (signal.aborted) return later('rate-limited', 0);
    if (this.wire.congested || this.departures.size >= mostInFlight) return later('rate-limited', 250);
    if (!seat.bucket.take(now)) return later('rate-limited', seat.bucket.allowance(now).againInMs);
    const told = this.departures.add(
      seat.id,
      translated.frames.map(({ wire }) => wire),
      signal,
    );
    for (const frame of translated.frames) this.wire.write(frame);
    return told;
  }

  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void {
    this.seats.get(account)?.setRooms(rooms);
  }

  occupants(account: AccountId, conversation: string): readonly Occupant[] {
    return this.seats.get(account)?.occupants(conversation) ?? [];
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
    const now = this.context.clock.monotonic();
    if (seat?.online !== true)
      return { envelopes: 0, againInMs: Math.max(this.settings.backoffMs, this.until - now) };
    return seat.bucket.allowance(now);
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

  async history(account: AccountId, ask: Parameters<HasHistory['history']>[1]) {
    const seat = this.seats.get(account);
    const { conversation, ...range } = ask;
    const page =
      seat?.online && isCanonical(conversation)
        ? await this.asks.ask((q) => {
            this.write({ t: 'history', as: seat.name, q, with: conversation, ...range });
          })
        : undefined;
    if (page?.t !== 'page') return { events: [], complete: false };
    const reading = { account, scope: this.scope, mode: 'history' } as const;
    return {
      events: page.events
        .map((event) => fromLoopback(event, reading))
        .filter((event) => event.type === 'message'),
      ...(page.next === undefined ? {} : { next: page.next }),
      complete: page.complete,
    };
  }

  write(frame: ClientFrame): void {
    if (this.phase === 'up' || this.phase === 'closing') this.wire?.write(frame);
  }

  /** The name that an account acts under, while it is online. */
  protected nameOf(account: AccountId): string | undefined {
    const seat = this.seats.get(account);
    return seat?.online === true ? seat.name : undefined;
  }

  private over(): boolean {
    return this.phase === 'closed' || this.phase === 'closing';
  }

  private attempt(): void {
    this.phase = 'connecting';
    this.tell({ state: 'connecting' });
    const { host, port, connectMs, pingMs } = this.settings;
    void this.context.turn({ host, port }).then(
      (turn) => {
        if (turn.turn === 'closed' || this.phase !== 'connecting') return;
        if (turn.turn === 'refused') {
          this.ended(turn.failure);
          return;
        }
        const { addresses } = turn;
        const wire: Wire = new Wire({ host, port, addresses, connectMs, pingMs }, this.context.clock, {
          opened: () => {
            void this.hello(wire);
          },
          frames: (frames) => {
            this.frames(frames);
          },
          drained: () => {
            for (const seat of this.seats.values()) this.context.wake(seat.id);
          },
          ended: (end) => {
            this.ended(end);
          },
        });
        this.wire = wire;
      },
      () => {
        if (this.phase === 'connecting') this.ended({ code: 'internal' });
      },
    );
  }

  private async hello(wire: Wire): Promise<void> {
    let secrets: Readonly<Record<string, string>>;
    try {
      secrets = await this.context.secrets();
    } catch {
      wire.end({ code: 'internal', detail: 'The secrets could not be opened.' });
      return;
    }
    const { name, receipts } = this.settings;
    const { password } = secrets;
    wire.write({ t: 'hello', name, receipts, ...(password === undefined ? {} : { password }) });
  }

  private frames(frames: readonly ServerFrame[]): void {
    const inbound: Inbound[] = [];
    for (const frame of frames) {
      const item = this.take(frame);
      if (item) inbound.push(item);
    }
    if (this.phase === 'up' && inbound.length > 0) this.inlet.take(inbound);
  }

  /** Acts on one frame and gives what is to be stored because of it. */
  private take(frame: ServerFrame): Inbound | undefined {
    switch (frame.t) {
      case 'welcome':
        if (this.phase !== 'connecting') return undefined;
        this.phase = 'up';
        this.onlineSince = this.context.clock.monotonic();
        for (const seat of this.seats.values()) this.ask(seat);
        return undefined;
      case 'denied':
        this.wire?.end(frame);
        return undefined;
      case 'bye':
        this.wire?.end({ code: frame.code ?? 'server-shutdown' });
        return undefined;
      case 'attached':
      case 'deliver':
      case 'joined':
      case 'unjoined':
      case 'came':
      case 'went':
      case 'presence':
      case 'typing':
        return this.over() ? undefined : this.byName.get(frame.as)?.take(frame);
      case 'unattached': {
        const seat = this.byName.get(frame.as);
        if (seat && !this.over()) this.context.state(seat.id, needsPerson(frame));
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
        for (const seat of this.seats.values()) {
          seat.bucket.follow(frame, this.context.clock.monotonic());
          if (!this.over()) this.context.wake(seat.id);
        }
        return undefined;
      case 'ping':
      case 'pong':
        return undefined;
      default:
        return unreachable(frame);
    }
  }

  private ask(seat: Seat): void {
    const { wire } = this;
    void seat.attachFrame().then(
      (frame) => {
        wire?.write(frame);
      },
      () => {
        wire?.end({ code: 'storage-unavailable' });
      },
    );
  }

  /** The wire is gone: settle what was on it, say so, and come back if that can help. */
  private ended({ code, detail }: WireEnd): void {
    const wasUp = this.phase === 'up';
    this.wire = undefined;
    if (!this.over()) this.inlet.clear();
    this.departures.drop(failure(code));
    this.asks.drop();
    for (const done of [...this.leaving.values()]) done();
    for (const seat of this.seats.values()) seat.lost();
    this.wireEnded?.();
    if (this.over()) return;
    const now = this.context.clock.monotonic();
    if (wasUp && now - this.onlineSince > this.settings.backoffMs * 10) this.tries = 0;
    if (remedyOf(code) !== 'retry') {
      this.phase = 'idle';
      this.tell(needsPerson({ code, ...(detail === undefined ? {} : { detail }) }));
      return;
    }
    this.phase = 'waiting';
    const delay = backoffMs(this.tries++, this.settings, this.context.random());
    this.until = now + delay;
    this.cancelRetry = this.context.clock.after(delay, () => {
      if (this.phase === 'waiting') this.attempt();
    });
    const until = new Date(this.context.clock.now() + delay).toISOString();
    this.tell({ state: 'backing-off', until, code, ...(detail === undefined ? {} : { detail }) });
    this.context.log.info({ code, delay, tries: this.tries }, 'loopback link lost');
  }

  private async shut(reason: CloseReason): Promise<void> {
    const wasUp = this.phase === 'up';
    this.phase = 'closing';
    this.cancelRetry?.();
    if (wasUp && reason !== 'fenced') {
      // What the house still holds is acknowledged when it answers; what comes from now on stays with the network.
      this.wire?.resume();
      await this.within(closeMs, (done) => {
        void this.inlet.quiet().then(() => {
          this.wireEnded = done;
          if (this.wire) this.wire.write({ t: 'bye' });
          else done();
        });
      });
    }
    this.inlet.stop();
    this.wire?.end({ code: 'server-shutdown' });
    if (reason !== 'fenced')
      for (const seat of this.seats.values()) this.context.state(seat.id, { state: 'offline' });
    this.phase = 'closed';
  }

  /** Waits for `begin` to call back, but no longer than so many milliseconds. */
  private within(ms: number, begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        resolve();
      };
      const cancel = this.context.clock.after(ms, done);
      begin(done);
    });
  }

  private tell(state: SessionState): void {
    this.lastState = state;
    for (const seat of this.seats.values()) this.context.state(seat.id, state);
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

function needsPerson({ code, detail }: WireEnd): SessionState {
  return { state: 'needs-person', code, remedy: remedyOf(code), ...(detail === undefined ? {} : { detail }) };
}
