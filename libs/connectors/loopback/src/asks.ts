import type { SessionClock } from '#connector';
import type { ServerFrame } from './loopback.frames.js';

/** The frames that answer a question. */
export type AnswerFrame = Extract<ServerFrame, { readonly t: 'page' | 'answer' | 'resolved' }>;

const mostOpen = 1_024;

/** Questions that wait for their answer. Each ends once: answered, too late, asked back, or the link gone. */
export class Asks {
  private readonly open = new Map<number, (answer: AnswerFrame | undefined) => void>();
  private last = 0;

  constructor(
    private readonly clock: SessionClock,
    private readonly answerMs: number,
  ) {}

  /** Asks by `write`, which is given the question's number. Undefined when no answer came. */
  ask(write: (q: number) => void, signal?: AbortSignal): Promise<AnswerFrame | undefined> {
    if (this.open.size >= mostOpen || signal?.aborted === true) return Promise.resolve(undefined);
    const q = ++this.last;
    return new Promise((resolve) => {
      const done = (answer: AnswerFrame | undefined) => {
        this.open.delete(q);
        cancel();
        signal?.removeEventListener('abort', giveUp);
        resolve(answer);
      };
      const giveUp = () => {
        done(undefined);
      };
      const cancel = this.clock.after(this.answerMs, giveUp);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.open.set(q, done);
      write(q);
    });
  }

  answer(frame: AnswerFrame): void {
    this.open.get(frame.q)?.(frame);
  }

  drop(): void {
    for (const done of [...this.open.values()]) done(undefined);
  }
}
