export {
  abilityNames,
  can,
  type AbilityName,
  type Edits,
  type HasHistory,
  type HasRooms,
  type Paces,
  type Reacts,
  type RequestOutcome,
  type ResolvesUnknown,
  type Retracts,
  type SessionRequest,
  type SetsPresence,
  type ShowsTyping,
  type TakesRequests,
} from './abilities.js';
export {
  AddressError,
  type AddressRules,
  type AttachedAccount,
  type CloseReason,
  type Connector,
  type ConnectorDescription,
  type DesiredRoom,
  type DesiredState,
  type FloodProfile,
  type JsonObject,
  type JsonValue,
  type LinkSettings,
  type Session,
  type Target,
} from './connector.js';
export type { OccupancyChange, Occupant, SessionClock, SessionContext, SessionLog, Turn } from './context.js';
export type {
  EmitOutcome,
  InboundBatch,
  InboundChange,
  InboundEvent,
  InboundGap,
  InboundIdentity,
  InboundMessage,
  InboundParty,
  InboundReceipt,
  InboundRoom,
  RemoteId,
} from './inbound.js';
export { lookupAmong } from './lookup.js';
export { parseWireId, wireIdOf, type OutboundEnvelope, type SendOutcome } from './outbound.js';
