import type { WorkerLink } from './worker-link.js';

export interface WatchdogOptions {
  /** How often to ask, in ms; 0 for never. */
  readonly everyMs: number;
  /** For how long a question may stay open, in ms. */
  readonly timeoutMs: number;
  /** Whether to look away just now. */
  readonly held: () => boolean;
}

/** The worker has not answered for too long: a statement that does not end, or an engine that spins. */
class WorkerUnresponsive extends Error {
  override readonly name = 'WorkerUnresponsive';
}

/**
 * Asks a worker again and again whether it is alive, and ends it when it is not. It counts its own turns instead of
 * reading a clock, so that a machine that wakes from sleep, or a main thread that was busy, kills nothing.
 */
export function watch(link: WorkerLink, { everyMs, timeoutMs, held }: WatchdogOptions): () => void {
  if (everyMs <= 0) return () => undefined;
  let unanswered = false;
  let turns = 0;
  const timer = setInterval(() => {
    if (!unanswered) {
      turns = 0;
      unanswered = true;
      link.ask('ping').then(
        () => {
          unanswered = false;
        },
        () => undefined, // it has ended by itself
      );
      return;
    }
    turns = held() ? 0 : turns + 1;
    if (turns * everyMs < timeoutMs) return;
    clearInterval(timer);
    void link.terminate(
      new WorkerUnresponsive(
        `the engine has not answered for ${String(timeoutMs)} ms: a statement that long is ended`,
      ),
    );
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
