export { ManualClock, RealClock } from './clock.js';
export { MemoryStorage, type StorageFault } from './storage.js';
export { TestContext, type TestContextOptions } from './test-context.js';
