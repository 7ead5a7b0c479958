import { Clock, Config, Database, logger, Metrics } from '#platform';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { JobsOptions } from 'bullmq';
import { openPostgresQueue, openRedisQueue, type JobQueue, type JobWorker } from './job-queue.js';
import type { JsonLike } from './json.js';

const log = logger('bus');

/** Nobody handles jobs of this name, or two do: a mistake in the program. */
export class UnknownJob extends Error {
  override readonly name = 'UnknownJob';
}

/** The job could not be put down in time; it may yet be. What it stands for is found by the sweeps, only later. */
export class JobsUnavailable extends Error {
  override readonly name = 'JobsUnavailable';
}

export interface JobOptions {
  /** Not before so many milliseconds. */
  readonly delayMs?: number;
  /** While a job of this name with this key waits, no other is added; while one runs, one more may wait behind it. */
  readonly key?: string;
  /** At least 2, since a crash costs one; 3 by default. */
  readonly attempts?: number;
}

/** Handlers are idempotent: a job may run twice, and it may run when what it was for is done. */
export type JobHandler = (data: JsonLike) => Promise<void>;

/** How long putting a job down may take before it counts as failed. */
const patienceMs = 5_000;
const retryMs = { first: 1_000, most: 30_000 };

/**
 * Work that can be made again, and early alarms: never the truth about anything. Rooms name their handlers in every
 * process, whatever its role; only workers run them. On BullMQ, in Redis where there is one, else in the database.
 */
@Injectable()
export class Jobs implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #handlers = new Map<string, JobHandler>();
  readonly #count: (job: string, outcome: 'done' | 'failed') => void;
  #queue: Promise<JobQueue> | undefined;
  #worker: JobWorker | undefined;
  #starting = false;
  #started = false;
  #closing: Promise<void> | undefined;
  #failures = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    const runs = metrics.counter('parley_job_runs_total', 'Deferred jobs by what became of each run', [
      'job',
      'outcome',
    ]);
    this.#count = (job, outcome) => {
      runs.inc({ job, outcome });
    };
  }

  /** @throws UnknownJob when the name is taken. */
  handle(name: string, handler: JobHandler): void {
    if (this.#handlers.has(name)) throw new UnknownJob(`two handlers for the job ${name}`);
    this.#handlers.set(name, handler);
    if (this.#started) void this.#work();
  }

  /** @throws UnknownJob JobsUnavailable */
  async add(name: string, data: JsonLike, options: JobOptions = {}): Promise<void> {
    if (!this.#handlers.has(name)) throw new UnknownJob(`no handler for the job ${name}`);
    try {
      const queue = await this.#open();
      await this.#soon(queue.add(name, { data }, bullOptions(name, options)));
    } catch (cause) {
      throw new JobsUnavailable(`the job ${name} could not be added`, { cause });
    }
  }

  onApplicationBootstrap(): void {
    this.#started = true;
    void this.#work();
  }

  /** Jobs that run may finish; nothing new begins. */
  onModuleDestroy(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#cancelRetry?.();
    await this.#worker?.close();
    const queue = await this.#queue?.catch(() => undefined);
    await queue?.close();
  }

  /** A queue that lost its connection may wait for ever; whoever adds a job does not. */
  async #soon(work: Promise<void>): Promise<void> {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_, fail) => {
      cancel = this.clock.after(patienceMs, () => {
        fail(new Error('no answer in time'));
      });
    });
    try {
      await Promise.race([work, late]);
    } finally {
      cancel();
    }
  }

  /** Opened by the first who needs it, and anew after a failure. */
  #open(): Promise<JobQueue> {
    if (this.#closing) return Promise.reject(new Error('the job queue is closed'));
    if (!this.#queue) {
      const { redisUrl } = this.config;
      const opening = redisUrl === undefined ? openPostgresQueue(this.database) : openRedisQueue(redisUrl);
      this.#queue = opening;
      opening.catch(() => {
        if (this.#queue === opening) this.#queue = undefined;
      });
    }
    return this.#queue;
  }

  async #work(): Promise<void> {
    if (this.#worker || this.#starting || this.#closing) return;
    if (this.#handlers.size === 0 || !this.config.roles.has('worker')) return;
    this.#starting = true;
    try {
      const queue = await this.#open();
      // Closed while it was opening: the queue is closed by whoever closed us.
      if (!this.isClosed) this.#worker = queue.work((name, data) => this.#run(name, data));
    } catch (err) {
      const wait = Math.min(retryMs.most, retryMs.first * 2 ** this.#failures++);
      log.warn({ err, retryInMs: wait }, 'jobs cannot be run, trying again');
      this.#cancelRetry = this.clock.after(wait, () => void this.#work());
    } finally {
      this.#starting = false;
    }
  }

  private get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  async #run(name: string, data: unknown): Promise<void> {
    const handler = this.#handlers.get(name);
    // Another version of this program put it down; one that knows it may yet take it.
    if (!handler) throw new UnknownJob(`no handler for the job ${name}`);
    try {
      await handler((data as { data: JsonLike }).data);
      this.#count(name, 'done');
    } catch (err) {
      this.#count(name, 'failed');
      log.warn({ err, job: name }, 'a job failed');
      throw err;
    }
  }
}

function bullOptions(name: string, { delayMs = 0, key, attempts = 3 }: JobOptions): JobsOptions {
  return {
    delay: Math.max(0, delayMs),
    attempts: Math.max(2, attempts),
    backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
    removeOnComplete: true,
    removeOnFail: { count: 1_000, age: 7 * 24 * 3_600 },
    ...(key !== undefined && { deduplication: { id: `${name}:${key}`, keepLastIfActive: true } }),
  };
}
