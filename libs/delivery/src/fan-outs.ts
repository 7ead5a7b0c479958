import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import type { Job, SendMessagesBody } from '#api';
import { EventLog, Signals } from '#bus';
import { brand, newId, type FanOutId, type NewEvent } from '#model';
import { Database, Problem } from '#platform';
import { FanOutStore, type FanOutRow } from './fan-out.store.js';
import type { IdempotencyKey } from './idempotency.store.js';

/** The channel on which it is told that a job begins. */
export const FAN_OUT_CHANNEL = 'fan-outs';

/** Sends to more than a hundred recipients: one durable row answers 202, and the sweep expands it in slices. */
@Injectable()
export class FanOuts {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: FanOutStore,
    private readonly signals: Signals,
  ) {}

  /** Stores the request as a job. The same key answers with the same job. */
  async begin(caller: Principal, body: SendMessagesBody, key: IdempotencyKey | undefined): Promise<Job> {
    const id = newId<'FanOutId'>();
    const done = await this.database.transaction(async (sql) => {
      const kept = key ? await this.store.claim(sql, caller.workspace, key, id) : { job: id };
      if ('misused' in kept) return kept;
      if (kept.job !== id) return { job: kept.job, last: undefined };
      await this.store.insert(sql, { id, caller, body });
      const { last } = await this.events.append(sql, caller.workspace, [jobChanged(id, caller.person)]);
      return { job: id, last };
    });
    if ('misused' in done) {
      throw new Problem(422, 'idempotency-key-reused', 'This Idempotency-Key was used for another request.');
    }
    if (done.last !== undefined) {
      this.events.committed(caller.workspace, done.last);
      this.signals.publish(FAN_OUT_CHANNEL);
    }
    const job = await this.byId(done.job);
    if (!job) throw new Problem(500, 'internal', 'The job is not there.');
    return job;
  }

  /** A job as it stands now. */
  async byId(id: FanOutId): Promise<Job | undefined> {
    const [row] = await this.store.byIds(this.database, [id]);
    return row ? jobOf(row) : undefined;
  }

  /** Jobs as the stream shows them, by id. */
  async byIds(ids: readonly string[]): Promise<Map<string, Job>> {
    const rows = ids.length > 0 ? await this.store.byIds(this.database, ids) : [];
    return new Map(rows.map((row) => [row.id, jobOf(row)]));
  }
}

function jobOf(row: FanOutRow): Job {
  return {
    id: brand<'FanOutId'>(row.id),
    total: row.total,
    done: row.done,
    refused: [...row.refused],
    finished: row.done >= row.total,
  };
}

/** The event that tells how far a job has come. */
export function jobChanged(id: FanOutId, person: Principal['person']): NewEvent {
  return {
    id: newId<'EventId'>(),
    type: 'job.changed',
    audience: { kind: 'person', person },
    subject: id,
    data: { job: id },
  };
}
