export { describeFileStore } from './file-store.suite.js';
