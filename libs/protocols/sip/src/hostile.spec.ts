import { afterEach, describe, expect, it } from '@jest/globals';
import { buildMessage } from './build.js';
import { Credentials } from './credentials.js';
import { responseOf, type SipRequest } from './message.js';
import { parseMessage } from './parse.js';
import { aRequest, aStack, boundPort, closeAll, hopTo, ManualClock, until } from './stack.fixture.js';

afterEach(closeAll);

/** Breaks messages, always in the same ways. */
function breaker(seed: number): (bytes: Buffer) => Buffer {
  let state = seed;
  const below = (most: number): number => (state = (state * 16_807) % 2_147_483_647) % most;
  const special = [0, 9, 10, 13, 32, 34, 44, 59, 60, 62, 92, 0xc3, 0xff];
  return (bytes) => {
    const broken = Buffer.from(bytes);
    for (let count = below(2); count >= 0; count--) {
      const byte = below(2) === 0 ? special[below(special.length)] : below(256);
      broken[below(broken.length)] = byte ?? 0;
    }
    return below(10) === 0 ? broken.subarray(0, below(broken.length)) : broken;
  };
}

const rich = (request: SipRequest, branch: string): Buffer => {
  request.headers.prepend(
    'via',
    `SIP/2.0/UDP 127.0.0.1:9;branch=${branch};rport, SIP/2.0/TCP [::1];branch=z9hG4bKx`,
  );
  request.headers
    .add('record-route', '<sip:p.example.org;lr>')
    .add('contact', '"A \\" b" <sip:alice@127.0.0.1>');
  return buildMessage(request);
};

describe('broken messages', () => {
  it('that ask never end the process, whatever is answered and whenever', async () => {
    const clock = new ManualClock();
    let count = 0;
    const told: string[] = [];
    const { stack } = aStack({
      clock,
      onFault: ({ reason }) => told.push(reason),
      onRequest: (incoming) => {
        count++;
        if (incoming.request.method === 'OPTIONS') incoming.respond(200);
        // One in five is left to its timers.
        const status = [180, 200, 486, 404][count % 5];
        if (status !== undefined) incoming.respond(status, { headers: { contact: '<sip:bob@127.0.0.1>' } });
      },
    });
    const [hop, socket] = [await hopTo(stack), await boundPort()];
    let heard = 0;
    socket.on('message', () => heard++);
    const broken = breaker(5);
    for (let round = 0; round < 3_000; round++) {
      const method = ['INVITE', 'MESSAGE', 'CANCEL', 'ACK', 'SUBSCRIBE'][round % 5] ?? '';
      const bytes = rich(aRequest(method, 'Hello'), `z9hG4bK${String(Math.floor(round / 5))}`);
      socket.send(broken(bytes), hop.port, hop.address);
      if (round % 50 === 0) await new Promise(setImmediate);
    }
    await until(() => count > 50 && heard > 100);
    clock.advance(100_000);
    expect(told.length).toBeGreaterThan(100);
    expect(told.filter((reason) => reason.startsWith('our own') || reason.startsWith('onRequest'))).toEqual(
      [],
    );
    const answer = await aStack().stack.request({ request: aRequest('OPTIONS', ''), hops: [hop] });
    expect(answer).toMatchObject({ answer: 'response', response: { status: 200 } });
  });

  it('that answer never end the process, and never leave a request without an end', async () => {
    const peer = await boundPort();
    const broken = breaker(9);
    let round = 0;
    peer.on('message', (bytes, { port }) => {
      const { message: request } = parseMessage(bytes);
      if (request?.type !== 'request' || request.method === 'ACK') return;
      const headers = Object.fromEntries(
        ['via', 'from', 'to', 'call-id', 'cseq'].map((name) => [name, request.headers.get(name) ?? '']),
      );
      const challenge = 'Digest realm="a \\" b", nonce="n", qop="auth", opaque="o"';
      for (const status of [180, 401, 200, 486]) {
        round++;
        const response = responseOf(status, 'X', {
          ...headers,
          to: `${headers['to'] ?? ''};tag=${String(round)}`,
          'record-route': '<sip:p.example.org;lr>, <sip:q.example.org>',
          contact: '<sip:bob@127.0.0.1>',
          'www-authenticate': challenge,
          'authentication-info': 'nextnonce="m"',
        });
        peer.send(broken(buildMessage(response)), port);
      }
    });
    const told: string[] = [];
    const { stack } = aStack({ timers: { t1: 2 }, onFault: ({ reason }) => told.push(reason) });
    const credentials = new Credentials({ user: 'alice', password: 'secret' });
    const hops = [{ transport: 'udp', address: '127.0.0.1', port: peer.address().port }] as const;
    const ends = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        if (index % 2 === 0) return stack.request({ request: aRequest(), hops, credentials });
        const call = stack.invite({ request: aRequest('INVITE', ''), hops, credentials });
        const giveUp = setTimeout(() => {
          call.cancel();
        }, 300);
        const answer = await call.answer;
        clearTimeout(giveUp);
        if (answer.answer === 'response' && answer.response.status === 200) call.ack(answer.response);
        return answer;
      }),
    );
    expect(ends).toHaveLength(200);
    expect(told.filter((reason) => reason.startsWith('our own'))).toEqual([]);
  });
});
