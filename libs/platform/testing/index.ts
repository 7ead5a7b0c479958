export { TestClock } from './test-clock.js';
export { describeEngines, openTestDatabase, type EngineKind, type TestDatabase } from './test-database.js';
