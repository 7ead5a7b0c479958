import type { AccountId, EnvelopeId, MessageId, PersonId } from '#model';

/** What is about to be sent, as the network's counting has it. */
export interface Metered {
  readonly account: AccountId;
  /** Absent where nobody in particular sends it. */
  readonly person?: PersonId;
  readonly connector: string;
  /** Into how many parts it will be cut; absent where its network counts none. */
  readonly parts?: number;
  /** One entry per recipient: digits that prices go by. Absent: one recipient, wherever. */
  readonly destinations?: readonly string[];
}

/** What is being sent: what its entries in the ledger refer to. */
export interface MeteredEnvelope extends Metered {
  readonly envelope: EnvelopeId;
  readonly message: MessageId;
}

/** A message that came in. */
export interface Heard {
  readonly message: MessageId;
  readonly account: AccountId;
  readonly connector: string;
  /** In how many parts it came; absent where its network counts none. */
  readonly parts?: number;
  /** Digits that its price goes by: whoever wrote. */
  readonly from?: string;
}

/** Recipients whose price is the same. */
export interface Line {
  /** The prefix of the price book that fits them; empty also where none does. */
  readonly prefix: string;
  readonly recipients: number;
  /** Micro-units per part, as a decimal; absent where no price is known. */
  readonly unit?: string;
}

/** What an envelope is metered at, kept with it. Amounts are micro-units as decimals, for JSON has no big integers. */
export interface Charge {
  readonly connector: string;
  /** The day (UTC) whose usage and caps it counts for: that of its acceptance. */
  readonly day: string;
  /** What counts by now, per recipient. */
  readonly parts: number;
  readonly lines: readonly Line[];
  /** What it costs by now; absent where no price is known. */
  readonly price?: string;
  readonly currency?: string;
  /** What the ledger has of it by now; absent where nothing was demanded. */
  readonly taken?: string;
  /** Whether the ledger has a refund of it: what changes after that is a correction. */
  readonly refunded?: true;
}

/** What so many parts cost to all recipients; undefined where a price is missing. */
export function priceOf(lines: readonly Line[], parts: number): bigint | undefined {
  let price = 0n;
  for (const { unit, recipients } of lines) {
    if (unit === undefined) return undefined;
    price += BigInt(unit) * BigInt(recipients) * BigInt(parts);
  }
  return price;
}

/** How many parts leave for all recipients together. */
export function partsOf(lines: readonly Line[], parts: number): number {
  return lines.reduce((sum, { recipients }) => sum + recipients, 0) * parts;
}
