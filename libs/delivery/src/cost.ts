import type { EnvelopeSummary } from '#api';
import { toAmount, type Charge } from '#metering';

/** What an envelope is metered at, as people see it. */
export function costOf(
  charge: Charge | null | undefined,
): Pick<EnvelopeSummary, 'partCount' | 'price' | 'currency'> {
  if (!charge) return {};
  const { parts, price, currency } = charge;
  return {
    partCount: parts,
    ...(price === undefined ? {} : { price: toAmount(BigInt(price)) }),
    ...(currency === undefined ? {} : { currency }),
  };
}
