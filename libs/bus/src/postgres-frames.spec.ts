import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Parcels, toFrames, type Carried } from './postgres-frames.js';

const carried = fc.record({
  channel: fc.constantFrom('links', 'log:1', 'ask:room é'),
  text: fc.oneof(
    fc.constant(''),
    fc.string({ unit: 'grapheme', maxLength: 9_000 }).map((text) => JSON.stringify(text)),
  ),
});

describe('frames', () => {
  it('carry any texts whole, each frame shorter than a notification may be', () => {
    fc.assert(
      fc.property(fc.array(carried, { minLength: 1, maxLength: 20 }), (parcel) => {
        const frames = toFrames('alice', 1, parcel);
        for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThan(8_000);
        const parcels = new Parcels('bob');
        expect(frames.flatMap((frame) => parcels.take(frame))).toEqual(parcel);
      }),
      { numRuns: 50 },
    );
  });

  it('are not heard by who sent them', () => {
    const parcels = new Parcels('alice');
    expect(
      toFrames('alice', 1, [{ channel: 'links', text: '1' }]).flatMap((frame) => parcels.take(frame)),
    ).toEqual([]);
  });

  it('of which one is missing lose their parcel and no other', () => {
    const long: Carried = { channel: 'links', text: JSON.stringify('é'.repeat(10_000)) };
    const parcels = new Parcels('bob');
    const [first, , ...rest] = toFrames('alice', 1, [long]);
    expect(rest.length).toBeGreaterThan(0);
    expect([first ?? '', ...rest].flatMap((frame) => parcels.take(frame))).toEqual([]);
    expect(toFrames('alice', 2, [long]).flatMap((frame) => parcels.take(frame))).toEqual([long]);
  });

  it('of two senders may come mixed', () => {
    const long: Carried = { channel: 'links', text: JSON.stringify('x'.repeat(20_000)) };
    const parcels = new Parcels('bob');
    const one = toFrames('alice', 1, [long]);
    const other = toFrames('carol', 1, [long]);
    const mixed = one.flatMap((frame, index) => [frame, other[index] ?? '']);
    expect(mixed.flatMap((frame) => parcels.take(frame))).toEqual([long, long]);
  });

  it('that are no frames are dropped', () => {
    const parcels = new Parcels('bob');
    for (const text of ['', 'hello', 'alice 1 0\nx', 'alice 1 1 2\nlinks\t1'])
      expect(parcels.take(text)).toEqual([]);
  });
});
