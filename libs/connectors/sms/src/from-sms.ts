/* What phones and networks say, as events of the house. Pure. */
import type { InboundMessage, InboundReceipt } from '#connector';
import type { AccountId } from '#model';
import type { Joined } from '#protocols/smpp';
import { consentIn } from './consent-words.js';
import type { ConsentSettings } from './courtesy.settings.js';
import type { IncomingReport, IncomingText } from './driver.js';
import { kindOfParty } from './numbers.js';
import { conversationOf, numberKind } from './sms.addresses.js';

/** Data that is no text: phones exchange it with each other (ringtones, settings); it is told, not shown. */
function toldData(bytes: Buffer): string {
  return `[${String(bytes.length)} bytes of data that is no text]`;
}

/**
 * A text as a message.
 * @param words by which somebody opts out; absent where it is not all they said
 * @param parts how many it came in
 */
export function messageFrom(
  account: AccountId,
  incoming: IncomingText,
  said: string | Buffer,
  words?: ConsentSettings,
  parts = 1,
): InboundMessage {
  const { from, to, others = [], at, id, attachments = [] } = incoming;
  const conversationKind = others.length > 0 ? 'room' : 'direct';
  const consent = words && typeof said === 'string' ? consentIn(said, conversationKind, words) : undefined;
  return {
    type: 'message',
    account,
    conversation: conversationOf({ peers: [from, ...others], own: to }),
    conversationKind,
    author: { address: from, kind: numberKind },
    content: {
      text: typeof said === 'string' ? said : toldData(said),
      ...(attachments.length > 0 && { attachments }),
    },
    origin: 'remote',
    mode: 'live',
    at,
    parts,
    ...(kindOfParty(from) !== 'name' && { pricedBy: from.replace('+', '') }),
    ...(consent && { consent }),
    ...(id !== undefined && { remoteId: { scope: 'heard', id, by: 'network' } }),
  };
}

/** A text whose parts have come: all of them, or those that came in time. */
export function joinedFrom(account: AccountId, joined: Joined, words: ConsentSettings): InboundMessage {
  const { from, to, content, since, numbers, of, missing, late } = joined;
  const said = 'text' in content ? content.text : content.bytes;
  // What is missing is marked in the text; what comes after the rest has been given out says where it belongs.
  const marked = late && typeof said === 'string' ? `[${numbers.join(', ')}/${String(of)}] ${said}` : said;
  const whole = missing.length === 0 && !late;
  const incoming = { from, to, at: new Date(since), body: { text: '' } };
  return messageFrom(account, incoming, marked, whole ? words : undefined, numbers.length);
}

/** What became of a part of ours. */
export function receiptFrom(account: AccountId, report: IncomingReport): InboundReceipt {
  return { type: 'receipt', account, ...report };
}
