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
export {
  alicesPhone,
  bobsPhone,
  usualFates,
  type Fate,
  type IdStyle,
  type SandboxSmsOptions,
  type SmsMischief,
} from './sms/options.js';
export { SandboxPhone, type ShownText, type Writing } from './sms/phone.js';
export type { Delivery } from './sms/outbox.js';
export type { Submission } from './sms/centre.js';
export { startSandboxSms, SandboxSms } from './sms/sandbox.js';
export type { SandboxSipAccount, SandboxSipOptions, SipMischief } from './sip/options.js';
export type { SandboxSipResident, SipHeard, SipReports, SipShow } from './sip/resident.js';
export { SandboxSip, startSandboxSip } from './sip/sandbox.js';
