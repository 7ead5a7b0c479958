export { DeliveryModule } from './delivery.module.js';
export { Dispatcher } from './dispatcher.js';
export { EnvelopeFates, EnvelopeViews } from './envelope.views.js';
export { FanOuts } from './fan-outs.js';
export { Gate, OpenGate, type GateQuestion, type GateVerdict } from './gate.js';
export { Fence, type Claim, type Outlet } from './outlet.js';
export { Receipts, type Echo } from './receipts.js';
export type { Settled } from './settler.js';
export { UnknownFates } from './unknown-fates.js';
