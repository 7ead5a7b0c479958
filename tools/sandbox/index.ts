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
export {
  allFeatures,
  type Mischief,
  type SandboxXmppAccount,
  type SandboxXmppFeature,
  type SandboxXmppOptions,
} from './xmpp/options.js';
export { startSandboxXmpp, SandboxXmpp } from './xmpp/sandbox.js';
export type { SandboxXmppClient } from './xmpp/sandbox-client.js';
export type { Overheard, SandboxObserver } from './xmpp/observer.js';
export { deep, nasties, oversized, type Nasty } from './xmpp/nasties.js';
