export type { Address, AddressKind } from './address.js';
export {
  callMayBecome,
  callStates,
  isOver,
  legsAfter,
  legStates,
  type CallLegs,
  type CallState,
  type LegState,
} from './call.js';
export {
  capabilityNames,
  levelOf,
  type Capabilities,
  type CapabilityLevel,
  type CapabilityName,
} from './capabilities.js';
export {
  envelopeStates,
  mayBecome,
  waitReasons,
  type EnvelopeFate,
  type EnvelopeKind,
  type EnvelopeState,
  type WaitReason,
} from './envelope.js';
export { errorCodes, failure, remedyOf, type ErrorCode, type Failure, type Remedy } from './errors.js';
export {
  eventTypes,
  type Audience,
  type Ephemeral,
  type EphemeralType,
  type EventData,
  type EventType,
  type LogEvent,
  type NewEvent,
} from './events.js';
export {
  brand,
  isUuid,
  newId,
  type AccountId,
  type CallId,
  type ConversationId,
  type EnvelopeId,
  type EnvelopePartId,
  type EventId,
  type FanOutId,
  type FileId,
  type GapId,
  type Id,
  type IdentityId,
  type InvitationId,
  type LinkId,
  type MessageId,
  type PersonId,
  type QuarantineId,
  type TokenId,
  type WebSessionId,
  type WorkerId,
  type WorkspaceId,
} from './ids.js';
export type {
  Attachment,
  ConversationKind,
  MessageContent,
  Mode,
  Origin,
  Span,
  SpanStyle,
} from './message.js';
export {
  presences,
  subscriptions,
  type AdmissionAnswer,
  type Presence,
  type PresenceState,
  type Subscription,
} from './presence.js';
export type { Challenge, SessionState } from './session-state.js';
export { cleanText } from './text.js';
export { unreachable } from './unreachable.js';
