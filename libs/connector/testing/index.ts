export { ManualClock } from './clock.js';
export { directText } from './direct-text.js';
export { FaultProxy, type Endpoint } from './fault-proxy.js';
export { describeFeatures, type FeatureSheet } from './feature-table.js';
export type { ActName, Harness, Heard, Login, Network, Observer, WebhookRequest } from './harness.js';
export {
  interworking,
  type AddressVector,
  type ComposingVector,
  type MessageVector,
  type PresenceVector,
  type ReportVector,
  type SubscriptionVector,
} from './interworking.js';
export type { StorageFault } from './storage.js';
export { breachesOf } from './breaches.js';
export { describeConnector, runCase } from './suite.js';
export { TestContext, type TestContextOptions } from './test-context.js';
export { until } from './until.js';
