/**
 * How long to wait before the next try: doubling from the first to the longest, the last half of it by chance, so that
 * thousands of links that lost one server do not come back in one instant.
 */
export function backoffMs(
  tries: number,
  { backoffMs: first, backoffMaxMs: longest }: { readonly backoffMs: number; readonly backoffMaxMs: number },
  random: number,
): number {
  const whole = Math.min(longest, first * 2 ** Math.min(tries, 30));
  return Math.ceil(whole / 2 + (whole / 2) * random);
}
