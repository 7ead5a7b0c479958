import { describe, expect, it } from '@jest/globals';
import { readStanza } from '../core/xml.js';
import { maxBytesIn } from './0478.js';

const features = (limits: string) =>
  readStanza(`<features xmlns="http://etherx.jabber.org/streams">${limits}</features>`);

describe('stream limits (XEP-0478)', () => {
  it('reads example 1', () => {
    const limits =
      '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>262144</max-bytes><idle-seconds>1800</idle-seconds></limits>';
    expect(maxBytesIn(features(limits))).toBe(262_144);
  });

  it.each([
    '',
    '<limits xmlns="urn:xmpp:stream-limits:0"/>',
    '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>many</max-bytes></limits>',
    '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>-1</max-bytes></limits>',
    '<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>10</max-bytes></limits>',
    '<limits xmlns="urn:example:other"><max-bytes>262144</max-bytes></limits>',
  ])('knows no limit from %p', (limits) => {
    expect(maxBytesIn(features(limits))).toBeUndefined();
  });
});
