import {
  capabilityNames,
  type AccountId,
  type Capabilities as ModelCapabilities,
  type LinkId,
  type PersonId,
} from '#model';
import { z } from 'zod';
import { CapabilityLevelWord, EnvelopeStateWord, ErrorCodeWord, RemedyWord } from '../words.js';
import { AddressText, idOf, JsonObjectIn, JsonObjectOut, text, Time, Version } from '../values.js';

/** What can be done here and now; what is not named is `none`. */
export const Capabilities = z.object({
  ...Object.fromEntries(capabilityNames.map((name) => [name, CapabilityLevelWord.exactOptional()])),
  /** Longest text of one part, in bytes on the wire, where the network limits it. */
  maxTextBytes: z.int().exactOptional(),
}) as unknown as z.ZodType<ModelCapabilities, ModelCapabilities>;
export type Capabilities = z.output<typeof Capabilities>;

/** A protocol that this server speaks, as forms and pages need it. */
export const Connector = z.object({
  protocol: z.string(),
  name: z.string(),
  mark: z.string(),
  /** JSON Schema 2020-12 of the settings, and of the secrets (an object of strings). */
  settings: JsonObjectOut,
  secrets: JsonObjectOut,
  /** The most that an account may offer. */
  capabilities: Capabilities,
  abilities: z.array(z.string()),
  /** The highest envelope state that this network lets us see. */
  observes: EnvelopeStateWord.extract(['sent', 'delivered', 'read']),
  /** What this network can lose or double, as sentences. */
  losses: z.array(z.string()),
});
export type Connector = z.output<typeof Connector>;

export const Challenge = z.object({
  kind: z.enum(['captcha', 'code', 'certificate', 'password']),
  prompt: z.string(),
  imageUrl: z.string().exactOptional(),
});
export type Challenge = z.output<typeof Challenge>;

const at = { at: Time };

/** Where an account's session stands, and since when. */
export const SessionState = z.discriminatedUnion('state', [
  z.object({ state: z.literal('offline'), ...at }),
  z.object({ state: z.literal('connecting'), ...at }),
  z.object({ state: z.literal('online'), localAddress: z.string(), ...at }),
  z.object({
    state: z.literal('backing-off'),
    /** The next try. */
    until: Time,
    code: ErrorCodeWord,
    detail: z.string().exactOptional(),
    ...at,
  }),
  z.object({
    state: z.literal('needs-person'),
    code: ErrorCodeWord,
    remedy: RemedyWord,
    detail: z.string().exactOptional(),
    challenge: Challenge.exactOptional(),
    ...at,
  }),
]);
export type SessionState = z.output<typeof SessionState>;

export const OnUnknown = z.enum(['ask', 'resend']);
export type OnUnknown = z.output<typeof OnUnknown>;

/** One login, number or address on one network. Never a secret: only the names of those that are set. */
export const Account = z.object({
  id: idOf<AccountId>(),
  connector: z.string(),
  label: z.string(),
  network: z.string(),
  localAddress: z.string().nullable(),
  link: idOf<LinkId>(),
  holder: idOf<PersonId>(),
  /** Everybody who sees what it sees, its holder among them. */
  people: z.array(idOf<PersonId>()),
  settings: JsonObjectOut,
  secretNames: z.array(z.string()),
  /** Whether it should be connected. */
  wanted: z.boolean(),
  session: SessionState,
  capabilities: Capabilities,
  /** What to do with an envelope whose fate nobody can tell. */
  onUnknown: OnUnknown,
  /**
   * The address at which its provider calls: a secret, so it is told only when one account is asked for, made or given
   * another address, and only to who manages it with the scope `accounts`.
   */
  ingressUrl: z.string().exactOptional(),
  createdAt: Time,
  version: Version,
});
export type Account = z.output<typeof Account>;

/** What connects. Private to one account, or an admin's and shared by many. */
export const Link = z.object({
  id: idOf<LinkId>(),
  connector: z.string(),
  label: z.string(),
  shared: z.boolean(),
  settings: JsonObjectOut,
  secretNames: z.array(z.string()),
  accounts: z.array(idOf<AccountId>()),
  createdAt: Time,
  version: Version,
});
export type Link = z.output<typeof Link>;

const Secret = z.string().max(16_384);
const Secrets = z.record(z.string().max(128), Secret);
/** A null takes a secret away; one that is not named stays. */
const ChangedSecrets = z.record(z.string().max(128), Secret.nullable());
const Label = text(1, 120);

/** Either `connector` with settings of its own, or `link`: a shared link that an admin has made. */
export const CreateAccountBody = z
  .strictObject({
    connector: z.string().min(1).max(64).exactOptional(),
    link: idOf<LinkId>().exactOptional(),
    label: Label,
    settings: JsonObjectIn.exactOptional(),
    secrets: Secrets.exactOptional(),
    /** The account's own address on a shared link. */
    localAddress: AddressText.exactOptional(),
    /** Who will hold an account on a shared link; the admin who asks where nothing is said. */
    holder: idOf<PersonId>().exactOptional(),
    people: z.array(idOf<PersonId>()).max(1_000).exactOptional(),
    onUnknown: OnUnknown.exactOptional(),
    /** False: made, but not connected yet. */
    wanted: z.boolean().exactOptional(),
  })
  .refine((body) => (body.connector === undefined) !== (body.link === undefined), {
    path: ['connector'],
    message: 'either a connector or a shared link is needed',
  });
export type CreateAccountBody = z.output<typeof CreateAccountBody>;

export const UpdateAccountBody = z.strictObject({
  label: Label.exactOptional(),
  /** The whole of the settings; nothing of the old ones stays. */
  settings: JsonObjectIn.exactOptional(),
  secrets: ChangedSecrets.exactOptional(),
  onUnknown: OnUnknown.exactOptional(),
});
export type UpdateAccountBody = z.output<typeof UpdateAccountBody>;

export const AnswerAccountBody = z.strictObject({ answer: z.string().min(1).max(4_096) });
export type AnswerAccountBody = z.output<typeof AnswerAccountBody>;

export const SetAccountPeopleBody = z.strictObject({ people: z.array(idOf<PersonId>()).max(1_000) });
export type SetAccountPeopleBody = z.output<typeof SetAccountPeopleBody>;

export const CreateLinkBody = z.strictObject({
  connector: z.string().min(1).max(64),
  label: Label,
  settings: JsonObjectIn,
  secrets: Secrets.exactOptional(),
});
export type CreateLinkBody = z.output<typeof CreateLinkBody>;

export const UpdateLinkBody = z.strictObject({
  label: Label.exactOptional(),
  settings: JsonObjectIn.exactOptional(),
  secrets: ChangedSecrets.exactOptional(),
});
export type UpdateLinkBody = z.output<typeof UpdateLinkBody>;
