export { ircHarness, type IrcServerUp } from './harness.js';
