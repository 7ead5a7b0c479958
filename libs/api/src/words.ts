import {
  callStates,
  envelopeStates,
  errorCodes,
  eventTypes,
  legStates,
  presences,
  subscriptions,
  waitReasons,
  type AddressKind,
  type AdmissionAnswer,
  type CapabilityLevel,
  type ConversationKind,
  type EnvelopeKind,
  type Mode,
  type Origin,
  type Remedy,
  type SpanStyle,
} from '#model';
import { z } from 'zod';

/** A closed list of words out of a union of the model; the compiler refuses one that is missing or too many. */
function words<W extends string>(every: Readonly<Record<W, true>>): z.ZodEnum<{ [word in W]: word }> {
  return z.enum(Object.fromEntries(Object.keys(every).map((word) => [word, word])) as { [word in W]: word });
}

/** What a person may do in a workspace. */
export const roles = ['admin', 'member'] as const;
export const Role = z.enum(roles);
export type Role = z.output<typeof Role>;

/**
 * What a token may be used for. A web session has them all; a scope never gives what the person's role does not.
 * `read`: see what the person sees. `send`: speak and act in conversations, set presence. `accounts`: add, change and
 * connect accounts and links. `me`: own profile, password and tokens. `admin`: people, invitations, workspaces.
 */
export const scopes = ['read', 'send', 'accounts', 'me', 'admin'] as const;
export const Scope = z.enum(scopes);
export type Scope = z.output<typeof Scope>;

/** What a message tells: something said, or an act that a room tells of. */
export const messageKinds = ['message', 'topic', 'kick', 'ban', 'mode', 'invite'] as const;
export const MessageKind = z.enum(messageKinds);
export type MessageKind = z.output<typeof MessageKind>;

/** What usage may be summed up by. */
export const usageGroups = ['day', 'account', 'person', 'connector', 'direction', 'destination'] as const;
export type UsageGroup = (typeof usageGroups)[number];

/**
 * Why a reader must begin again with a snapshot: what it missed has been let go; its cursor lies ahead of the log (the
 * database was put back to an older state); or what it may see has changed.
 */
export const resetReasons = ['retention', 'ahead', 'access'] as const;
export const ResetReason = z.enum(resetReasons);
export type ResetReason = z.output<typeof ResetReason>;

export const ErrorCodeWord = z.enum(errorCodes);
export const RemedyWord = words<Remedy>({ retry: true, 'ask-person': true, 'give-up': true });
export const PresenceWord = z.enum(presences);
export const SubscriptionWord = z.enum(subscriptions);
export const AdmissionWord = words<AdmissionAnswer>({ approve: true, deny: true });
export const AddressKindWord = words<AddressKind>({ stable: true, transient: true, reassignable: true });
export const ConversationKindWord = words<ConversationKind>({ direct: true, room: true });
export const OriginWord = words<Origin>({ remote: true, own: true, 'other-device': true });
export const ModeWord = words<Mode>({ live: true, 'catch-up': true, history: true });
export const CapabilityLevelWord = words<CapabilityLevel>({ native: true, fallback: true, none: true });
export const EnvelopeStateWord = z.enum(envelopeStates);
export const EnvelopeKindWord = words<EnvelopeKind>({
  message: true,
  edit: true,
  retraction: true,
  reaction: true,
});
export const WaitReasonWord = z.enum(waitReasons);
export const CallStateWord = z.enum(callStates);
export const LegStateWord = z.enum(legStates);
export const EventTypeWord = z.enum(eventTypes);

type PlainStyle = Exclude<SpanStyle['kind'], 'colour' | 'link' | 'mention'>;
export const PlainStyleWord = words<PlainStyle>({
  bold: true,
  italic: true,
  underline: true,
  strike: true,
  monospace: true,
  spoiler: true,
  quote: true,
});
