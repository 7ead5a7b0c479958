import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Principal } from '#accounts';
import { maxRecipientsAtOnce } from '#api';
import { DueSweep, EventLog, Signals } from '#bus';
import { Database, logger } from '#platform';
import { FanOutStore, type FanOutRow } from './fan-out.store.js';
import { FAN_OUT_CHANNEL, jobChanged } from './fan-outs.js';
import { SendService } from './send.service.js';

const log = logger('delivery');

/**
 * Expands jobs in slices. A slice is accepted under an idempotency key of its own, so one that was cut off in the middle
 * is sent once all the same.
 */
@Injectable()
export class FanOutSweep implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: FanOutStore,
    private readonly sender: SendService,
    private readonly due: DueSweep,
    private readonly signals: Signals,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = this.due.add('fan-outs', () => this.expand());
    this.signals.subscribe(FAN_OUT_CHANNEL, () => {
      sweep.wake();
    });
  }

  private async expand(): Promise<Date | undefined> {
    for (;;) {
      const row = await this.store.next(this.database);
      if (!row) return undefined;
      await this.expandSlice(row);
    }
  }

  private async expandSlice(row: FanOutRow): Promise<void> {
    const { caller, body } = row.request;
    const recipients = body.to.slice(row.done, row.done + maxRecipientsAtOnce);
    const principal: Principal = { ...caller, scopes: new Set(caller.scopes) };
    const results = await this.sender.slice(
      principal,
      body,
      recipients,
      `fan-out:${row.id}:${String(row.done)}`,
    );
    const refused = results.flatMap((result, index) =>
      'failure' in result ? [{ index: row.done + index, failure: result.failure }] : [],
    );
    const { last } = await this.database.transaction(async (sql) => {
      await this.store.advance(sql, row, recipients.length, refused);
      return await this.events.append(sql, principal.workspace, [jobChanged(row.id, principal.person)]);
    });
    this.events.committed(principal.workspace, last);
    log.debug(
      { job: row.id, done: row.done + recipients.length, total: row.total },
      'expanded a slice of a fan-out',
    );
  }
}
