import type { SessionClock } from '#connector';

/** Waits for some work, and no longer than so many milliseconds. Rejects as the work does. */
export async function inTime(work: Promise<unknown>, ms: number, clock: SessionClock): Promise<void> {
  let cancel: (() => void) | undefined;
  const late = new Promise<void>((done) => {
    cancel = clock.after(ms, done);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    cancel?.();
  }
}
