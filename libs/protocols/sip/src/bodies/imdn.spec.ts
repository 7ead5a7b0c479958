import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readCpim, writeCpim } from './cpim.js';
import { imdnAskOf, imdnHeaders, readImdn, writeImdn, type Imdn } from './imdn.js';

const askOf = (headers: string) => {
  const cpim = readCpim(Buffer.from(`${headers}\r\n\r\nContent-Type: text/plain\r\n\r\nHello World`));
  if ('fault' in cpim) throw new Error(cpim.fault);
  return imdnAskOf(cpim);
};

describe('what a message asks to be told', () => {
  it('is in its headers, with its id (the example of RFC 5438 §7.1.1.3)', () => {
    const ask = askOf(
      [
        'From: Alice <im:alice@example.com>',
        'To: Bob <im:bob@example.com>',
        'NS: imdn <urn:ietf:params:imdn>',
        'imdn.Message-ID: 34jk324j',
        'DateTime: 2006-04-04T12:16:49-05:00',
        'imdn.Disposition-Notification: positive-delivery, negative-delivery',
        'Content-length: 12',
      ].join('\r\n'),
    );
    expect(ask).toEqual({
      messageId: '34jk324j',
      asks: new Set(['positive-delivery', 'negative-delivery']),
    });
  });

  it('is found by the namespace, whatever the prefix', () => {
    expect(
      askOf('NS: x <urn:ietf:params:imdn>\r\nx.Message-ID: 1\r\nx.Disposition-Notification: display'),
    ).toEqual({ messageId: '1', asks: new Set(['display']) });
    expect(askOf('imdn.Message-ID: 1')).toEqual({ asks: new Set() });
  });

  it('reads back as it was written', () => {
    const bytes = writeCpim({
      headers: imdnHeaders('m1', ['positive-delivery', 'display']),
      content: { headers: new Map([['content-type', 'text/plain']]), body: Buffer.from('hi') },
    });
    const cpim = readCpim(bytes);
    expect('fault' in cpim ? cpim : imdnAskOf(cpim)).toEqual({
      messageId: 'm1',
      asks: new Set(['positive-delivery', 'display']),
    });
  });
});

describe('a notification', () => {
  it('says what became of which message (the example of RFC 5438 §7.2.1.1)', () => {
    expect(
      readImdn(
        Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
          <imdn xmlns="urn:ietf:params:xml:ns:imdn">
            <message-id>34jk324j</message-id><datetime>2008-04-04T12:16:49-05:00</datetime>
            <recipient-uri>im:bob@example.com</recipient-uri>
            <original-recipient-uri>im:bob@example.com</original-recipient-uri>
            <delivery-notification><status><delivered/></status></delivery-notification>
          </imdn>`),
      ),
    ).toEqual({
      messageId: '34jk324j',
      at: new Date('2008-04-04T17:16:49Z'),
      recipient: 'im:bob@example.com',
      kind: 'delivery',
      status: 'delivered',
    });
  });

  const document = (inside: string): Buffer =>
    Buffer.from(`<imdn xmlns="urn:ietf:params:xml:ns:imdn">${inside}</imdn>`);

  it.each([
    ['another document', Buffer.from('<x/>')],
    ['nothing', Buffer.alloc(0)],
    [
      'without an id',
      document('<delivery-notification><status><delivered/></status></delivery-notification>'),
    ],
    ['without a status', document('<message-id>1</message-id>')],
    [
      'of a status of another kind',
      document(
        '<message-id>1</message-id><delivery-notification><status><displayed/></status></delivery-notification>',
      ),
    ],
  ])('is none where it is %s', (_, bytes) => {
    expect(readImdn(bytes)).toEqual({ fault: expect.any(String) });
  });

  it('reads back as it was written', () => {
    const states: readonly Pick<Imdn, 'kind' | 'status'>[] = [
      { kind: 'delivery', status: 'delivered' },
      { kind: 'delivery', status: 'failed' },
      { kind: 'display', status: 'displayed' },
      { kind: 'display', status: 'forbidden' },
      { kind: 'processing', status: 'stored' },
      { kind: 'delivery', status: 'error' },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.stringMatching(/^[!-~]{1,30}$/),
        fc.date({ min: new Date(0), max: new Date('2090-01-01'), noInvalidDate: true }),
        (state, messageId, at) => {
          const written: Imdn = { ...state, messageId, at, recipient: 'sip:bob@example.org' };
          expect(readImdn(writeImdn(written))).toEqual(written);
        },
      ),
      { numRuns: 100 },
    );
  });
});
