import { describe, expect, it } from '@jest/globals';
import { declined } from './spoken.js';

const offer = (body: string, type = 'application/sdp') => ({ type, body: Buffer.from(body, 'latin1') });

describe('the answer to an offer of which nothing comes', () => {
  it('takes none of its streams, at the time of which it speaks', () => {
    const offered = offer(
      'v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nt=1 2\r\nm=audio 4000/2 RTP/AVP 0 101\r\n' +
        'a=sendrecv\r\nm=video 4002 RTP/SAVPF 96\r\n',
    );
    expect(declined(offered)?.body.toString()).toBe(
      'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=1 2\r\n' +
        'm=audio 0 RTP/AVP 0 101\r\nm=video 0 RTP/SAVPF 96\r\n',
    );
  });

  it.each([
    ['nothing', undefined],
    ['another type', offer('v=0\r\n', 'multipart/mixed;boundary=x')],
    ['a stream that is cut off', offer('v=0\r\nm=audio\r\n')],
    ['streams without end', offer('v=0\r\n' + 'm=audio 1 RTP/AVP 0\r\n'.repeat(1_000))],
  ])('is none where it is %s', (_, offered) => {
    expect(declined(offered)).toBeUndefined();
  });
});
