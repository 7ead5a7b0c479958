export * from './shapes/accounts.js';
export * from './shapes/calls.js';
export * from './shapes/conversations.js';
export * from './shapes/events.js';
export * from './shapes/files.js';
export * from './shapes/messages.js';
export * from './shapes/metering.js';
export * from './shapes/opt-outs.js';
export * from './shapes/people.js';
export * from './shapes/problem.js';
export * from './shapes/roster.js';
export {
  ParleyClient,
  ParleyError,
  urlOf,
  type AnswerOf,
  type ClientOptions,
  type InputOf,
} from './client.js';
export {
  EventStream,
  StreamRefused,
  StreamRequestFailed,
  type OpenSocket,
  type SocketLike,
  type StreamItem,
  type StreamRequest,
} from './event-stream.js';
export { openapi, type OpenApiDocument, type Operation } from './openapi.js';
export { apply, countsAsUnread, inboxOf, stateOf, type InboxState } from './state.js';
export { compareCursors, decodePosition, encodePosition } from './order.js';
export { route, tags, type Auth, type Method, type RouteSpec, type Tag } from './routes/route.js';
export { routes, type RouteName, type Routes } from './routes.js';
export {
  closeCodes,
  maxPageSize,
  maxCaps,
  maxPrices,
  maxRecipients,
  maxRecipientsAtOnce,
  maxTextLength,
  maxUnread,
  maxWatched,
  sessionCookie,
  usualPageSize,
  type JsonObject,
  type JsonValue,
} from './values.js';
export {
  MessageKind,
  messageKinds,
  resetReasons,
  ResetReason,
  Role,
  roles,
  Scope,
  scopes,
  usageGroups,
  type UsageGroup,
} from './words.js';
