/* XEP-0184: Message Delivery Receipts. */
import { xml, type Element } from '../core/xml.js';
import { attribute } from './reading.js';

export const receiptsNs = 'urn:xmpp:receipts';

/** Whether a message asks for a receipt. One that is a receipt itself never does (§5.5). */
export function asksReceipt(message: Element): boolean {
  return (
    message.getChild('request', receiptsNs) !== undefined &&
    message.getChild('received', receiptsNs) === undefined
  );
}

/** The id of the message that this one is a receipt for. */
export function receiptIn(message: Element): string | undefined {
  const received = message.getChild('received', receiptsNs);
  return received && attribute(received, 'id');
}

/** Asks for a receipt. */
export function receiptAsk(): Element {
  return xml('request', { xmlns: receiptsNs });
}

/** A receipt for a message, by its id. */
export function receipt(id: string): Element {
  return xml('received', { xmlns: receiptsNs, id });
}
