export type { Concern } from './access-changes.js';
export { Access, noAccount } from './access.js';
export { AccountLinks, type AccountLink } from './account-links.js';
export type { AccountRow, LinkRow, OnUnknown } from './account.rows.js';
export { AccountViews } from './account-views.js';
export { AccountsModule } from './accounts.module.js';
export type { AskingRequest } from './asking-request.js';
export { Authenticator } from './authenticator.js';
export { Connectors, ConnectorsModule } from './connectors.js';
export { answerFrom, contactFrom, Desires, type DesireKind, type RosterFact } from './desired.store.js';
export { IngressAddresses, type CalledAccount } from './ingress-addresses.js';
export {
  LinkBook,
  type LinkAccount,
  type LoadedLink,
  type SessionReport,
  type WantedLink,
} from './link-book.js';
export type { Principal } from './principal.js';
export { SetupCode } from './setup.service.js';
export { afterOf, decodeAfter, encodeAfter, pageOf } from './paging.js';
export { Caller, Route, type AnswerOf, type BodyOf, type QueryOf, type Reply } from './route.js';
export {
  Resolver,
  TargetGuard,
  TargetRefused,
  TargetUnresolved,
  type CheckedTarget,
} from './target-guard.js';
