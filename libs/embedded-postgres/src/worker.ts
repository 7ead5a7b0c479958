/*
 * The thread in which the database runs. All it knows of the outside is its port.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Broker } from './broker.js';
import { Engine, EngineDied } from './engine.js';
import { Housekeeping } from './housekeeping.js';
import type { FromWorker, Question, ToWorker, WorkerOptions, WorkerStats } from './messages.js';

if (parentPort === null) throw new Error('to be run as a worker thread');
const port = parentPort;
const options = workerData as WorkerOptions;

/*
 * The engine takes its timers from JavaScript's setTimeout. They could only go off between batches, in somebody else's
 * turn, and those that a client may ask for (idle_in_transaction_session_timeout, transaction_timeout …) end the one
 * session that all share. So they never go off; the broker keeps the one that matters. Our own come from node:timers.
 */
Object.assign(globalThis, { setTimeout: () => 0 });

/** Above this length, in bytes, it is cheaper to hand memory over than to copy it. */
const worthTransfer = 2_048;

function post(message: FromWorker): void {
  port.postMessage(message);
}

function die(error: unknown): never {
  post({ kind: 'dying', why: error instanceof Error ? sentence(error) : String(error) });
  process.exit(1);
}

function sentence(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

const engine = await Engine.open({ ...options, panicked: die }).catch(die);
const broker = await Broker.over(
  engine,
  {
    bytes(id, bytes) {
      const message: FromWorker = { kind: 'bytes', id, bytes };
      port.postMessage(message, bytes.length > worthTransfer ? [bytes.buffer] : []);
    },
    end(id) {
      post({ kind: 'end', id });
    },
    slowOwner(owner) {
      post({ kind: 'slow-owner', owner });
    },
    died: die,
  },
  options.idleTransactionMs,
).catch(die);
const housekeeping = new Housekeeping(
  engine,
  broker,
  (on) => {
    post({ kind: 'long-work', on });
  },
  die,
);

async function answer(question: Question): Promise<WorkerStats | Uint8Array | undefined> {
  switch (question) {
    case 'ping':
      return undefined;
    case 'stats':
      return { ...broker.stats, checkpoints: housekeeping.checkpoints, vacuums: housekeeping.vacuums };
    case 'dump':
      return broker.exclusively(() => engine.dump());
    case 'close':
      housekeeping.stop();
      await broker.close();
      await engine.close();
      return undefined;
  }
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'open':
      broker.open(message.id);
      return;
    case 'bytes':
      broker.bytes(message.id, message.bytes);
      return;
    case 'end':
      broker.end(message.id);
      return;
    case 'question': {
      const { number, question } = message;
      answer(question).then(
        (value) => {
          post({ kind: 'answer', number, value });
        },
        (error: unknown) => {
          if (error instanceof EngineDied) die(error);
          post({ kind: 'failure', number, why: error instanceof Error ? sentence(error) : String(error) });
        },
      );
    }
  }
});
housekeeping.start();
post({ kind: 'ready' });
