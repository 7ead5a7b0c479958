export { CallIntake, type ToldCall } from './call-intake.js';
export type { CallRequest } from './call-requests.js';
export { LeaseStore } from './lease.store.js';
export { Leases } from './leases.js';
export { SessionsModule } from './sessions.module.js';
