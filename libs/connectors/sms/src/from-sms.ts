/* What phones and networks say, as events of the house. Pure. */
import type { InboundMessage, InboundReceipt } from '#connector';
import type { AccountId } from '#model';
import type { Joined } from '#protocols/smpp';
import type { IncomingReport, IncomingText } from './driver.js';
import { conversationOf, numberKind } from './sms.addresses.js';

/** Data that is no text: phones exchange it with each other (ringtones, settings); it is told, not shown. */
function toldData(bytes: Buffer): string {
  return `[${String(bytes.length)} bytes of data that is no text]`;
}

/** A text that came in one piece. */
export function messageFrom(
  account: AccountId,
  incoming: IncomingText,
  said: string | Buffer,
): InboundMessage {
  const { from, to, others = [], at, id, attachments = [] } = incoming;
  return {
    type: 'message',
    account,
    conversation: conversationOf({ peers: [from, ...others], own: to }),
    conversationKind: others.length > 0 ? 'room' : 'direct',
    author: { address: from, kind: numberKind },
    content: {
      text: typeof said === 'string' ? said : toldData(said),
      ...(attachments.length > 0 && { attachments }),
    },
    origin: 'remote',
    mode: 'live',
    at,
    ...(id !== undefined && { remoteId: { scope: 'heard', id, by: 'network' } }),
  };
}

/** A text whose parts have come: all of them, or those that came in time. */
export function joinedFrom(account: AccountId, joined: Joined): InboundMessage {
  const { from, to, content, since } = joined;
  const said = 'text' in content ? content.text : content.bytes;
  return messageFrom(account, { from, to, at: new Date(since), body: { text: '' } }, said);
}

/** What became of a part of ours. */
export function receiptFrom(account: AccountId, report: IncomingReport): InboundReceipt {
  return { type: 'receipt', account, ...report };
}
