import type { AccountId, MessageId, PersonId } from '#model';
import { z } from 'zod';
import { AddressText, idOf, text, Time } from '../values.js';

/** Whether somebody may be written to, as was said last. It outlives whatever else is kept of them. */
export const OptOut = z.object({
  account: idOf<AccountId>(),
  /** The conversation’s: the same somebody may want no more from one number of ours, and go on with another. */
  address: z.string(),
  optedOut: z.boolean(),
  /** Of ours, who has put it down; null where they have said it themselves. */
  person: idOf<PersonId>().nullable(),
  /** In which they have said it. */
  message: idOf<MessageId>().nullable(),
  reason: z.string().nullable(),
  at: Time,
});
export type OptOut = z.output<typeof OptOut>;

export const SetOptOutBody = z.strictObject({
  account: idOf<AccountId>(),
  address: AddressText,
  optedOut: z.boolean(),
  /** How it came to be known: by telephone, by letter. */
  reason: text(1, 1_000).exactOptional(),
});
export type SetOptOutBody = z.output<typeof SetOptOutBody>;
