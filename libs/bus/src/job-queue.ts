import { logger, type Database } from '#platform';
import type { Redis } from 'ioredis';
import type { Job, JobsOptions, PgPool, QueueOptions, WorkerOptions } from 'bullmq';

const log = logger('bus');

/** One queue for every kind of job: each further one costs a connection that waits. */
const queueName = 'parley';
const schema = 'bullmq';
/** Also how many jobs of one process run at once. */
const concurrency = 8;
/** How long jobs may take to finish when the process ends; what takes longer is done again elsewhere. */
const patienceMs = 5_000;

export interface JobWorker {
  close(): Promise<void>;
}

/** A queue of BullMQ's, wherever it is kept. */
export interface JobQueue {
  add(name: string, data: unknown, options: JobsOptions): Promise<void>;
  work(process: (name: string, data: unknown) => Promise<void>): JobWorker;
  close(): Promise<void>;
}

const workerOptions: Omit<WorkerOptions, 'connection'> = {
  concurrency,
  // A job whose worker died goes back each time: attempts count failures, not our restarts.
  maxStalledCount: 5,
  runRetryDelay: 1_000,
  removeOnComplete: { count: 0 },
};

/** In the database itself, in a schema of BullMQ's own, which its own migrations bring up to date. */
export async function openPostgresQueue(database: Database): Promise<JobQueue> {
  const { createPostgresBackend, runMigrations, withBackend } = await import('bullmq');
  const pool = database.pool({
    max: 4,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    options: `-c search_path=${schema},public`,
  });
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, schema);
    } finally {
      client.release();
    }
  } catch (error) {
    await pool.end();
    throw error;
  }
  const { Queue, Worker } = withBackend(createPostgresBackend);
  // The same thing; its declaration knows fewer of `query`'s forms.
  const connection = pool as unknown as PgPool;
  const queue = new Queue(queueName, { connection });
  return queueOf(
    queue,
    (process) => new Worker(queueName, process, { ...workerOptions, connection }),
    async () => {
      await pool.end();
    },
  );
}

/** In Redis, which may be away: adding then fails at once, and a worker waits for it to come back. */
export async function openRedisQueue(url: string): Promise<JobQueue> {
  const [{ Queue, Worker }, ioredis] = await Promise.all([import('bullmq'), import('ioredis')]);
  const connections: Redis[] = [];
  const connect = (enableOfflineQueue: boolean, connectionName: string): Redis => {
    const connection = new ioredis.Redis(url, {
      enableOfflineQueue,
      connectionName,
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(2_000, 100 * times),
    });
    connection.on('error', () => undefined);
    connections.push(connection);
    return connection;
  };
  const options = (connection: Redis): Pick<QueueOptions, 'connection' | 'prefix'> => ({
    connection,
    prefix: 'parley-jobs',
  });
  const queue = new Queue(queueName, options(connect(false, 'parley-jobs')));
  return queueOf(
    queue,
    (process) =>
      new Worker(queueName, process, { ...workerOptions, ...options(connect(true, 'parley-worker')) }),
    () => {
      for (const connection of connections) connection.disconnect();
      return Promise.resolve();
    },
  );
}

interface Emitter {
  on(event: 'error', listener: (err: Error) => void): unknown;
  close(): Promise<void>;
  disconnect(): Promise<void>;
}

function queueOf(
  queue: Emitter & { add(name: string, data: unknown, options: JobsOptions): Promise<unknown> },
  startWorker: (process: (job: Job) => Promise<void>) => Emitter,
  disconnect: () => Promise<void>,
): JobQueue {
  const complain = complaints();
  queue.on('error', complain);
  return {
    async add(name, data, options) {
      await queue.add(name, data, options);
    },
    work(process) {
      const worker = startWorker((job) => process(job.name, job.data));
      worker.on('error', complain);
      return {
        async close() {
          if (!(await within(worker.close(), patienceMs))) await within(worker.disconnect(), 500);
        },
      };
    },
    async close() {
      await within(queue.close(), patienceMs);
      await disconnect();
    },
  };
}

/** A lost connection is told once a minute, not with every try. */
function complaints(): (err: Error) => void {
  let last = -Infinity;
  return (err) => {
    const now = performance.now();
    if (now - last < 60_000) return;
    last = now;
    log.warn({ err }, 'the job queue has trouble');
  };
}

/** Whether it was done in time, well or badly. */
async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const done = await Promise.race([
    work.then(
      () => true,
      (err: unknown) => {
        log.debug({ err }, 'the job queue did not close well');
        return true;
      },
    ),
    new Promise<boolean>((over) => {
      timer = setTimeout(over, ms, false);
    }),
  ]);
  clearTimeout(timer);
  return done;
}
