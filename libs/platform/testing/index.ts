export { testConfig } from './test-config.js';
export { TestClock } from './test-clock.js';
export { describeEngines, openTestDatabase, type EngineKind, type TestDatabase } from './test-database.js';
