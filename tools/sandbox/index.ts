export {
  allCaps,
  plainOptions,
  usualTokens,
  type SandboxAccount,
  type SandboxOptions,
  type TokenValue,
} from './irc/options.js';
export { startSandboxIrc, SandboxIrc, type Refusal } from './irc/sandbox.js';
export type { SandboxClient } from './irc/sandbox-client.js';
