export * from './shapes/accounts.js';
export * from './shapes/conversations.js';
export * from './shapes/events.js';
export * from './shapes/messages.js';
export * from './shapes/people.js';
export * from './shapes/problem.js';
export { compareCursors, decodePosition, encodePosition } from './order.js';
export { route, tags, type Auth, type Method, type RouteSpec, type Tag } from './routes/route.js';
export { routes, type RouteName, type Routes } from './routes.js';
export {
  maxPageSize,
  maxRecipients,
  maxRecipientsAtOnce,
  maxTextLength,
  usualPageSize,
  type JsonObject,
  type JsonValue,
} from './values.js';
export { MessageKind, messageKinds, resetReasons, ResetReason, Role, roles, Scope, scopes } from './words.js';
