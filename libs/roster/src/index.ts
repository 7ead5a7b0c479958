export type { PresenceRow } from './identities.store.js';
export {
  Identities,
  partyKey,
  type Ask,
  type Departure,
  type Followed,
  type Move,
  type Rename,
  type Resolved,
  type Vacancy,
} from './identities.js';
export { IdentityViews } from './identity.views.js';
export { RosterItems } from './roster-items.js';
export { RosterModule } from './roster.module.js';
