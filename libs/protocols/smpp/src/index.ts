/* SMPP 3.4: a strict codec, windowed sessions for both sides, delivery receipts. */
export { systemClock, type Clock } from './clock.js';
export type { CommandName } from './commands.js';
export { answerTo, decode } from './decode.js';
export { encode } from './encode.js';
export { RequestFailed, type SessionEnd } from './endings.js';
export { MalformedPdu, Unencodable, type FaultDetails } from './errors.js';
export { ConnectFailed, connectEsme, type BindAs, type Esme, type EsmeOptions } from './esme.js';
export { mostShortMessage, type MultiDestination, type SmeAddress, type Unsuccess } from './fields.js';
export { dataCoding, esmClass, hasUdh, messageType, npi, registeredDelivery, ton } from './numbers.js';
export type { IncomingRequest, Reply, SessionHandlers, SessionOptions, SessionTimings } from './options.js';
export { PduReader, type Read } from './pdu-reader.js';
export type { Answer, BodyOf, Pdu, PduInput, Request, RequestName, ResponseName } from './pdu.js';
export {
  buildReceiptText,
  idSpellings,
  parseReceipt,
  parseReceiptText,
  receiptTlvs,
  type MessageState,
  type Receipt,
  type ReceiptText,
} from './receipts.js';
export { Session } from './session.js';
export { listenSmsc, type BindAnswer, type Bound, type Smsc, type SmscOptions } from './smsc.js';
export { isThrottle, statuses, statusName, type StatusName } from './statuses.js';
export { Throttle, type ThrottleOptions } from './throttle.js';
export { absoluteTime, parseTime, relativeTime, type RelativeTime } from './times.js';
export type { NetworkErrorCode, RawTlv, Tlvs } from './tlvs.js';
export {
  decodeText,
  readDataCoding,
  toUcs2,
  type Coding,
  type DataCoding,
  type TextCoding,
} from './text/codings.js';
export { fromGsm, septetsOf, toGsm } from './text/gsm.js';
export {
  buildHeader,
  concatenationElement,
  parseHeader,
  type Concatenation,
  type HeaderElement,
  type MalformedUserData,
  type UserData,
} from './text/headers.js';
export {
  partOfText,
  readMessage,
  type Content,
  type Incoming,
  type Part,
  type ReceivedFields,
} from './text/incoming.js';
export {
  piecesOf,
  planText,
  type Carriage,
  type Piece,
  type PlannedPart,
  type PlanWish,
  type TextPlan,
  type TextProblem,
} from './text/plan.js';
export {
  Reassembly,
  type Change,
  type Joined,
  type Offered,
  type ReassemblyLimits,
} from './text/reassembly.js';
