export type { Charge, Heard, Metered, MeteredEnvelope } from './charge.js';
export { Meter } from './meter.js';
export { MeteringModule } from './metering.module.js';
export { toAmount } from './money.js';
export type { Till } from './till.js';
