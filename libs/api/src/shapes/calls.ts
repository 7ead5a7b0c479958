import type { AccountId, CallId, ConversationId, PersonId } from '#model';
import { z } from 'zod';
import { CallStateWord, LegStateWord } from '../words.js';
import { AddressText, idOf, Time, Version } from '../values.js';
import { Author, Recipient } from './messages.js';
import { Failure } from './problem.js';

/** One call: that rang at an account, that its person made on a device of theirs, or that was placed here. */
export const Call = z.object({
  id: idOf<CallId>(),
  account: idOf<AccountId>(),
  /** The direct conversation with the other end. */
  conversation: idOf<ConversationId>(),
  /** `in`: they called. */
  direction: z.enum(['in', 'out']),
  /** Who is at the other end, as known now. */
  peer: Author.nullable(),
  /** The other end, as it was called or calls. */
  address: z.string(),
  /** Our person's phone, where another than the account's own was asked for. */
  from: z.string().nullable(),
  /** The person who placed it here. */
  person: idOf<PersonId>().nullable(),
  state: CallStateWord,
  /** Both phones of a call that was placed here: my own is called first, and theirs when it is answered. */
  legs: z.object({ mine: LegStateWord, theirs: LegStateWord }).nullable(),
  /** Why it came to nothing, where that is known. */
  failure: Failure.nullable(),
  at: Time,
  answeredAt: Time.nullable(),
  endedAt: Time.nullable(),
  version: Version,
});
export type Call = z.output<typeof Call>;

/** Connects two phones. */
export const PlaceCallBody = z.strictObject({
  /** By which account, and which phone of mine rings first; the account's own where nothing is said. */
  from: z.union([
    idOf<AccountId>(),
    z.strictObject({ account: idOf<AccountId>(), address: AddressText.exactOptional() }),
  ]),
  /** Whom to call: a recipient on that account, or an address there. */
  to: z.union([AddressText, Recipient]),
});
export type PlaceCallBody = z.output<typeof PlaceCallBody>;
