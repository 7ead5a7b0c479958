/*
 * How envelopes leave.
 *
 * One loop per process serves every account whose link this worker holds. A round reads what has become due (one
 * statement), picks what may leave under lanes, limits and the network's rate, and commits, in one transaction per
 * workspace, both the outcomes that have come in since the last round and the picks as `sending`. Only then do the picks
 * reach their sessions. So a crash finds every envelope that may have left marked `sending` (law 1), nothing is sent that
 * was withdrawn a moment before, and the cost of the bookkeeping is shared by all that is under way.
 *
 * Rounds are woken: by a signal that something was accepted, by an outcome, by the end of a hold, by a rate that allows
 * the next one. The sweep in delivery.sweeps.ts wakes all of them every few seconds, for signals that were lost.
 */
import { Injectable } from '@nestjs/common';
import { EventLog } from '#bus';
import { idsOf, type OutboundEnvelope, type SendOutcome } from '#connector';
import { carriesFiles, FileLinks, withAddresses, type FileAddresses } from '#files';
import { failure, type AccountId, type EnvelopeId, type MessageId, type WorkspaceId } from '#model';
import { Clock, Database, logger, type Sql } from '#platform';
import { leavingAt } from './assess.js';
import { Charges } from './charges.js';
import { EnvelopeStore, type Begun } from './envelope.store.js';
import { Lanes, type Ready } from './lanes.js';
import { Fence, type Claim, type Outlet } from './outlet.js';
import { Receipts } from './receipts.js';
import type { Settled } from './settler.js';
import type { EnvelopeNews } from './settle.js';
import { UnknownFates } from './unknown-fates.js';

const log = logger('delivery');

/** Envelopes of one account kept in memory beyond those in flight. */
const BUFFER = 256;
/** A lane with this many waiting takes no more until they have left. */
const CROWDED = 64;
const overtook = failure(
  'rate-limited',
  'It was to come later, and what was said after it had left already.',
  'ask-person',
);
/** What was accepted this long ago is judged once more before it leaves. */
const JUDGED_MS = 60_000;
/** An echo, a receipt or the answer to a later ping must come within this time. */
const PENDING_MS = 60_000;

interface Desk {
  readonly outlet: Outlet;
  readonly lanes: Lanes;
  online: boolean;
  /** Whether the tables may hold due envelopes that are not in memory. */
  mayHaveMore: boolean;
  readonly pending: Map<EnvelopeId, () => void>;
}

type Targets = Map<EnvelopeId, NonNullable<OutboundEnvelope['target']>>;

interface Pick {
  readonly desk: Desk;
  readonly ready: Ready;
}

interface Finished {
  readonly desk: Desk;
  readonly news: EnvelopeNews;
}

@Injectable()
export class Dispatcher {
  private readonly desks = new Map<AccountId, Desk>();
  private finished: Finished[] = [];
  private running: Promise<void> | undefined;
  private wanted = false;
  private cancelTimer: (() => void) | undefined;
  private timerAt = Infinity;
  private stopped = false;

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: EnvelopeStore,
    private readonly receipts: Receipts,
    private readonly charges: Charges,
    private readonly fence: Fence,
    private readonly unknowns: UnknownFates,
    private readonly links: FileLinks,
    private readonly clock: Clock,
  ) {}

  /** Opens an account's way out. Envelopes that an earlier epoch was sending have been abandoned before. */
  open(outlet: Outlet): void {
    this.desks.set(outlet.account, {
      outlet,
      lanes: new Lanes(outlet.account, outlet.inFlight),
      online: false,
      mayHaveMore: true,
      pending: new Map(),
    });
  }

  /** Closes it. What is in flight has been settled by its session before, and is still written. */
  async close(account: AccountId): Promise<void> {
    const desk = this.desks.get(account);
    if (!desk) return;
    this.online(account, false);
    await this.quiet();
    this.desks.delete(account);
  }

  /** Says whether an account's session can send. */
  online(account: AccountId, online: boolean): void {
    const desk = this.desks.get(account);
    if (!desk || desk.online === online) return;
    desk.online = online;
    if (online) {
      if (desk.outlet.resolve || desk.outlet.onUnknown === 'resend') void this.settleUnknown(desk);
      this.wake(account);
      return;
    }
    // A session that is gone answers nothing any more: what was pending has an unknown fate.
    for (const [envelope, cancel] of desk.pending) {
      cancel();
      this.finish(desk, {
        envelope,
        whole: {
          state: 'unknown',
          failure: failure('unknown', 'The link broke before the network answered.'),
        },
      });
    }
    desk.pending.clear();
    void this.tellThatTheyWait(desk);
  }

  /** Something may be due. */
  wake(account: AccountId): void {
    const desk = this.desks.get(account);
    if (!desk) return;
    desk.mayHaveMore = true;
    this.round();
  }

  wakeAll(): void {
    for (const desk of this.desks.values()) desk.mayHaveMore = true;
    this.round();
  }

  /** News that another path has committed (an echo, a receipt, a cancellation): lanes go on. */
  settled(news: ReadonlyMap<EnvelopeId, Settled>): void {
    for (const [envelope, { account, conversation, state }] of news) {
      const desk = this.desks.get(account);
      if (!desk || state === 'sending') continue;
      const pending = desk.pending.get(envelope);
      if (pending) {
        pending();
        desk.pending.delete(envelope);
        desk.lanes.settle(conversation, envelope);
      } else if (state === 'withdrawn' || state === 'expired' || state === 'failed') {
        desk.lanes.drop(conversation, envelope);
      }
    }
    this.round();
  }

  /** Resolves when every outcome so far is written, or at the deadline: a database that is away must not hold us. */
  async quiet(deadlineMs = 5_000): Promise<void> {
    const end = this.clock.monotonic() + deadlineMs;
    while ((this.running || this.finished.length > 0) && this.clock.monotonic() < end) {
      this.round();
      await this.running;
      if (this.finished.length > 0) await new Promise<void>((again) => this.clock.after(50, again));
    }
  }

  /** Picks nothing more; outcomes are still written. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer?.();
    await this.quiet();
  }

  private round(): void {
    this.wanted = true;
    this.running ??= this.rounds().finally(() => {
      this.running = undefined;
    });
  }

  private async rounds(): Promise<void> {
    // Whatever arrives in this turn of the event loop shares the round.
    await new Promise<void>((turn) => setImmediate(turn));
    while (this.wanted) {
      this.wanted = false;
      try {
        await this.load();
        await this.commitRound();
      } catch (error) {
        // Nothing was committed, or nobody knows: outcomes stay, picks went back. The sweep and the timer try again.
        log.warn({ err: error }, 'a round of sending failed');
        this.wakeAt(this.clock.now() + 500);
        return;
      }
    }
    this.scheduleNext();
  }

  private async load(): Promise<void> {
    const hungry = [...this.desks.values()].filter(
      ({ online, mayHaveMore, lanes }) =>
        online && mayHaveMore && lanes.waiting < BUFFER / 2 && !this.stopped,
    );
    if (hungry.length === 0) return;
    const asks = hungry.map(({ lanes, outlet }) => ({
      account: outlet.account,
      known: [...lanes.ids()],
      crowded: [...lanes.crowded(CROWDED)],
      most: BUFFER - lanes.waiting,
    }));
    for (const desk of hungry) desk.mayHaveMore = false;
    const due = await this.store.due(this.database, asks);
    for (const [index, desk] of hungry.entries()) {
      const mine = due.filter(({ envelope }) => envelope.account === desk.outlet.account);
      const known = new Set(desk.lanes.ids());
      for (const ready of mine) if (!known.has(ready.envelope.id)) desk.lanes.add(ready);
      const ask = asks[index];
      if (ask && (mine.length >= ask.most || ask.crowded.length > 0)) desk.mayHaveMore = true;
    }
  }

  private async commitRound(): Promise<void> {
    const finished = this.finished;
    this.finished = [];
    const picks = this.stopped ? [] : this.pick();
    if (picks.length === 0 && finished.length === 0) return;
    const workspaces = new Set([...picks, ...finished].map(({ desk }) => desk.outlet.workspace));
    for (const workspace of workspaces) {
      const ours = picks.filter(({ desk }) => desk.outlet.workspace === workspace);
      const news = finished.filter(({ desk }) => desk.outlet.workspace === workspace);
      try {
        await this.commit(workspace, ours, news);
      } catch (error) {
        this.finished.unshift(...news);
        for (const { desk, ready } of ours) desk.lanes.putBack(ready);
        throw error;
      }
    }
  }

  private pick(): Pick[] {
    const now = this.clock.now();
    return [...this.desks.values()].flatMap((desk) => {
      if (!desk.online || desk.lanes.waiting === 0) return [];
      const { envelopes } = desk.outlet.allowance();
      return desk.lanes.pick(envelopes, now).map((ready) => ({ desk, ready }));
    });
  }

  /** Writes outcomes and picks of one workspace in one transaction, then lets the picks go. */
  private async commit(
    workspace: WorkspaceId,
    picks: readonly Pick[],
    finished: readonly Finished[],
  ): Promise<void> {
    const claims = new Map<string, Claim>();
    for (const { desk } of [...picks, ...finished]) {
      claims.set(desk.outlet.link, { link: desk.outlet.link, epoch: desk.outlet.epoch });
    }
    const done = await this.database.transaction(async (sql) => {
      const held = await this.fence.hold(sql, [...claims.values()]);
      const mine = picks.filter(({ desk }) => held.has(desk.outlet.link));
      const news = finished.filter(({ desk }) => held.has(desk.outlet.link)).map((entry) => entry.news);
      const { leaving, later, refused } = this.judge(mine);
      const { events, settled } = await this.receipts.settle(sql, [...news, ...refused]);
      const postponed = await this.store.postpone(sql, later);
      const start = await this.begin(sql, leaving);
      const all = [...events, ...postponed, ...start.events];
      const metered = await this.charges.alongside(sql, workspace, all);
      const last = all.length > 0 ? (await this.events.append(sql, workspace, all, metered)).last : undefined;
      return { held, settled, start, last };
    });
    if (done.last !== undefined) this.events.committed(workspace, done.last);
    this.afterOutcomes(finished, done.settled);
    for (const { desk, ready } of picks) {
      const begun = done.start.begun.get(ready.envelope.id);
      if (begun === undefined) desk.lanes.settle(ready.conversation, ready.envelope.id);
      else {
        const content = withAddresses(
          begun.content ?? ready.envelope.content,
          done.start.addresses.get(ready.message),
        );
        this.send(desk, ready, { ...begun, content }, done.start.targets.get(ready.envelope.id));
      }
    }
    for (const { desk } of [...picks, ...finished])
      if (!done.held.has(desk.outlet.link)) desk.outlet.fenced();
  }

  /** What has waited is judged once more: it may be night by now where it goes, or not allowed any longer. */
  private judge(picks: readonly Pick[]): {
    readonly leaving: readonly Pick[];
    readonly later: readonly { readonly id: EnvelopeId; readonly at: Date; readonly why: string }[];
    readonly refused: readonly EnvelopeNews[];
  } {
    const leaving: Pick[] = [];
    const later: { id: EnvelopeId; at: Date; why: string }[] = [];
    const refused: EnvelopeNews[] = [];
    const at = new Date(this.clock.now());
    for (const pick of picks) {
      const { envelope, acceptedAt, urgent } = pick.ready;
      const { id, kind, to, conversationKind, content } = envelope;
      const assessment =
        kind === 'message' && at.getTime() - acceptedAt > JUDGED_MS
          ? pick.desk.outlet.assess({ to, kind: conversationKind, content, at })
          : undefined;
      const { scheduleAt, why = '' } = leavingAt(undefined, at, assessment, urgent);
      if (assessment?.failure)
        refused.push({ envelope: id, whole: { state: 'failed', failure: assessment.failure } });
      else if (scheduleAt) later.push({ id, at: scheduleAt, why });
      else leaving.push(pick);
    }
    return { leaving, later, refused };
  }

  private async begin(sql: Sql, picks: readonly Pick[]) {
    const none: Targets = new Map();
    if (picks.length === 0) {
      return {
        begun: new Map<EnvelopeId, Begun>(),
        events: [],
        targets: none,
        addresses: new Map<MessageId, FileAddresses>(),
      };
    }
    const { begun, events } = await this.store.begin(
      sql,
      picks.map(({ desk, ready }) => ({ id: ready.envelope.id, epoch: desk.outlet.epoch, seen: ready.seen })),
    );
    const speaking = picks.filter(({ ready }) => ready.needsTarget).map(({ ready }) => ready.envelope.id);
    const targets: Targets = speaking.length > 0 ? await this.store.targets(sql, speaking) : none;
    const carrying = picks.filter(({ ready }) => carriesFiles(ready.envelope.content));
    const addresses = await this.links.addressesOf(
      sql,
      carrying.map(({ ready }) => ready.message),
    );
    return { begun, events, targets, addresses };
  }

  private send(desk: Desk, ready: Ready, begun: Begun, target: Ready['envelope']['target']): void {
    const envelope = { ...ready.envelope, ...begun, ...(target ? { target } : {}) };
    void desk.outlet.send(envelope).then(
      (outcome) => {
        this.outcome(desk, ready, outcome);
      },
      (error: unknown) => {
        // The contract forbids a rejection; a connector's mistake must not lose the truth that nobody knows.
        log.error(
          { err: error, account: desk.outlet.account },
          'a session broke its contract: send rejected',
        );
        this.outcome(desk, ready, { outcome: 'unknown', failure: failure('internal') });
      },
    );
  }

  private outcome(desk: Desk, ready: Ready, outcome: SendOutcome): void {
    if (outcome.outcome === 'later') {
      desk.lanes.delay(ready, this.clock.now() + Math.max(0, outcome.retryAfterMs));
    } else {
      if (outcome.outcome !== 'refused') desk.lanes.left(ready);
      this.answered(desk, ready, outcome);
    }
    for (const { ready: delayed, until, overtaken } of desk.lanes.verdicts(ready.conversation)) {
      const envelope = delayed.envelope.id;
      if (overtaken) this.finish(desk, { envelope, whole: { state: 'failed', failure: overtook } });
      else {
        const retryAt = new Date(until);
        this.finish(desk, { envelope, whole: { state: 'waiting', reason: 'rate', retryAt } });
      }
    }
  }

  private answered(
    desk: Desk,
    ready: Ready,
    outcome: Exclude<SendOutcome, { readonly outcome: 'later' }>,
  ): void {
    const envelope = ready.envelope.id;
    switch (outcome.outcome) {
      case 'sent':
        this.finish(desk, {
          envelope,
          total: Math.max(1, outcome.parts.length),
          parts: (outcome.parts.length > 0 ? outcome.parts : [{}]).map((sent, part) => ({
            part,
            state: 'sent',
            remoteIds: idsOf(sent),
          })),
        });
        break;
      case 'pending': {
        const cancel = this.clock.after(PENDING_MS, () => {
          desk.pending.delete(envelope);
          desk.lanes.settle(ready.conversation, envelope);
          this.finish(desk, {
            envelope,
            whole: {
              state: 'unknown',
              failure: failure('timeout', 'The network did not answer within a minute.', 'ask-person'),
            },
          });
        });
        desk.pending.set(envelope, cancel);
        this.finish(desk, { envelope, total: outcome.parts });
        return;
      }
      case 'refused':
        this.finish(desk, { envelope, whole: { state: 'failed', failure: outcome.failure } });
        break;
      case 'unknown':
        // Nobody tries again by itself what may have arrived: whatever broke, a person decides.
        this.finish(desk, {
          envelope,
          whole: { state: 'unknown', failure: { ...outcome.failure, remedy: 'ask-person' } },
        });
        break;
    }
    desk.lanes.settle(ready.conversation, envelope);
  }

  private finish(desk: Desk, news: EnvelopeNews): void {
    this.finished.push({ desk, news });
    this.round();
  }

  /** A pending envelope may have been settled by its echo before its outcome was written. */
  private afterOutcomes(finished: readonly Finished[], settled: ReadonlyMap<EnvelopeId, Settled>): void {
    for (const { desk, news } of finished) {
      const now = settled.get(news.envelope);
      if (now?.state === 'waiting') desk.mayHaveMore = true;
      const cancel = desk.pending.get(news.envelope);
      if (!now || !cancel || now.state === 'sending') continue;
      cancel();
      desk.pending.delete(news.envelope);
      desk.lanes.settle(now.conversation, news.envelope);
    }
  }

  private async settleUnknown(desk: Desk): Promise<void> {
    try {
      await this.unknowns.settle(desk.outlet, desk.lanes, () => desk.online);
      this.wake(desk.outlet.account);
    } catch (error) {
      log.warn({ err: error, account: desk.outlet.account }, 'unknown envelopes could not be settled');
    }
  }

  private async tellThatTheyWait(desk: Desk): Promise<void> {
    try {
      await this.unknowns.awaitSession(desk.outlet);
    } catch (error) {
      log.warn(
        { err: error, account: desk.outlet.account },
        'could not say that envelopes wait for a session',
      );
    }
  }

  private scheduleNext(): void {
    const now = this.clock.now();
    let next = Infinity;
    for (const desk of this.desks.values()) {
      if (!desk.online || desk.lanes.waiting === 0) continue;
      const { envelopes, againInMs } = desk.outlet.allowance();
      if (envelopes <= 0) next = Math.min(next, now + Math.max(1, againInMs));
      next = Math.min(next, desk.lanes.nextRelease(now) ?? Infinity);
    }
    if (next < Infinity) this.wakeAt(next);
  }

  private wakeAt(at: number): void {
    if (this.cancelTimer && this.timerAt <= at) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.clock.after(Math.max(1, at - this.clock.now()), () => {
      this.cancelTimer = undefined;
      this.timerAt = Infinity;
      this.round();
    });
  }
}
