import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encode } from './encode.js';
import { PduReader, type Read } from './pdu-reader.js';

/** All that a reader says of bytes that come in these chunks. */
function readAll(chunks: Iterable<Buffer>, maxLength?: number): Read[] {
  const reader = new PduReader(maxLength);
  const all: Read[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let one = reader.next(); one !== undefined; one = reader.next()) all.push(one);
  }
  return all;
}

/** The same in one word each. */
function told(all: readonly Read[]): string[] {
  return all.map((one) =>
    'pdu' in one
      ? `${one.pdu.command} ${String(one.pdu.sequence)}`
      : `${one.fault.scope} ${one.fault.field} ${String(one.fault.sequence)}`,
  );
}

function submit(sequence: number, text = 'hello'): Buffer {
  return encode({ command: 'submit_sm', sequence, shortMessage: Buffer.from(text) });
}

/** A header alone that says this length. */
function header(length: number, id = 4, sequence = 9): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(id, 4);
  bytes.writeUInt32BE(sequence, 12);
  return bytes;
}

const alive = encode({ command: 'enquire_link', sequence: 4 });

describe('a stream of PDUs', () => {
  const stream = Buffer.concat([submit(1), alive, submit(5, 'x'.repeat(254)), header(16), submit(6)]);
  const said = ['submit_sm 1', 'enquire_link 4', 'submit_sm 5', 'pdu service_type 9', 'submit_sm 6'];

  it('is read wherever the network cuts it', () => {
    expect(told(readAll([stream]))).toEqual(said);
    expect(told(readAll([...stream].map((byte) => Buffer.of(byte))))).toEqual(said);
    for (let at = 1; at < stream.length; at++) {
      expect(told(readAll([stream.subarray(0, at), stream.subarray(at)]))).toEqual(said);
    }
  });

  it('is read on after a PDU that is wrong inside its frame', () => {
    const bad = Buffer.concat([header(19), Buffer.from('abc')]);
    expect(told(readAll([Buffer.concat([bad, submit(2)])]))).toEqual(['pdu service_type 9', 'submit_sm 2']);
  });

  it.each([0, 1, 4, 15])('is not read past a length of %i, and does not wait', (length) => {
    expect(told(readAll([Buffer.concat([header(length), submit(2)])]))).toEqual(['frame command_length 9']);
    const reader = new PduReader();
    reader.push(header(length).subarray(0, 4));
    expect(reader.next()).toMatchObject({ fault: { scope: 'frame', sequence: 0, answer: 2 } });
    expect(reader.isOver).toBe(true);
    reader.push(submit(3));
    expect(reader.next()).toBeUndefined();
  });

  it('is not read past a length above the limit, before any of it is held', () => {
    expect(told(readAll([header(131_073)]))).toEqual(['frame command_length 9']);
    expect(told(readAll([header(0xffff_ffff)]))).toEqual(['frame command_length 9']);
    expect(told(readAll([submit(1, 'x'.repeat(100))], 64))).toEqual(['frame command_length 1']);
    expect(told(readAll([Buffer.from('GET / HTTP/1.1\r\n\r\n')]))).toHaveLength(1);
  });

  it('may be read later than it came', () => {
    const reader = new PduReader();
    for (const chunk of [submit(1).subarray(0, 7), submit(1).subarray(7), alive]) reader.push(chunk);
    expect(reader.isAmidPdu).toBe(true);
    expect(told([reader.next(), reader.next()].filter((one) => one !== undefined))).toEqual([
      'submit_sm 1',
      'enquire_link 4',
    ]);
    expect(reader.next()).toBeUndefined();
    expect(reader.isAmidPdu).toBe(false);
  });

  it('that is cut off says so', () => {
    const reader = new PduReader();
    reader.push(submit(1).subarray(0, 20));
    expect(reader.next()).toBeUndefined();
    expect(reader.isAmidPdu).toBe(true);
  });

  it('of any octets, cut anywhere, ends or is read, and says the same either way', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(submit(1), alive, header(15), header(16), header(20)),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (parts, step) => {
        const bytes = Buffer.concat(parts);
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += step) chunks.push(bytes.subarray(at, at + step));
        const whole = readAll([bytes], 4_096);
        // How much of a broken frame's header was there decides what can be told of it.
        const words = (all: readonly Read[]) =>
          all.map((one) => ('pdu' in one ? one.pdu : `${one.fault.scope} ${one.fault.field}`));
        expect(words(readAll(chunks, 4_096))).toEqual(words(whole));
      }),
      { numRuns: 500 },
    );
  });

  it('in single octets costs no more than its length', () => {
    const big = encode({ command: 'data_sm', sequence: 1, tlvs: { messagePayload: Buffer.alloc(65_535) } });
    const bytes = Array.from(big, (byte) => Buffer.of(byte));
    const time = (count: number): number => {
      const began = performance.now();
      readAll(bytes.slice(0, count));
      return performance.now() - began;
    };
    const least = (count: number): number => Math.min(...[0, 1, 2, 3, 4].map(() => time(count)));
    // Twice the octets, not four times the work; generous, since the machine may be busy.
    expect(least(64_000)).toBeLessThan(3.2 * least(32_000) + 2);
  });
});
