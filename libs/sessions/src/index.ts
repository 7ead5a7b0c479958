export { LeaseStore } from './lease.store.js';
export { Leases } from './leases.js';
export { SessionsModule } from './sessions.module.js';
