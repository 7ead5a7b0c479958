import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { serve, type AskedFor } from './serving.js';

const file = (mediaType: string, size = 1_000) => ({
  name: 'x',
  mediaType,
  size,
  hash: createHash('sha256').update('x').digest(),
});
const ask = (headers: AskedFor['headers'] = {}, method = 'GET'): AskedFor => ({ method, headers });
const caller = { for: 'caller' } as const;

describe('a file that is given out', () => {
  it.each([
    ['image/png', 'image/png', 'inline'],
    ['video/mp4', 'video/mp4', 'inline'],
    ['audio/mpeg', 'audio/mpeg', 'inline'],
    ['text/plain', 'text/plain; charset=utf-8', 'inline'],
    ['text/markdown', 'text/plain; charset=utf-8', 'inline'],
    ['application/pdf', 'application/pdf', 'attachment'],
    ['application/zip', 'application/zip', 'attachment'],
    ['text/html', 'application/octet-stream', 'attachment'],
    ['application/xhtml+xml', 'application/octet-stream', 'attachment'],
    ['image/svg+xml', 'application/octet-stream', 'attachment'],
    ['application/xml', 'application/octet-stream', 'attachment'],
    ['text/javascript', 'application/octet-stream', 'attachment'],
    ['application/javascript', 'application/octet-stream', 'attachment'],
    ['text/css', 'application/octet-stream', 'attachment'],
    ['application/octet-stream', 'application/octet-stream', 'attachment'],
  ])('of the type %s goes as %s, %s', (mediaType, type, kind) => {
    const { headers } = serve(file(mediaType), ask(), caller);
    expect(headers['content-type']).toBe(type);
    expect(headers['content-disposition']).toMatch(new RegExp(`^${kind};`));
  });

  it('can do nothing in a browser', () => {
    const { headers } = serve(file('text/html'), ask(), caller);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^sandbox; default-src 'none';/),
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'private, no-cache',
    });
    expect(headers['content-security-policy']).not.toMatch(/allow-|script-src|'unsafe-eval'/);
  });

  it('by a public link may be shown elsewhere, and be kept as long as the link lasts', () => {
    const { headers } = serve(file('image/png'), ask(), { for: 'public', maxAgeSeconds: 12.7 });
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'cross-origin',
      'cache-control': 'public, max-age=12',
    });
  });

  it.each<[string, number, [number, number] | undefined]>([
    ['bytes=0-99', 206, [0, 99]],
    ['bytes=900-', 206, [900, 999]],
    ['bytes=900-5000', 206, [900, 999]],
    ['bytes=-100', 206, [900, 999]],
    ['bytes=-5000', 206, [0, 999]],
    ['bytes=1000-', 416, undefined],
    ['bytes=-0', 416, undefined],
    ['bytes=5-4', 200, [0, 999]],
    ['bytes=-', 200, [0, 999]],
    ['bytes=0-1,5-6', 200, [0, 999]],
    ['lines=0-1', 200, [0, 999]],
    ['bytes=99999999999999999999-', 200, [0, 999]],
  ])('asked for as %s is answered %i (RFC 9110 §14)', (range, status, stretch) => {
    const served = serve(file('image/png'), ask({ range }), caller);
    expect(served.status).toBe(status);
    expect(served.range).toEqual(stretch && { start: stretch[0], end: stretch[1] });
    if (status === 206 && stretch) {
      expect(served.headers).toMatchObject({
        'content-range': `bytes ${String(stretch[0])}-${String(stretch[1])}/1000`,
        'content-length': String(stretch[1] - stretch[0] + 1),
      });
    }
    if (status === 416) expect(served.headers['content-range']).toBe('bytes */1000');
  });

  it('is not sent again to who has it (RFC 9110 §13)', () => {
    const etag = serve(file('image/png'), ask(), caller).headers['etag'] ?? '';
    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const served = serve(file('image/png'), ask({ 'if-none-match': condition }), caller);
      expect([served.status, served.range]).toEqual([304, undefined]);
      expect(served.headers).not.toHaveProperty('content-length');
    }
    expect(serve(file('image/png'), ask({ 'if-none-match': '"other"' }), caller).status).toBe(200);
    const ranged = (condition: string) =>
      serve(file('image/png'), ask({ range: 'bytes=0-1', 'if-range': condition }), caller).status;
    expect([ranged(etag), ranged('"other"')]).toEqual([206, 200]);
  });

  it('is described, not sent, where only its head is asked for; and has no stretch where it has no bytes', () => {
    const head = serve(file('image/png'), ask({}, 'HEAD'), caller);
    expect([head.range, head.headers['content-length']]).toEqual([undefined, '1000']);
    expect(serve(file('text/plain', 0), ask(), caller)).toMatchObject({
      status: 200,
      headers: { 'content-length': '0' },
      range: undefined,
    });
  });
});
