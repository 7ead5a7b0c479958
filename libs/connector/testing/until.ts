/** Waits for a fact: looks at once, then often, then less often. Fails with the sentence when the deadline passes. */
export async function until<T>(
  sentence: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 5_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (let looks = 0; ; looks++) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`not seen in ${String(deadlineMs)} ms: ${sentence}`);
    // Most facts are a turn or two away; the rest need not be asked for all the time.
    if (looks < 20) await new Promise((turn) => setImmediate(turn));
    else await new Promise((again) => setTimeout(again, Math.min(15, looks / 10)));
  }
}

/** What a promise gives, or undefined when it takes longer than so many milliseconds. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((give) => {
    timer = setTimeout(give, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
