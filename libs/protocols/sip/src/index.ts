/* SIP for Node, stand-alone: messages, transactions, transports, digest, dialogs, and the bodies of presence and messages. */
export { requestOf, responseOf, type SipMessage, type SipRequest, type SipResponse } from './message.js';
export { Headers } from './message-headers.js';
export { usualLimits, type Limits } from './limits.js';
export { parseMessage, type Parsed } from './parse.js';
export type { Fault } from './head.js';
export { StreamReader, type StreamHandlers } from './stream-reader.js';
export { buildMessage } from './build.js';
export { isSane, verdictOn, verdictOnBody, type Expected, type Readable, type Verdict } from './validate.js';
export { parseNumber, parseSeconds, type Params } from './grammar.js';
export { escapeUser, formatUri, parseUri, sameUri, unescaped, type SipUri } from './uri.js';
export { formatNameAddr, parseNameAddr, tagOf, type NameAddr } from './headers/name-addr.js';
export { formatVia, parseVia, type Via } from './headers/via.js';
export { formatCSeq, parseCSeq, type CSeq } from './headers/cseq.js';
export { formatAuth, parseAuth, parseAuthInfo, type Auth } from './headers/auth.js';
export {
  formatDate,
  formatMediaType,
  formatParameterised,
  parseDate,
  parseMediaType,
  parseParameterised,
  parseRetryAfter,
  type MediaType,
  type Parameterised,
} from './headers/values.js';
export {
  ComposingReceiver,
  ComposingSender,
  isComposingType,
  readComposing,
  writeComposing,
  type Composing,
  type ComposingReceiverOptions,
  type ComposingSenderOptions,
} from './bodies/is-composing.js';
export {
  cpimHeader,
  cpimHeaders,
  cpimType,
  readCpim,
  writeCpim,
  type Cpim,
  type CpimHeader,
} from './bodies/cpim.js';
export type { Fault as BodyFault } from './bodies/fault.js';
export {
  imdnAskOf,
  imdnHeaders,
  imdnNamespace,
  imdnType,
  readImdn,
  writeImdn,
  type Disposition,
  type Imdn,
  type ImdnAsk,
} from './bodies/imdn.js';
export {
  pidfType,
  readPidf,
  summaryOf,
  writePidf,
  type Note,
  type Pidf,
  type PidfPerson,
  type PidfSummary,
  type PidfTuple,
} from './bodies/pidf.js';
export type { Rpid } from './bodies/rpid.js';
export {
  readWatcherInfo,
  WatcherLists,
  watcherInfoType,
  writeWatcherInfo,
  type Watcher,
  type WatcherInfo,
  type WatcherList,
  type WatcherStatus,
} from './bodies/winfo.js';
export {
  readXml,
  writeXml,
  xmlChild,
  xmlChildren,
  xmlElement,
  xmlElements,
  xmlText,
  type XmlElement,
  type XmlLimits,
} from './bodies/xml.js';
export {
  acceptedEncodings,
  contentOf,
  firstTextPart,
  readText,
  type Content,
  type ContentFault,
} from './bodies/content.js';
export { systemClock, type Clock } from './clock.js';
export type { Timers } from './timers.js';
export { SipStack, type StackFault, type StackLimits, type StackOptions } from './stack.js';
export type { Answer, Answered, Ask, Unanswered } from './ask.js';
export type { InviteAsk, InviteHandle } from './invite.js';
export type { Incoming, Source } from './incoming.js';
export type { Reply } from './answering.js';
export { reasonOf } from './statuses.js';
export type { Flow, Place, Transport } from './transport/flow.js';
export { NotSent, type Hop, type HopTls, type Listening, type ListenWhere } from './transport/places.js';
export { followed, mostRedirections, redirectionOf } from './redirect.js';
export { Credentials, type Refused, type Secret } from './credentials.js';
export { ha1Of, type DigestAlgorithm } from './digest.js';
export { contactOf, Dialog, dialogIdOf, type DialogState } from './dialog.js';
export { Challenger, type ChallengerOptions, type KnownSecret, type Proof } from './challenger.js';
export {
  locate,
  usualPort,
  type LocateOptions,
  type Lookups,
  type Naptr,
  type Srv,
  type Target,
} from './locate.js';
export { dnsLookups } from './dns-lookups.js';
