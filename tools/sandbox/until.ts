/** Waits for a fact, looking every few milliseconds. */
export async function until<T>(sentence: string, look: () => T | undefined, deadlineMs = 20_000): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const seen = look();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`not seen in ${String(deadlineMs)} ms: ${sentence}`);
    await new Promise((again) => setTimeout(again, 10));
  }
}
