/*
 * A cursor is a position in one workspace's log as clients see it: opaque, so that nobody counts on its arithmetic.
 * The version letter lets a later form be told apart from this one.
 */
const form = /^a([0-9a-z]{1,13})$/;
const largest = 2n ** 63n - 1n;

/** The cursor that stands just behind the event with this sequence; `0n` stands before the first. */
export function encodeCursor(sequence: bigint): string {
  return `a${sequence.toString(36)}`;
}

/** The sequence of a cursor that `encodeCursor` made; `undefined` for any other text. */
export function decodeCursor(text: string): bigint | undefined {
  const digits = form.exec(text)?.[1];
  if (digits === undefined) return undefined;
  let sequence = 0n;
  for (const digit of digits) sequence = sequence * 36n + BigInt(parseInt(digit, 36));
  return sequence <= largest && encodeCursor(sequence) === text ? sequence : undefined;
}
