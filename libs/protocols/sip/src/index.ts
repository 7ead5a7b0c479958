/* SIP for Node, stand-alone: messages, transactions, transports, digest, dialogs, and the bodies of presence and messages. */
export { requestOf, responseOf, type SipMessage, type SipRequest, type SipResponse } from './message.js';
export { Headers } from './message-headers.js';
