/*
 * The connections of one account to a message centre: one or several that work both ways, or pairs of one to send and one
 * to receive. One that breaks is made anew by itself; the line is over when none is left to send, or none to receive.
 */
import { wireIdOf, type RemoteId, type SendOutcome } from '#connector';
import { inTime, Backoff } from '#connector/session';
import { failure, type Failure } from '#model';
import { RequestFailed, type PduInput, type Session, type Throttle } from '#protocols/smpp';
import type { Allowance, DriverParts, Line, Submission } from '../driver.js';
import { isPassing, statusFailure } from './smpp-failures.js';
import type { MessageIds } from './smpp-ids.js';
import { planOf, requestsOf } from './smpp-submission.js';

export type Role = 'transceiver' | 'transmitter' | 'receiver';

/** One connection, whether it is there or being made. */
interface Bind {
  readonly role: Role;
  readonly backoff: Backoff;
  session: Session | undefined;
  cancelRetry: (() => void) | undefined;
}

/** What became of one part. */
type Fate =
  | { readonly fate: 'accepted'; readonly ids: readonly RemoteId[] }
  | { readonly fate: 'refused' | 'lost' | 'not-left'; readonly failure: Failure };

const gone = failure('network-unreachable', 'The connection to the message centre broke.');
const unanswered = failure('timeout', 'The message centre did not answer.');
const oneOnly = failure('unsupported', 'A message centre takes one recipient at a time.');

export interface LineParts extends DriverParts {
  readonly ids: MessageIds;
  readonly throttle: Throttle;
  /** Makes one connection. Never rejects. */
  bind(role: Role, signal: AbortSignal): Promise<Session | Failure>;
}

export class SmppLine implements Line {
  readonly carriesMedia = false;
  readonly #parts: LineParts;
  readonly #binds: readonly Bind[];
  readonly #over = new AbortController();
  #held = false;
  /** Those who wait for their turn to send. */
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #reference: number;
  #turn = 0;

  constructor(parts: LineParts) {
    this.#parts = parts;
    const { binds, bind } = parts.settings.smpp;
    const roles: readonly Role[] = bind === 'pair' ? ['transmitter', 'receiver'] : ['transceiver'];
    this.#binds = Array.from({ length: binds }, () => roles)
      .flat()
      .map((role) => ({
        role,
        backoff: new Backoff(parts.context.clock, () => parts.context.random(), parts.timings),
        session: undefined,
        cancelRetry: undefined,
      }));
    this.#reference = Math.floor(parts.context.random() * 65_536);
  }

  /** Makes the connections without which there is no line; the others follow by themselves. */
  async open(signal: AbortSignal): Promise<Failure | undefined> {
    const needed = this.#binds.slice(0, this.#parts.settings.smpp.bind === 'pair' ? 2 : 1);
    for (const bind of needed) {
      const why = await this.#connect(bind, signal);
      if (why === undefined) continue;
      this.destroy();
      return why;
    }
    for (const bind of this.#binds.filter((one) => !needed.includes(one))) void this.#reconnect(bind);
    return undefined;
  }

  async submit(submission: Submission, signal: AbortSignal): Promise<SendOutcome> {
    if (submission.to.length > 1) return { outcome: 'refused', failure: oneOnly };
    const plan = planOf(submission.text, this.#parts.settings);
    if ('code' in plan) return { outcome: 'refused', failure: plan };
    const session = this.#sender();
    if (session === undefined) return { outcome: 'later', retryAfterMs: 1_000, failure: gone };
    this.#reference = (this.#reference + 1) % 65_536;
    const requests = requestsOf(submission, plan, this.#parts.settings, this.#reference);
    // Handed over in one go, so that nothing of another text comes between.
    const fates = await Promise.all(
      requests.map((request) => this.#part(session, request, requests.length, signal)),
    );
    return this.#outcome(submission, fates);
  }

  allowance(): Allowance {
    const againInMs = Math.ceil(this.#parts.throttle.delay());
    return againInMs > 0 ? { envelopes: 0, againInMs } : { envelopes: Number.MAX_SAFE_INTEGER, againInMs: 0 };
  }

  hold(): void {
    this.#held = true;
    for (const { session } of this.#binds) session?.pause();
  }

  ease(): void {
    this.#held = false;
    for (const { session } of this.#binds) session?.resume();
  }

  async close(withinMs: number): Promise<void> {
    this.#over.abort();
    const sessions = this.#binds.flatMap(({ session }) => session ?? []);
    const unbound = Promise.all(sessions.map((session) => session.unbind()));
    await inTime(unbound, withinMs, this.#parts.context.clock);
    this.destroy();
  }

  destroy(): void {
    this.#over.abort();
    for (const bind of this.#binds) {
      bind.cancelRetry?.();
      bind.backoff.offline();
      bind.session?.close();
      bind.session = undefined;
    }
  }

  /** The sending connection with the most room; they take turns where it is equal. */
  #sender(): Session | undefined {
    this.#turn++;
    const able = this.#binds.flatMap(({ role, session }) =>
      role === 'receiver' || session?.isOpen !== true ? [] : [session],
    );
    const most = Math.max(...able.map(({ room }) => room));
    const best = able.filter(({ room }) => room === most);
    return best[this.#turn % best.length];
  }

  /** Sends one part, and again where the message centre asks for patience and others of the text have left. */
  async #part(
    session: Session,
    request: PduInput<'submit_sm'>,
    of: number,
    signal: AbortSignal,
  ): Promise<Fate> {
    const { throttle, ids } = this.#parts;
    for (;;) {
      // Without a turn to wait for it leaves in this very moment.
      const turn = this.#turnToSend(signal);
      if (turn !== undefined) await turn;
      if (signal.aborted || this.#over.signal.aborted) return { fate: 'not-left', failure: gone };
      throttle.sent();
      try {
        const answer = await session.request(request, { signal });
        const { status } = answer;
        if (status === 0) {
          // At once: its receipt may be the next thing that comes.
          const id = answer.command === 'submit_sm_resp' ? answer.messageId : '';
          return { fate: 'accepted', ids: id === '' ? [] : ids.answered(id) };
        }
        const why = statusFailure(status);
        if (!isPassing(status)) return { fate: 'refused', failure: why };
        throttle.throttled();
        if (of === 1) return { fate: 'not-left', failure: why };
      } catch (error) {
        if (!(error instanceof RequestFailed)) return { fate: 'refused', failure: unwritable };
        return error.fate === 'left'
          ? { fate: 'lost', failure: error.reason === 'timeout' ? unanswered : gone }
          : { fate: 'not-left', failure: gone };
      }
    }
  }

  /** Waits until the message centre's rate lets one more through; first come, first served. */
  #turnToSend(signal: AbortSignal): Promise<void> | undefined {
    const { throttle } = this.#parts;
    if (this.#queued === 0 && throttle.delay() <= 0) return undefined;
    this.#queued++;
    const mine = this.#queue.then(async () => {
      while (throttle.delay() > 0 && !signal.aborted && !this.#over.signal.aborted) {
        await this.#pause(throttle.delay(), signal);
      }
      this.#queued--;
    });
    this.#queue = mine;
    return mine;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((done) => {
      const finish = (): void => {
        cancel();
        signal.removeEventListener('abort', finish);
        this.#over.signal.removeEventListener('abort', finish);
        done();
      };
      const cancel = this.#parts.context.clock.after(ms, finish);
      signal.addEventListener('abort', finish);
      this.#over.signal.addEventListener('abort', finish);
    });
  }

  /** What became of the whole, and, where its parts fared differently, of each. */
  async #outcome({ envelope }: Submission, fates: readonly Fate[]): Promise<SendOutcome> {
    const { throttle, context, upward } = this.#parts;
    const parts = fates.map((fate) => {
      if (fate.fate !== 'accepted') return {};
      const [remoteId, ...otherIds] = fate.ids;
      return remoteId === undefined ? {} : { remoteId, otherIds };
    });
    const of = (...wanted: readonly Fate['fate'][]) =>
      fates.flatMap((fate, part) => (wanted.includes(fate.fate) ? [{ part, fate }] : []));
    const [lost] = of('lost');
    const [refused] = of('refused');
    const [notLeft] = of('not-left');
    const accepted = of('accepted');
    if (accepted.length === fates.length) return { outcome: 'sent', parts };
    const at = new Date(context.clock.now());
    if (lost !== undefined && 'failure' in lost.fate) {
      for (const { part } of accepted) {
        await upward.reported({
          about: { wireId: wireIdOf(envelope, part) },
          state: 'sent',
          ...parts[part],
          at,
        });
      }
      return { outcome: 'unknown', failure: lost.fate.failure };
    }
    if (accepted.length > 0) {
      for (const { part, fate } of of('refused', 'not-left')) {
        if (!('failure' in fate)) continue;
        await upward.reported({
          about: { wireId: wireIdOf(envelope, part) },
          state: 'failed',
          failure: fate.failure,
          at,
        });
      }
      return { outcome: 'sent', parts };
    }
    if (refused !== undefined && 'failure' in refused.fate)
      return { outcome: 'refused', failure: refused.fate.failure };
    const why = notLeft !== undefined && 'failure' in notLeft.fate ? notLeft.fate.failure : gone;
    return { outcome: 'later', retryAfterMs: Math.max(1_000, throttle.delay()), failure: why };
  }

  async #connect(bind: Bind, signal: AbortSignal): Promise<Failure | undefined> {
    const session = await this.#parts.bind(bind.role, signal);
    if ('code' in session) return session;
    if (this.#over.signal.aborted || signal.aborted) {
      session.close();
      return gone;
    }
    bind.session = session;
    bind.backoff.online();
    if (this.#held) session.pause();
    void session.closed.then(() => {
      if (bind.session !== session) return;
      bind.session = undefined;
      bind.backoff.offline();
      if (!this.#over.signal.aborted) this.#lost(bind);
    });
    return undefined;
  }

  #lost(bind: Bind): void {
    const sends = this.#binds.some(({ role, session }) => role !== 'receiver' && session !== undefined);
    const hears = this.#binds.some(({ role, session }) => role !== 'transmitter' && session !== undefined);
    if (sends && hears) this.#retry(bind, gone);
    else this.#parts.upward.broken(gone);
  }

  async #reconnect(bind: Bind): Promise<void> {
    const why = await this.#connect(bind, this.#over.signal).catch(() => failure('internal'));
    if (why !== undefined && !this.#over.signal.aborted) this.#retry(bind, why);
  }

  #retry(bind: Bind, why: Failure): void {
    bind.cancelRetry = this.#parts.context.clock.after(bind.backoff.pause(why), () => {
      bind.cancelRetry = undefined;
      void this.#reconnect(bind);
    });
  }
}

const unwritable = failure('unsupported', 'The text or its number cannot be written for the message centre.');
