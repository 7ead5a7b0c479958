/*
 * How events from networks become rows. What sessions emit is grouped, per workspace, by whatever has arrived while the
 * last group was being committed; each group is one transaction. A group that the tables refuse for its data is halved
 * until the guilty event stands alone and is set aside, raw. When the database is away, a group waits and is tried again
 * until its deadlines have passed; who has no deadline waits on, and its session pauses its transport (bounded by
 * `EMIT_LIMIT`). What is given back as `not-stored` takes with it what the same session handed in behind it: stored
 * before it, that would stand in the wrong place.
 */
import { Injectable } from '@nestjs/common';
import { EventLog } from '#bus';
import type { EmitOutcome, InboundBatch } from '#connector';
import { Dispatcher } from '#delivery';
import { failure, type AccountId, type WorkspaceId } from '#model';
import { Batcher, bisect, Clock, CommitInDoubt, Database, isDataError, logger, Metrics } from '#platform';
import { stretchesOf, unitsOf, type Taker, type Unit } from './inbound-units.js';
import { InboundWriter, StaleKnowledge } from './inbound-writer.js';
import { SessionStore } from './session.store.js';

/** Events that one session may have outstanding. */
export const EMIT_LIMIT = 1_000;

const RETRY_MS = 250;

const log = logger('sessions');

interface Item {
  readonly taker: Taker;
  readonly units: readonly Unit[];
  /** Monotonic milliseconds; Infinity when the peer waits for nothing. */
  readonly deadline: number;
}

@Injectable()
export class Ingest {
  private readonly batchers = new Map<WorkspaceId, Batcher<Item, readonly EmitOutcome[]>>();
  private readonly stored;

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly writer: InboundWriter,
    private readonly store: SessionStore,
    private readonly dispatcher: Dispatcher,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.stored = metrics.counter('parley_inbound_events_total', 'Inbound events by what became of them', [
      'outcome',
    ]);
  }

  /** Stores a batch; answers once per event, after the commit; once for a batch of notes alone. */
  async take(
    taker: Taker,
    batch: InboundBatch,
    deadlineMs?: number,
    positions?: readonly number[],
  ): Promise<readonly EmitOutcome[]> {
    const item: Item = {
      taker,
      units: unitsOf(taker, batch, positions),
      deadline: deadlineMs === undefined ? Infinity : this.clock.monotonic() + deadlineMs,
    };
    const batcher = this.batcherOf(taker.workspace);
    const withdraw =
      deadlineMs === undefined
        ? undefined
        : this.clock.after(deadlineMs, () => {
            let behind = false;
            batcher.withdraw((waiting) => {
              behind ||= waiting === item;
              return behind && waiting.taker === taker ? notStored(waiting) : undefined;
            });
          });
    const outcomes = await batcher.add(item);
    withdraw?.();
    for (const { outcome } of outcomes) this.stored.inc({ outcome });
    return outcomes;
  }

  /** Forgets what was learnt of accounts whose link has gone. */
  forget(accounts: ReadonlySet<AccountId>): void {
    this.writer.forget(accounts);
  }

  /** Resolves when everything taken in so far is answered. */
  async idle(): Promise<void> {
    await Promise.all([...this.batchers.values()].map((batcher) => batcher.idle()));
  }

  private batcherOf(workspace: WorkspaceId): Batcher<Item, readonly EmitOutcome[]> {
    let batcher = this.batchers.get(workspace);
    if (!batcher) {
      batcher = new Batcher((items) => this.commitItems(workspace, items), 200);
      this.batchers.set(workspace, batcher);
    }
    return batcher;
  }

  private async commitItems(
    workspace: WorkspaceId,
    items: readonly Item[],
  ): Promise<readonly (readonly EmitOutcome[])[]> {
    const deadlines = new Map(
      items.flatMap((item) => item.units.map((unit) => [unit, item.deadline] as const)),
    );
    const answers = new Map<Unit, EmitOutcome>();
    const given = new Set<Taker>();
    for (const stretch of stretchesOf([...deadlines.keys()])) {
      const now = this.clock.monotonic();
      const open = stretch.filter((unit) => {
        // Its turn may come after its deadline, when others of its batch took their time. What comes after something that
        // was not stored is not stored either: order is kept.
        if ((deadlines.get(unit) ?? Infinity) <= now) given.add(unit.taker);
        return !given.has(unit.taker);
      });
      const stored = open.length > 0 ? await this.persist(workspace, open, deadlines) : [];
      for (const [unit, outcome] of stored) {
        answers.set(unit, outcome);
        if (outcome.outcome === 'not-stored') given.add(unit.taker);
      }
      for (const unit of stretch)
        if (!answers.has(unit)) answers.set(unit, { outcome: 'not-stored', retryAfterMs: RETRY_MS });
    }
    if (given.size > 0) {
      this.batcherOf(workspace).withdraw((item) => (given.has(item.taker) ? notStored(item) : undefined));
    }
    return items.map((item) => item.units.map((unit) => answers.get(unit) ?? { outcome: 'in-doubt' }));
  }

  /** Tries until every unit is answered or its deadline has passed. */
  private async persist(
    workspace: WorkspaceId,
    units: readonly Unit[],
    deadlines: ReadonlyMap<Unit, number>,
  ): Promise<Map<Unit, EmitOutcome>> {
    const answers = new Map<Unit, EmitOutcome>();
    let left = units;
    for (;;) {
      try {
        const outcomes = await bisect(
          left,
          (some) => this.commit(workspace, some),
          isDataError,
          (unit, error) => this.setAside(unit, error),
        );
        for (const [index, unit] of left.entries())
          answers.set(unit, outcomes[index] ?? { outcome: 'in-doubt' });
        return answers;
      } catch (error) {
        const doubt = error instanceof CommitInDoubt;
        if (!this.database.isUnavailable(error)) {
          log.error(
            { err: error },
            'taking in failed for a reason that is neither the data nor the database',
          );
        }
        // In doubt, the same messages are looked for before they are stored again: their ids were given beforehand.
        const now = this.clock.monotonic();
        const given = new Set<Taker>();
        for (const unit of left) {
          if ((deadlines.get(unit) ?? Infinity) > now + RETRY_MS && !given.has(unit.taker)) continue;
          if (!doubt) given.add(unit.taker);
          answers.set(
            unit,
            doubt ? { outcome: 'in-doubt' } : { outcome: 'not-stored', retryAfterMs: RETRY_MS },
          );
        }
        left = left.filter((unit) => !answers.has(unit));
        if (left.length === 0) return answers;
        await new Promise<void>((again) => this.clock.after(RETRY_MS, again));
      }
    }
  }

  private async commit(workspace: WorkspaceId, units: readonly Unit[]): Promise<readonly EmitOutcome[]> {
    for (let attempt = 0; ; attempt++) {
      try {
        const done = await this.database.transaction((sql) => this.writer.write(sql, workspace, units));
        if (done.last !== undefined) this.events.committed(workspace, done.last);
        this.writer.learn(done.learnt);
        this.dispatcher.settled(done.settled);
        for (const account of done.due) this.dispatcher.wake(account);
        return done.outcomes;
      } catch (error) {
        if (!(error instanceof StaleKnowledge) || attempt > 3) throw error;
        this.writer.forget(new Set(units.flatMap(({ event }) => event?.account ?? [])));
      }
    }
  }

  private async setAside(unit: Unit, error: unknown): Promise<EmitOutcome> {
    const { code = '', message = '' } = error as { code?: string; message?: string };
    log.warn({ account: unit.event?.account, code }, 'an inbound event was set aside: the tables refused it');
    await this.store.quarantine(this.database, unit, code, message);
    return unit.event
      ? { outcome: 'stored' }
      : { outcome: 'refused', failure: failure('unsupported', message) };
  }
}

function notStored(item: Item): readonly EmitOutcome[] {
  return item.units.map(() => ({ outcome: 'not-stored', retryAfterMs: RETRY_MS }));
}
