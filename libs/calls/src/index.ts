export { CallLedger } from './call-ledger.js';
export { CallViews } from './call.views.js';
export { CallsModule } from './calls.module.js';
