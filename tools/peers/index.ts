export { leastOf, watchTurns, workOf } from './measure.js';
export {
  binaryOf,
  describeWithPeers,
  eventually,
  freePort,
  run,
  scratchDirectory,
  type Peer,
  type RunningProcess,
} from './peer.js';
export { postgresPeer, startPostgres, type PostgresOptions, type RunningPostgres } from './postgres.js';
export { redisPeer, startRedis, type RunningRedis } from './redis.js';
export { anope, startAnope, type Anope, type ServicesAccount } from './anope.js';
export { makeAuthority, openssl, type Authority, type Certificate } from './certificates.js';
export { inspircd, inspircdPeers, startInspircd, type Inspircd, type InspircdOptions } from './inspircd.js';
export { ircdHybrid, startIrcdHybrid } from './ircd-hybrid.js';
export { ngircd, startNgircd } from './ngircd.js';
export { plainClient, type PlainClient } from './irc-client.js';
export { scriptedIrc, type ScriptClient, type ScriptOptions, type ScriptServer } from './irc-script.js';
export { startZnc, znc, type Znc, type ZncOptions } from './znc.js';
export { prosodyPeers, startProsody } from './prosody.js';
export { ejabberdPeers, startEjabberd, type Ejabberd } from './ejabberd.js';
export { xmppNames, type XmppFeature, type XmppServer, type XmppServerOptions } from './xmpp-server.js';
export { describeXmpp, visitXmpp, xmppFamilies, type XmppFamily, type XmppScene } from './xmpp-suite.js';
export { plainXmpp, statuses, type PlainXmpp, type PlainXmppOptions } from './xmpp-client.js';
export { child, childrenOf, escaped, textOf, type Tree } from './xmpp-tree.js';
export {
  Kannel,
  kannelInbound,
  kannelPeers,
  kannelReceipts,
  type KannelAnswer,
  type KannelHeard,
  type KannelOptions,
  type KannelUplink,
} from './kannel.js';
export {
  PerlSmsc,
  perlSmscPeers,
  type HeardText,
  type PerlSmscOptions,
  type PhoneText,
  type SmscEvent,
  type SubmittedPart,
} from './perl-smsc.js';
export { openWebDesk, type Told, type WebDesk } from './web-desk.js';
export { AtModem, type SentPart } from './at-modem.js';
export { gammuPeers, startGammu, type Gammu } from './gammu.js';
export { smstoolsPeers, startSmstools, type Smstools } from './smstools.js';
export type { SubmitTpdu } from './tpdu.js';
export {
  Kamailio,
  kamailioDomain,
  kamailioPeers,
  type KamailioOptions,
  type KamailioTrunk,
} from './kamailio.js';
export { playSipp, Sipp, sippPeers, type SippOptions, type SippOutcome, type SippScenario } from './sipp.js';
export { freeSipPort } from './sip-ports.js';
export { SipExchange } from './sip-exchange.js';
export { SipPhone, type SipPhoneOptions } from './sip-phone.js';
