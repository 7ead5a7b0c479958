/*
 * Cursors and positions are opaque: a client keeps them and gives them back. Two things may be asked of them, and the
 * state of a client needs both: which of two cursors of one log is later, and which of two messages stands first.
 */

/**
 * Orders two cursors of the same log: negative when `a` is the earlier one. A cursor is a numeral in an ascending
 * alphabet without leading zeros, so the shorter one is the earlier, and text order decides among equals.
 */
export function compareCursors(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

const microsecondDigits = 14;
const sequenceDigits = 13;
const shape = new RegExp(`^[0-9a-f]{${String(microsecondDigits + sequenceDigits)}}$`);

/**
 * A message's place in its conversation as text that sorts: its display position (microseconds since 1970), then its
 * number in the log. Hexadecimal, of fixed width; what lies before 1970 stands at its beginning.
 */
export function encodePosition(position: bigint, sequence: bigint): string {
  const micros = position < 0n ? 0n : position;
  return (
    micros.toString(16).padStart(microsecondDigits, '0') + sequence.toString(16).padStart(sequenceDigits, '0')
  );
}

/** Reads a place back; undefined when the text is not one of ours. */
export function decodePosition(text: string): { position: bigint; sequence: bigint } | undefined {
  if (!shape.test(text)) return undefined;
  return {
    position: BigInt(`0x${text.slice(0, microsecondDigits)}`),
    sequence: BigInt(`0x${text.slice(microsecondDigits)}`),
  };
}
