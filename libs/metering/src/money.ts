/*
 * Money is counted in micro-units, a millionth of the workspace's currency, as big integers: sums are exact, whatever their
 * size, and a price of a hundredth of a cent is still whole. On the wire it is a decimal string.
 */

const MICROS = 1_000_000n;
const shape = /^(-?)(\d{1,12})(?:\.(\d{1,6}))?$/;

/** A decimal of at most twelve digits before the point and six behind it, in micro-units; undefined for anything else. */
export function toMicros(amount: string): bigint | undefined {
  const [, sign, whole, part = ''] = shape.exec(amount) ?? [];
  if (whole === undefined) return undefined;
  const micros = BigInt(whole) * MICROS + BigInt(part.padEnd(6, '0'));
  return sign === '-' ? -micros : micros;
}

/** Micro-units as a decimal without needless zeros: `0.05`, `-12`, `0`. */
export function toAmount(micros: bigint): string {
  const size = micros < 0n ? -micros : micros;
  const part = (size % MICROS).toString().padStart(6, '0').replace(/0+$/, '');
  return `${micros < 0n ? '-' : ''}${(size / MICROS).toString()}${part === '' ? '' : `.${part}`}`;
}

/** The day of a moment in UTC, as `YYYY-MM-DD`: days of usage and caps are UTC's. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** The moment at which a day is over. */
export function endOf(day: string): Date {
  return new Date(Date.parse(day) + 86_400_000);
}
