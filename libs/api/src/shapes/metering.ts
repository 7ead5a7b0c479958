import type { AccountId, EnvelopeId, Id, MessageId, PersonId } from '#model';
import { z } from 'zod';
import { Amount, idOf, maxCaps, maxPrices, Next, pageOf, text, Time, Version } from '../values.js';
import { Recipient } from './messages.js';
import { Failure } from './problem.js';

/** What one part may cost, and how much money a cap may name. */
const PositiveIn = z
  .string()
  .regex(
    /^\d{1,6}(\.\d{1,6})?$/,
    'must be a decimal such as "0.05": at most 6 digits before the point and 6 behind it',
  );
const MoneyIn = z
  .string()
  .regex(
    /^-?\d{1,9}(\.\d{1,6})?$/,
    'must be a decimal such as "10.50": at most 9 digits before the point and 6 behind it',
  );

const known = new Set(Intl.supportedValuesOf('currency'));
const CurrencyIn = z
  .string()
  .refine((code) => known.has(code), 'must be a currency’s code by ISO 4217, such as "EUR"');

/** Out: what we send. In: what comes to us. */
export const Direction = z.enum(['out', 'in']);
export type Direction = z.output<typeof Direction>;

/** What one part costs to (or from) numbers that begin so; the longest prefix that fits wins, the empty one fits all. */
export const Price = z.object({
  connector: z.string(),
  direction: Direction,
  prefix: z.string(),
  price: Amount,
});
export type Price = z.output<typeof Price>;

/** A workspace's prices. Version 0: nobody has written any. */
export const PriceList = z.object({
  currency: z.string().nullable(),
  version: Version,
  items: z.array(Price),
});
export type PriceList = z.output<typeof PriceList>;

/** All prices at once, in the place of the last. */
export const SetPricesBody = z.strictObject({
  currency: CurrencyIn,
  items: z
    .array(
      z.strictObject({
        connector: z.string().min(1).max(64),
        direction: Direction.default('out'),
        prefix: z
          .string()
          .regex(/^\d{0,15}$/, 'must be at most 15 digits, without a plus')
          .default(''),
        price: PositiveIn,
      }),
    )
    .max(maxPrices),
});
export type SetPricesBody = z.output<typeof SetPricesBody>;

export const CapScope = z.enum(['workspace', 'account', 'person']);
export type CapScope = z.output<typeof CapScope>;

/** How much may be sent in a day (UTC). Parts count where the network counts them, money where a price is known. */
export const Cap = z.object({
  scope: CapScope,
  /** Of an account or a person; null: of the workspace, or of each that has none of its own. */
  id: idOf<Id<'Capped'>>().nullable(),
  parts: z.int().nullable(),
  price: Amount.nullable(),
  /** Of today; null where the cap is of each. */
  used: z.object({ parts: z.int(), price: Amount }).nullable(),
});
export type Cap = z.output<typeof Cap>;

export const Caps = z.object({ items: z.array(Cap), resetsAt: Time });
export type Caps = z.output<typeof Caps>;

const CapIn = z
  .strictObject({
    scope: CapScope,
    id: idOf<Id<'Capped'>>().exactOptional(),
    parts: z.int().min(0).max(1_000_000_000).exactOptional(),
    price: MoneyIn.refine((amount) => !amount.startsWith('-'), 'must not be negative').exactOptional(),
  })
  .superRefine((cap, context) => {
    if (cap.parts === undefined && cap.price === undefined) {
      context.addIssue({ code: 'custom', message: 'must name parts, a price, or both' });
    }
    if (cap.scope === 'workspace' && cap.id !== undefined) {
      context.addIssue({ code: 'custom', path: ['id'], message: 'is not for a cap of the workspace' });
    }
  });

/** All caps at once, in the place of the last. */
export const SetCapsBody = z.strictObject({ items: z.array(CapIn).max(maxCaps) });
export type SetCapsBody = z.output<typeof SetCapsBody>;

/** How a workspace pays. */
export const Meter = z.object({
  /** Whether what costs something needs a balance. */
  prepaid: z.boolean(),
  balance: Amount,
  currency: z.string().nullable(),
});
export type Meter = z.output<typeof Meter>;

export const SetMeterBody = z.strictObject({ prepaid: z.boolean() });
export type SetMeterBody = z.output<typeof SetMeterBody>;

export const EntryKind = z.enum(['top-up', 'charge', 'refund', 'correction', 'adjustment']);

/** One entry of the ledger. All amounts sum to the balance of the last. */
export const LedgerEntry = z.object({
  /** From 1, without holes. */
  sequence: z.int(),
  kind: EntryKind,
  /** What it takes is negative. */
  amount: Amount,
  /** With it. */
  balance: Amount,
  envelope: idOf<EnvelopeId>().nullable(),
  message: idOf<MessageId>().nullable(),
  /** Who sent, or who entered it. */
  person: idOf<PersonId>().nullable(),
  note: z.string().nullable(),
  at: Time,
});
export type LedgerEntry = z.output<typeof LedgerEntry>;

/** The latest entries first. */
export const LedgerPage = pageOf(LedgerEntry).extend({ balance: Amount, currency: z.string().nullable() });
export type LedgerPage = z.output<typeof LedgerPage>;

/** What an admin enters: money that came in, or what sets something right. */
export const EnterBody = z
  .strictObject({
    kind: z.enum(['top-up', 'adjustment']).default('top-up'),
    /** Of an adjustment also less than nothing. */
    amount: MoneyIn,
    note: text(0, 300).exactOptional(),
  })
  .superRefine(({ kind, amount }, context) => {
    if (/^-?0+(\.0+)?$/.test(amount) || (kind === 'top-up' && amount.startsWith('-'))) {
      context.addIssue({
        code: 'custom',
        path: ['amount'],
        message: kind === 'top-up' ? 'must be more than nothing' : 'must not be nothing',
      });
    }
  });
export type EnterBody = z.output<typeof EnterBody>;

/** Sums of what was sent and received; of what it was grouped by, each says which. */
export const UsageSum = z.object({
  day: z.iso.date().exactOptional(),
  account: idOf<AccountId>().exactOptional(),
  /** What the account is called; null where it is gone. */
  accountLabel: z.string().nullable().exactOptional(),
  /** Who sent; null for what came in. */
  person: idOf<PersonId>().nullable().exactOptional(),
  personName: z.string().nullable().exactOptional(),
  connector: z.string().exactOptional(),
  direction: Direction.exactOptional(),
  /** The prefix of the price book that fitted: digits, empty where none did. */
  destination: z.string().exactOptional(),
  /** How many were accepted, or came in. */
  messages: z.int(),
  /** What counted of them in the end, where the network counts parts. */
  parts: z.int(),
  price: Amount,
});
export type UsageSum = z.output<typeof UsageSum>;

export const UsagePage = z.object({
  items: z.array(UsageSum),
  next: Next.exactOptional(),
  currency: z.string().nullable(),
});
export type UsagePage = z.output<typeof UsagePage>;

/** What a message would become for one recipient, and what it would cost. */
export const Quoted = z.object({
  to: Recipient,
  /** Into how many parts it would be cut; null where the network counts none. */
  parts: z.int().nullable(),
  coding: z.string().nullable(),
  /** Of the coding: septets, or UTF-16 code units. */
  units: z.int().nullable(),
  /** That still fit into the last part. */
  unitsLeft: z.int().nullable(),
  /** Null where no price is known. */
  price: Amount.nullable(),
  /** Before when it would not leave, and why. */
  notBefore: z.object({ at: Time, why: z.string() }).nullable(),
  /** Why it would be refused, were it sent now. */
  failure: Failure.nullable(),
});
export type Quoted = z.output<typeof Quoted>;

/** One quote per recipient, in the order asked; each as if those before it had been sent. */
export const QuoteAnswer = z.object({
  results: z.array(Quoted),
  currency: z.string().nullable(),
  /** Of those that would not be refused and have a price. */
  total: Amount,
});
export type QuoteAnswer = z.output<typeof QuoteAnswer>;
