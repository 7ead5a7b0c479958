import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode } from './decode.js';
import { encode } from './encode.js';
import type { Pdu, PduInput } from './pdu.js';
import { buildReceiptText, idSpellings, parseReceipt, parseReceiptText, receiptTlvs } from './receipts.js';

const near = new Date('2026-11-22T18:00:00Z');
const at = new Date('2026-11-22T17:45:00Z');

function deliver(fields: Partial<PduInput<'deliver_sm'>>): Pdu<'deliver_sm'> {
  return decode(encode({ command: 'deliver_sm', ...fields })) as Pdu<'deliver_sm'>;
}

describe('the text of a receipt', () => {
  it('is read as Appendix B has it', () => {
    expect(
      parseReceiptText(
        'id:0123456789 sub:001 dlvrd:001 submit date:2611221744 done date:2611221745 stat:DELIVRD err:000 text:Hello: you there',
        near,
      ),
    ).toEqual({
      id: '0123456789',
      sub: 1,
      dlvrd: 1,
      submitted: new Date('2026-11-22T17:44:00Z'),
      done: at,
      state: 'delivered',
      error: '000',
      text: 'Hello: you there',
    });
  });

  const variants: [string, string, object][] = [
    ['in small letters', 'id:7 stat:delivrd err:0', { id: '7', state: 'delivered', error: '0' }],
    ['in capitals', 'ID:7 STAT:EXPIRED DONE DATE:2611221745', { id: '7', state: 'expired', done: at }],
    [
      'with the text in capital',
      'id:7 stat:UNDELIV Text:no',
      { id: '7', state: 'undeliverable', text: 'no' },
    ],
    ['with seconds', 'id:7 done date:261122174500 stat:DELIVRD', { done: at }],
    ['with the year in full', 'id:7 done date:202611221745 stat:DELIVRD', { done: at }],
    ['with the year in full and seconds', 'id:7 done date:20261122174500 stat:DELIVRD', { done: at }],
    ['in another order', 'stat:REJECTD err:0C1 id:a0f', { id: 'a0f', state: 'rejected', error: '0C1' }],
    ['without most of it', 'id:9f0e-11 stat:ACCEPTD', { id: '9f0e-11', state: 'accepted' }],
    ['with underscores', 'id:7 submit_date:2611221745 stat:DELETED', { submitted: at, state: 'deleted' }],
    [
      'with spaces after the colons',
      'id: 7 stat: DELIVRD err: 000',
      { id: '7', state: 'delivered', error: '000' },
    ],
    ['with commas', 'id:7,sub:001,stat:DELIVRD,err:000', { id: '7', state: 'delivered' }],
    ['with words of its own', 'id:7 stat:QUEUED', { id: '7', stat: 'QUEUED' }],
    [
      'with a label inside the text',
      'id:7 stat:DELIVRD text:id:8 stat:EXPIRED',
      { id: '7', state: 'delivered' },
    ],
    [
      'with a UUID',
      'id:1f0c2a5e-88b1-4b3e-9d55-0a1b2c3d4e5f stat:UNKNOWN',
      { id: '1f0c2a5e-88b1-4b3e-9d55-0a1b2c3d4e5f', state: 'unknown' },
    ],
  ];
  it.each(variants)('is read %s', (_how, text, said) => {
    expect(parseReceiptText(text, near)).toMatchObject(said);
  });

  it('has no date where it is none', () => {
    const said = parseReceiptText('id:7 submit date:0000000000 done date:2613452561 stat:DELIVRD', near);
    expect(said).toEqual({ id: '7', state: 'delivered' });
  });

  it('is none without an id and a state', () => {
    expect(parseReceiptText('see you at 8, text: me', near)).toBeUndefined();
    expect(parseReceiptText('', near)).toBeUndefined();
  });

  it('is read as it was built', () => {
    const receipt = {
      id: '1A',
      state: 'undeliverable',
      submitted: at,
      done: at,
      error: '012',
      text: 'hi',
    } as const;
    expect(parseReceiptText(buildReceiptText(receipt), near)).toEqual({ ...receipt, sub: 1, dlvrd: 0 });
  });

  it('of any characters takes no time and throws nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        parseReceiptText(text, near);
        parseReceiptText(`id:${text} stat:${text}`, near);
      }),
    );
    const times = [1, 2, 3].map(() => {
      const began = performance.now();
      parseReceiptText('id:'.repeat(20_000), near);
      parseReceiptText(`id:1${' '.repeat(60_000)}`, near);
      return performance.now() - began;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});

describe('a receipt', () => {
  const text = Buffer.from(buildReceiptText({ id: '26', state: 'delivered', submitted: at }));

  it('is what the SMSC marks as one', () => {
    expect(parseReceipt(deliver({ esmClass: 0x04, shortMessage: text }), near)).toMatchObject({
      id: '26',
      state: 'delivered',
      final: true,
    });
    expect(parseReceipt(deliver({ shortMessage: text }), near)).toBeUndefined();
    expect(
      parseReceipt(deliver({ esmClass: 0x04, shortMessage: Buffer.from('hello') }), near),
    ).toBeUndefined();
  });

  it('may be told in optional parameters alone, which win over the text', () => {
    const networkErrorCode = { network: 3, code: 27 };
    const tlvs = { ...receiptTlvs({ id: '1a', state: 'expired' }), networkErrorCode };
    expect(parseReceipt(deliver({ tlvs }), near)).toMatchObject({
      id: '1a',
      state: 'expired',
      networkError: networkErrorCode,
    });
    const both = parseReceipt(deliver({ esmClass: 0x04, shortMessage: text, tlvs }), near);
    expect(both).toMatchObject({ id: '1a', state: 'expired', submitted: at });
    expect(both?.ids).toEqual(expect.arrayContaining(['1a', '26']));
  });

  it('may lie in the payload, and in UCS-2', () => {
    expect(parseReceipt(deliver({ esmClass: 0x04, tlvs: { messagePayload: text } }), near)).toMatchObject({
      id: '26',
    });
    const wide = Buffer.from(text.toString('latin1').slice(0, 100), 'utf16le').swap16();
    expect(parseReceipt(deliver({ esmClass: 0x04, dataCoding: 8, shortMessage: wide }), near)).toMatchObject({
      id: '26',
    });
  });

  it('that is not the last one says so', () => {
    const tlvs = receiptTlvs({ id: '1', state: 'enroute' });
    expect(parseReceipt(deliver({ esmClass: 0x20, tlvs }), near)).toMatchObject({ final: false });
    expect(parseReceipt(deliver({ esmClass: 0x04, tlvs: { ...tlvs, messageState: 6 } }), near)?.final).toBe(
      false,
    );
    expect(
      parseReceipt(deliver({ esmClass: 0x04, tlvs: { ...tlvs, messageState: 200 } }), near),
    ).toMatchObject({
      state: 'unknown',
      final: true,
    });
  });
});

describe('one id in several spellings', () => {
  it.each([
    ['1a2b', '0000006699'],
    ['1A2B', '6699'],
    ['0x'.slice(2) + '00001a2b', '6699'],
    ['6699', '1a2b'],
    ['0000006699', '1A2B'],
    ['FFFFFFFFFFFFFFFF', '18446744073709551615'],
  ])('%s is found as %s', (one, other) => {
    const stripped = other.replace(/^0+/, '');
    expect(idSpellings(one)).toContain(stripped);
    expect(idSpellings(one).some((spelling) => idSpellings(other).includes(spelling))).toBe(true);
  });

  it('is itself first', () => {
    expect(idSpellings('0012')[0]).toBe('0012');
    expect(idSpellings('')).toEqual(['']);
  });

  it('leaves what is no number as it is, but for its case', () => {
    const id = '1f0c2a5e-88b1-4b3e-9d55-0a1b2c3d4e5f';
    expect(new Set(idSpellings(id))).toEqual(new Set([id, id.toUpperCase()]));
  });
});
