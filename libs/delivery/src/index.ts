export { Acceptor, DUE_CHANNEL, type Acceptance, type Ask, type Send, type Stored } from './accept.js';
export { Dispatcher } from './dispatcher.js';
export { EnvelopeStore } from './envelope.store.js';
export { Gate, OpenGate, type GateQuestion, type GateVerdict } from './gate.js';
export { Fence, type Claim, type Outlet } from './outlet.js';
export { Receipts, type Echo } from './receipts.js';
export type { Settled } from './settler.js';
export { UnknownFates } from './unknown-fates.js';
