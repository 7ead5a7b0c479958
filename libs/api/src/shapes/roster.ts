import type { AccountId, IdentityId } from '#model';
import { z } from 'zod';
import { AddressKindWord, AdmissionWord, SubscriptionWord } from '../words.js';
import { idOf, text } from '../values.js';
import { Presence } from './people.js';

/** Somebody on one account's own roster, and what is known of them now. */
export const RosterEntry = z.object({
  account: idOf<AccountId>(),
  address: z.string(),
  kind: AddressKindWord,
  /** A stable address of the same somebody, where the network has vouched for one. */
  stableAddress: z.string().nullable(),
  /** What the person calls them there. */
  name: z.string().nullable(),
  groups: z.array(z.string()),
  /** Whose presence is told to whom, as the network says; null where it keeps no roster or has not told yet. */
  subscription: SubscriptionWord.nullable(),
  /** They ask to see this account's presence: approve or deny. They need not be on the roster for it. */
  asks: z.boolean(),
  /** They were asked to show their presence, and have not answered. */
  awaited: z.boolean(),
  /** What is wanted here and the network does not have yet. */
  pending: z.boolean(),
  /** The answer that waits for the network, or for them to ask. */
  answer: AdmissionWord.nullable(),
  /** Who that is, as this account knows them. */
  identity: idOf<IdentityId>().nullable(),
  presence: Presence,
});
export type RosterEntry = z.output<typeof RosterEntry>;

/** The whole of an entry: what is not named is not there afterwards. */
export const SetRosterEntryBody = z.strictObject({
  name: text(1, 120).exactOptional(),
  groups: z.array(text(1, 120)).max(50).exactOptional(),
});
export type SetRosterEntryBody = z.output<typeof SetRosterEntryBody>;
