import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DueSweep, EventLog, Signals } from '#bus';
import type { AccountId, WorkspaceId } from '#model';
import { Database, logger, type Sql } from '#platform';
import { DUE_CHANNEL } from './accept.js';
import { Charges } from './charges.js';
import { Dispatcher } from './dispatcher.js';
import { envelopeChanged, type ChangedRow } from './envelope.store.js';
import { IdempotencyStore } from './idempotency.store.js';
import { Receipts } from './receipts.js';
import { SweepStore } from './sweep.store.js';

const log = logger('delivery');

/** What is timed has its time in its own row; these look at the rows. A lost signal costs at most one round of them. */
@Injectable()
export class DeliverySweeps implements OnApplicationBootstrap {
  constructor(
    private readonly due: DueSweep,
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: SweepStore,
    private readonly keys: IdempotencyStore,
    private readonly receipts: Receipts,
    private readonly charges: Charges,
    private readonly dispatcher: Dispatcher,
    private readonly signals: Signals,
  ) {}

  onApplicationBootstrap(): void {
    this.due.add('envelopes-scheduled', () => this.schedule());
    this.due.add('envelopes-expired', () => this.expire());
    this.due.add('envelopes-due', () => {
      this.dispatcher.wakeAll();
      return Promise.resolve(undefined);
    });
    this.due.add('idempotency-keys', async () => {
      const gone = await this.keys.forget(this.database);
      if (gone > 0) log.info({ gone }, 'forgot old idempotency keys');
      return undefined;
    });
    this.due.add('parked-receipts', () => this.unpark());
    this.signals.subscribe(DUE_CHANNEL, (hint) => {
      const accounts = (hint as { accounts?: AccountId[] } | undefined)?.accounts;
      if (!accounts) this.dispatcher.wakeAll();
      else for (const account of accounts) this.dispatcher.wake(account);
    });
  }

  /** Gives scheduled envelopes their place in the lane when their time has come. */
  private async schedule(): Promise<Date | undefined> {
    await this.perWorkspace((sql, workspace) => this.store.scheduleDue(sql, workspace), true);
    return await this.store.nextScheduled(this.database);
  }

  /** Only what waits expires: what may have left has a fate of its own. */
  private async expire(): Promise<Date | undefined> {
    await this.perWorkspace((sql, workspace) => this.store.expire(sql, workspace), false);
    return undefined;
  }

  /** Receipts whose ids have become known while nobody looked; what never becomes known is forgotten. */
  private async unpark(): Promise<undefined> {
    for (const [workspace, learnt] of await this.receipts.overdue(this.database)) {
      const done = await this.database.transaction(async (sql) => {
        const { events, settled } = await this.receipts.unpark(sql, learnt);
        if (events.length === 0) return { settled, last: undefined };
        const metered = await this.charges.alongside(sql, workspace, events);
        const { last } = await this.events.append(sql, workspace, events, metered);
        return { settled, last };
      });
      if (done.last !== undefined) this.events.committed(workspace, done.last);
      this.dispatcher.settled(done.settled);
    }
    const gone = await this.receipts.forget(this.database);
    if (gone > 0) log.info({ gone }, 'forgot receipts that were about nothing of ours');
  }

  private async perWorkspace(
    work: (sql: Sql, workspace: WorkspaceId) => Promise<ChangedRow[]>,
    ordered: boolean,
  ): Promise<void> {
    for (const workspace of await this.store.workspacesDue(
      this.database,
      ordered ? 'scheduled' : 'expired',
    )) {
      const done = await this.database.transaction(async (sql) => {
        const rows = await work(sql, workspace);
        if (rows.length === 0) return { rows, last: undefined };
        const events = rows.map(envelopeChanged);
        const places = ordered ? [this.store.takePlaces()] : [];
        const alongside = await this.charges.alongside(sql, workspace, events, ...places);
        const { last } = await this.events.append(sql, workspace, events, alongside);
        return { rows, last };
      });
      if (done.last === undefined) continue;
      this.events.committed(workspace, done.last);
      const accounts = [...new Set(done.rows.map((row) => row.account_id))];
      if (ordered) this.signals.publish(DUE_CHANNEL, { accounts });
    }
  }
}
