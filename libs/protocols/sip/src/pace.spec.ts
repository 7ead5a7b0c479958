import { expect, it } from '@jest/globals';
import { buildMessage } from './build.js';
import type { SipRequest } from './message.js';
import { parseMessage } from './parse.js';
import { verdictOn } from './validate.js';

/** A MESSAGE as it comes from a phone by way of a proxy. */
const ordinary = Buffer.from(
  [
    'MESSAGE sip:bob@192.0.2.4:5060;transport=udp SIP/2.0',
    'Via: SIP/2.0/UDP proxy.example.org;branch=z9hG4bK87asdks7',
    'Via: SIP/2.0/UDP 192.0.2.1:5060;rport=5060;received=192.0.2.1;branch=z9hG4bK776sgdkse',
    'Max-Forwards: 69',
    'From: "Alice" <sip:alice@example.org>;tag=49583',
    'To: <sip:bob@example.org>',
    'Call-ID: asd88asd77a@192.0.2.1',
    'CSeq: 1 MESSAGE',
    'Contact: <sip:alice@192.0.2.1:5060>',
    'User-Agent: Phone/1.2.3',
    'Allow: INVITE, ACK, CANCEL, BYE, MESSAGE, OPTIONS, NOTIFY',
    'Supported: replaces, outbound',
    'Content-Type: text/plain',
    'Content-Length: 18',
    '',
    'Watson, come here.',
  ].join('\r\n'),
);

/** Microseconds of one call: the least that a round of many took, since the machine may be busy with other things. */
function pace(call: () => void): number {
  const rounds = Array.from({ length: 60 }, () => {
    const before = performance.now();
    for (let times = 0; times < 500; times++) call();
    return ((performance.now() - before) * 1_000) / 500;
  });
  return Math.min(...rounds);
}

/** Microseconds; less than a third of it is usual, and the bench holds it to that. A machine that is busy may be slower. */
const most = process.env['PARLEY_BENCH'] === undefined ? 60 : 20;

it(`reads, judges and writes an ordinary message in less than ${String(most)} µs each`, () => {
  const { message } = parseMessage(ordinary);
  if (message?.type !== 'request') throw new Error('it is a request');
  const request: SipRequest = message;
  const told = {
    read: pace(() => parseMessage(ordinary)),
    judged: pace(() => verdictOn(request, { methods: ['MESSAGE'], options: [] })),
    written: pace(() => buildMessage(request)),
  };
  if (process.env['PARLEY_BENCH'] !== undefined) {
    const figures = Object.entries(told).map(([what, took]) => `${what} in ${took.toFixed(1)} µs`);
    process.stdout.write(
      `An ordinary MESSAGE of ${String(ordinary.length)} octets is ${figures.join(', ')}.\n`,
    );
  }
  expect(Object.entries(told).filter(([, took]) => took >= most)).toEqual([]);
});
