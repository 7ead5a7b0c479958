import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { asksReceipt, receipt, receiptAsk, receiptIn } from './0184.js';

describe('delivery receipts (XEP-0184)', () => {
  test('are asked for and given', () => {
    expect(
      asksReceipt(
        readStanza(
          `<message id='richard2-4.1.247'><body>My lord</body><request xmlns='urn:xmpp:receipts'/></message>`,
        ),
      ),
    ).toBe(true);
    expect(
      receiptIn(
        readStanza(
          `<message id='bi29sg183b4v'><received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/></message>`,
        ),
      ),
    ).toBe('richard2-4.1.247');
    expect(serialise(receiptAsk())).toBe('<request xmlns="urn:xmpp:receipts"/>');
    expect(serialise(receipt('a'))).toBe('<received xmlns="urn:xmpp:receipts" id="a"/>');
  });

  test('no receipt is owed for a receipt, or by the word of another namespace', () => {
    expect(
      asksReceipt(
        readStanza(
          `<message><request xmlns='urn:xmpp:receipts'/><received xmlns='urn:xmpp:receipts' id='a'/></message>`,
        ),
      ),
    ).toBe(false);
    expect(asksReceipt(readStanza(`<message><request xmlns='urn:xmpp:deceits'/></message>`))).toBe(false);
    expect(receiptIn(readStanza(`<message><received xmlns='urn:xmpp:receipts'/></message>`))).toBeUndefined();
    expect(
      receiptIn(
        readStanza(`<message><received xmlns='urn:xmpp:receipts' id='${'i'.repeat(2_000)}'/></message>`),
      ),
    ).toBeUndefined();
    expect(
      receiptIn(readStanza(`<message><received xmlns='urn:xmpp:chat-markers:0' id='a'/></message>`)),
    ).toBeUndefined();
  });
});
