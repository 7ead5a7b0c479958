import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { FromWorker, Question, ToWorker, WorkerOptions, WorkerStats } from './messages.js';

/** What a worker tells without being asked. */
export type Told = Exclude<FromWorker, { kind: 'ready' | 'dying' | 'answer' | 'failure' }>;
type Answer = WorkerStats | Uint8Array | undefined;

/** A worker is always compiled JavaScript: Node runs no TypeScript. */
const workerUrl = new URL(import.meta.resolve('#workers/embedded-postgres'));

/** Above this length, in bytes, it is cheaper to hand memory over than to copy it. */
const worthTransfer = 2_048;

/** Where the build leaves the archive that new databases start from; undefined where it has left none. */
export function builtArchive(): string | undefined {
  const path = fileURLToPath(new URL('../../../embedded-postgres.tar.gz', workerUrl));
  return existsSync(path) ? path : undefined;
}

/** One life of the worker thread. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #asked = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  #number = 0;
  #opened: () => void = () => undefined;
  #why: Error | undefined;
  #gone = false;
  /** Resolves when the database is open; rejects when the worker ends before. */
  readonly ready: Promise<void>;
  /** Resolves, with what is known of the reason, when the worker is gone. */
  readonly ended: Promise<Error>;

  constructor(options: WorkerOptions, tell: (told: Told) => void) {
    this.#worker = new Worker(workerUrl, { workerData: options, execArgv: [], name: 'embedded-postgres' });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        resolve((this.#why ??= new Error(`the worker ended with code ${String(code)}`)));
      });
    });
    this.ready = new Promise((resolve, reject) => {
      this.#opened = resolve;
      void this.ended.then(reject);
    });
    void this.ended.then((why) => {
      this.#gone = true;
      for (const { reject } of this.#asked.values()) reject(why);
      this.#asked.clear();
    });
    this.#worker.on('error', (error: Error) => {
      this.#why ??= error;
    });
    this.#worker.on('message', (message: FromWorker) => {
      switch (message.kind) {
        case 'ready':
          this.#opened();
          return;
        case 'dying':
          this.#why = lastWords(message.why);
          return;
        case 'answer':
          this.#settle(message.number)?.resolve(message.value);
          return;
        case 'failure':
          this.#settle(message.number)?.reject(new Error(message.why));
          return;
        case 'bytes':
        case 'end':
        case 'slow-owner':
        case 'long-work':
          tell(message);
      }
    });
  }

  post(message: ToWorker): void {
    const transfer =
      message.kind === 'bytes' && message.bytes.length > worthTransfer ? [message.bytes.buffer] : [];
    this.#worker.postMessage(message, transfer);
  }

  /** Asks, and rejects when the worker ends before it has answered. */
  ask(question: 'stats'): Promise<WorkerStats>;
  ask(question: 'dump'): Promise<Uint8Array>;
  ask(question: 'ping' | 'close'): Promise<undefined>;
  ask(question: Question): Promise<Answer> {
    if (this.#gone) return Promise.reject(this.#why ?? new Error('the worker is gone'));
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      this.#asked.set(number, { resolve, reject });
      this.post({ kind: 'question', number, question });
    });
  }

  /** Whether the worker keeps the process running. */
  hold(held: boolean): void {
    if (held) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Ends the worker wherever it is. */
  async terminate(why: Error): Promise<void> {
    this.#why ??= why;
    this.#worker.ref();
    await this.#worker.terminate();
    await this.ended;
  }

  #settle(number: number): { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    return asked;
  }
}

/** With the SQLSTATE of a full disk, which callers answer in a way of its own, where that is what the engine died of. */
function lastWords(why: string): Error {
  const error = new Error(why);
  return why.includes('No space left on device') ? Object.assign(error, { code: '53100' }) : error;
}
