import { afterEach, describe, expect, it } from '@jest/globals';
import { createSocket, type Socket } from 'node:dgram';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildMessage } from './build.js';
import { parseMessage } from './parse.js';
import type { Answer, Answered } from './ask.js';
import { Challenger } from './challenger.js';
import { Credentials } from './credentials.js';
import { Dialog } from './dialog.js';
import { tagOf } from './headers/name-addr.js';
import type { Incoming } from './incoming.js';
import type { SipMessage, SipRequest, SipResponse } from './message.js';
import { aRequest, aStack, closeAll, hopTo, ManualClock, until } from './stack.fixture.js';
import type { Hop } from './transport/places.js';

const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await closeAll();
});

function answered(answer: Answer): Answered {
  if (answer.answer === 'none') throw new Error(`${answer.why}: ${answer.detail}`);
  return answer;
}

/** Somebody on UDP who says only what a test says. */
async function rawPeer(): Promise<{
  hop: Hop;
  heard: SipMessage[];
  say: (message: SipMessage | string, to: Hop) => void;
}> {
  const socket = createSocket('udp4');
  sockets.push(socket);
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const heard: SipMessage[] = [];
  socket.on('message', (bytes) => {
    const { message } = parseMessage(bytes);
    if (message !== undefined) heard.push(message);
  });
  return {
    hop: { transport: 'udp', address: '127.0.0.1', port: socket.address().port },
    heard,
    say: (message, to) => {
      socket.send(typeof message === 'string' ? message : buildMessage(message), to.port, to.address);
    },
  };
}

function rawRequest(
  method: string,
  more: Partial<Record<'branch' | 'cseq' | 'to' | 'via', string>> = {},
): string {
  const { branch = 'z9hG4bKone', cseq = `7 ${method}`, to = '<sip:bob@example.org>' } = more;
  const { via = `SIP/2.0/UDP 127.0.0.1:9;branch=${branch};rport` } = more;
  return [
    `${method} sip:bob@example.org SIP/2.0`,
    `Via: ${via}`,
    'From: <sip:alice@example.org>;tag=a',
    `To: ${to}`,
    'Call-ID: raw',
    `CSeq: ${cseq}`,
    'Contact: <sip:alice@127.0.0.1>',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

const statusesOf = (messages: readonly SipMessage[]): number[] =>
  messages.flatMap((message) => (message.type === 'response' ? [message.status] : []));

/** An INVITE as it would have gone out. */
function aRequestWithVia(): SipRequest {
  const request = aRequest('INVITE', '');
  request.headers.prepend('via', 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnobody;rport');
  return request;
}

describe('two stacks', () => {
  it.each([
    ['udp', '127.0.0.1'],
    ['tcp', '127.0.0.1'],
    ['udp', '::1'],
    ['tcp', '::1'],
  ] as const)('ask and answer over %s on %s', async (transport, host) => {
    const bob = aStack({
      onRequest: (incoming) => {
        incoming.respond(200, { body: incoming.request.body, headers: { expires: '60' } });
      },
    });
    const alice = aStack();
    const hop = await hopTo(bob.stack, transport, host);
    const { response, request } = answered(await alice.stack.request({ request: aRequest(), hops: [hop] }));
    expect(response).toMatchObject({ status: 200, reason: 'OK' });
    expect(response.body.toString()).toBe('Hello');
    expect(response.headers.get('server')).toBe('Parley');
    expect(response.headers.get('expires')).toBe('60');
    expect(response.headers.get('call-id')).toBe(request.headers.get('call-id'));
    expect(request.headers.get('max-forwards')).toBe('70');
    // RFC 3581: where we are seen.
    const via = response.headers.get('via') ?? '';
    if (transport === 'udp') expect(via).toMatch(/;rport=\d+/);
  });

  it('use one UDP port and one connection for all that they ask', async () => {
    const bob = aStack();
    const alice = aStack();
    for (const transport of ['udp', 'tcp'] as const) {
      const hop = await hopTo(bob.stack, transport);
      const all = [1, 2, 3].map(() => alice.stack.request({ request: aRequest(), hops: [hop] }));
      await until(() => bob.asked.length === 3);
      expect(new Set(bob.asked.map(({ flow }) => flow.id)).size).toBe(1);
      for (const incoming of bob.asked.splice(0)) incoming.respond(202);
      expect((await Promise.all(all)).map((one) => answered(one).response.status)).toEqual([202, 202, 202]);
    }
  });

  it('ask both ways over one connection', async () => {
    const bob = aStack();
    const alice = aStack({ onRequest: (incoming) => void incoming.respond(200) });
    const hop = await hopTo(bob.stack, 'tcp');
    const there = alice.stack.request({ request: aRequest('REGISTER', ''), hops: [hop] });
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    incoming.respond(200);
    await there;
    const back = await bob.stack.request({ request: aRequest(), hops: [incoming.flow] });
    expect(answered(back).response.status).toBe(200);
  });

  it.each(['udp', 'tcp'] as const)('invite, ring, answer and acknowledge over %s', async (transport) => {
    const bob = aStack();
    const alice = aStack();
    const rung: SipResponse[] = [];
    const call = alice.stack.invite({
      request: aRequest('INVITE', ''),
      hops: [await hopTo(bob.stack, transport)],
      provisional: (response) => rung.push(response),
    });
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    const acks: SipRequest[] = [];
    incoming.acked = (ack) => acks.push(ack);
    incoming.respond(180);
    const given = incoming.respond(200, { headers: { contact: '<sip:bob@127.0.0.1:5070>' } });
    const { response, request } = answered(await call.answer);
    expect(rung.map(({ status }) => status)).toEqual([180]);
    call.ack(response, { headers: { 'content-type': 'application/sdp' }, body: 'v=0' });
    await until(() => acks.length === 1);
    expect(acks[0]).toMatchObject({ method: 'ACK', uri: 'sip:bob@127.0.0.1:5070' });
    expect(acks[0]?.body.toString()).toBe('v=0');
    expect(Dialog.fromUac(request, response)?.id).toBeDefined();
    expect(given.headers.get('to')).toBe(response.headers.get('to'));
  });

  it.each([
    ['loose', '<sip:192.0.2.1;lr>, <sip:192.0.2.2>', 'sip:bob@127.0.0.1:5071'],
    ['strict', '<sip:192.0.2.2>, <sip:bob@127.0.0.1:5070>', 'sip:192.0.2.1'],
  ])('acknowledge within a dialog by its own routes, if they are %s', async (_kind, routes, uri) => {
    const bob = aStack();
    const alice = aStack();
    const invite = aRequest('INVITE', '');
    invite.headers.set('to', '<sip:bob@example.org>;tag=bob').add('route', routes);
    const call = alice.stack.invite({
      request: { ...invite, uri: uri.replace('5071', '5070') },
      hops: [await hopTo(bob.stack)],
    });
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    const acks: SipRequest[] = [];
    incoming.acked = (ack) => acks.push(ack);
    // Most proxies record themselves at the beginning of a dialog only.
    incoming.respond(200, { headers: { contact: '<sip:bob@127.0.0.1:5071>' } });
    call.ack(answered(await call.answer).response);
    await until(() => acks.length === 1);
    expect(acks[0]?.uri).toBe(uri);
    expect(acks[0]?.headers.list('route')).toEqual(routes.split(', '));
  });

  it('cancel what rings, and say why', async () => {
    const bob = aStack();
    const alice = aStack();
    const call = alice.stack.invite({ request: aRequest('INVITE', ''), hops: [await hopTo(bob.stack)] });
    // Not before a provisional response came.
    call.cancel({ reason: 'SIP;cause=200;text="Call completed elsewhere"' });
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    let reason: string | undefined;
    incoming.cancelled = ({ headers }) => {
      reason = headers.get('reason');
    };
    incoming.respond(180);
    expect(answered(await call.answer).response.status).toBe(487);
    expect(reason).toContain('cause=200');
    expect(incoming.isOver).toBe(true);
  });

  it('tell what an INVITE will be before it leaves, so that another process can cancel it', async () => {
    const bob = aStack();
    const alice = aStack();
    const hop = await hopTo(bob.stack);
    let kept: SipRequest | undefined;
    let keep = (): void => undefined;
    const call = alice.stack.invite({
      request: aRequest('INVITE', ''),
      hops: [hop],
      before: (request) => {
        kept = request;
        return new Promise((done) => {
          keep = done;
        });
      },
    });
    await until(() => kept !== undefined);
    expect(bob.asked).toEqual([]);
    keep();
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    let reason: string | undefined;
    incoming.cancelled = ({ headers }) => {
      reason = headers.get('reason');
    };
    incoming.respond(180);
    expect(kept?.headers.list('via')[0]).toContain('branch=');
    // Whoever comes after alice knows nothing but what she kept.
    await alice.stack.close();
    expect((await call.answer).answer).toBe('none');
    const heir = aStack();
    const told = await heir.stack.cancel(kept as SipRequest, [hop], { reason: 'SIP;cause=487' });
    expect(answered(told).response.status).toBe(200);
    expect(reason).toBe('SIP;cause=487');
    expect(incoming.isOver).toBe(true);
    const nothing = await heir.stack.cancel(aRequestWithVia(), [hop]);
    expect(answered(nothing).response.status).toBe(481);
  });

  it('do not leave when that cannot be kept, or when they are given up meanwhile', async () => {
    const bob = aStack();
    const alice = aStack();
    const hops = [await hopTo(bob.stack)];
    const unkept = alice.stack.invite({
      request: aRequest('INVITE', ''),
      hops,
      before: () => Promise.reject(new Error('no room')),
    });
    expect(await unkept.answer).toMatchObject({ answer: 'none', why: 'not-sent', left: false });
    const givenUp = alice.stack.invite({
      request: aRequest('INVITE', ''),
      hops,
      before: () => {
        givenUp.cancel();
        return Promise.resolve();
      },
    });
    expect(await givenUp.answer).toMatchObject({ answer: 'none', why: 'aborted', left: false });
    expect(bob.asked).toEqual([]);
  });

  it('tell of a 2xx that overtook the cancelling', async () => {
    const bob = aStack();
    const alice = aStack();
    const call = alice.stack.invite({ request: aRequest('INVITE', ''), hops: [await hopTo(bob.stack)] });
    await until(() => bob.asked.length === 1);
    const [incoming] = bob.asked as [Incoming];
    incoming.cancelled = () => {
      incoming.respond(200, { headers: { contact: '<sip:bob@127.0.0.1>' } });
    };
    incoming.respond(180);
    call.cancel();
    const { response } = answered(await call.answer);
    expect(response.status).toBe(200);
    call.ack(response);
  });
});

describe('a stack that is asked', () => {
  it('hands a request up once, and answers each retransmission with the same response', async () => {
    const { stack, asked } = aStack();
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    peer.say(rawRequest('MESSAGE'), hop);
    peer.say(rawRequest('MESSAGE'), hop);
    await until(() => asked.length === 1);
    asked[0]?.respond(200);
    await until(() => peer.heard.length > 0);
    // The second of before may have come before the answer, and may come now.
    peer.say(rawRequest('MESSAGE'), hop);
    peer.say(rawRequest('MESSAGE'), hop);
    await until(() => peer.heard.length > 2);
    expect(peer.heard.every((response) => isDeepStrictEqual(response, peer.heard[0]))).toBe(true);
    expect(asked).toHaveLength(1);
  });

  it('knows retransmissions of clients whose branches are not unique (RFC 2543)', async () => {
    const { stack, asked } = aStack();
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    const via = 'SIP/2.0/UDP 127.0.0.1:9;branch=1;rport';
    peer.say(rawRequest('MESSAGE', { via }), hop);
    peer.say(rawRequest('MESSAGE', { via }), hop);
    peer.say(rawRequest('MESSAGE', { via, cseq: '8 MESSAGE' }), hop);
    await until(() => asked.length === 2);
    expect(asked.map(({ request }) => request.headers.get('cseq'))).toEqual(['7 MESSAGE', '8 MESSAGE']);
  });

  it('answers a refused INVITE until its ACK, and drops the ACK', async () => {
    const clock = new ManualClock();
    const { stack, asked } = aStack({ clock });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    peer.say(rawRequest('INVITE'), hop);
    await until(() => asked.length === 1);
    asked[0]?.respond(486);
    await until(() => peer.heard.length === 1);
    clock.advance(500);
    await until(() => peer.heard.length === 2);
    peer.say(rawRequest('ACK', { cseq: '7 ACK' }), hop);
    // Only what is left of the transaction can answer it.
    peer.say(rawRequest('OPTIONS', { branch: 'z9hG4bKtwo' }), hop);
    await until(() => asked.length === 2);
    clock.advance(10_000);
    expect(statusesOf(peer.heard)).toEqual([486, 486]);
    peer.say(rawRequest('INVITE'), hop);
    peer.say(rawRequest('OPTIONS', { branch: 'z9hG4bKthree' }), hop);
    await until(() => asked.length === 3);
    expect(asked.map(({ request }) => request.method)).toEqual(['INVITE', 'OPTIONS', 'OPTIONS']);
  });

  it('answers a CANCEL of nothing with 481, and one of an answered INVITE with 200', async () => {
    const { stack, asked } = aStack();
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    peer.say(rawRequest('CANCEL', { branch: 'z9hG4bKnone' }), hop);
    await until(() => peer.heard.length === 1);
    peer.say(rawRequest('INVITE'), hop);
    await until(() => asked.length === 1);
    asked[0]?.respond(486);
    peer.say(rawRequest('CANCEL'), hop);
    await until(() => peer.heard.length === 3);
    expect(statusesOf(peer.heard)).toEqual([481, 486, 200]);
  });

  it('refuses by what it expects, and never answers an ACK', async () => {
    const { stack, asked } = aStack({ expected: { methods: ['MESSAGE', 'ACK'], options: [] } });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    peer.say(rawRequest('ACK'), hop);
    peer.say(rawRequest('ACK').replace('CSeq', 'X'), hop);
    peer.say(rawRequest('SUBSCRIBE'), hop);
    peer.say(rawRequest('FLY', { branch: 'z9hG4bKfly' }), hop);
    await until(() => peer.heard.length === 2);
    expect(statusesOf(peer.heard)).toEqual([405, 501]);
    expect(peer.heard[0]?.headers.get('allow')).toBe('MESSAGE, ACK');
    expect(asked).toEqual([]);
  });

  it('has no time for more requests than it may hold, of which a quarter may be from one address', async () => {
    const { stack, asked } = aStack({ limits: { incoming: 8 } });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    for (const branch of ['1', '2', '3'])
      peer.say(rawRequest('MESSAGE', { branch: `z9hG4bK${branch}` }), hop);
    await until(() => peer.heard.length === 1);
    expect(statusesOf(peer.heard)).toEqual([503]);
    expect(peer.heard[0]?.headers.has('retry-after')).toBe(true);
    expect(asked).toHaveLength(2);
  });

  it('holds nothing of what is to be ignored: it does not take the room of others, and hears no 100', async () => {
    const clock = new ManualClock();
    const { stack, asked } = aStack({
      clock,
      limits: { incoming: 8 },
      onRequest: (incoming) => {
        asked.push(incoming);
        if (incoming.request.method === 'OPTIONS') incoming.respond(200);
        else incoming.ignore();
      },
    });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    const seen = (count: number): Promise<void> => until(() => asked.length === count);
    for (const [at, method] of ['INVITE', 'INVITE', 'MESSAGE', 'INVITE'].entries()) {
      peer.say(rawRequest(method, { branch: `z9hG4bK${String(at)}` }), hop);
      await seen(at + 1);
    }
    expect(asked.map(({ isOver }) => isOver)).toEqual([true, true, true, true]);
    // Sent again it is new: nothing is known of it.
    peer.say(rawRequest('INVITE', { branch: 'z9hG4bK0' }), hop);
    await seen(5);
    clock.advance(250);
    peer.say(rawRequest('OPTIONS', { branch: 'z9hG4bKlast' }), hop);
    await until(() => peer.heard.length > 0);
    expect(statusesOf(peer.heard)).toEqual([200]);
  });

  it('holds nothing of what is dismissed, and tells it the same as often as it comes', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({
      clock,
      limits: { incoming: 8 },
      onRequest: (incoming) => {
        if (incoming.request.method === 'OPTIONS') incoming.respond(200);
        else incoming.dismiss(401, { headers: { 'www-authenticate': 'Digest realm="x", nonce="y"' } });
      },
    });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    for (const [at, branch] of ['0', '1', '2', '3', '0'].entries()) {
      peer.say(rawRequest('INVITE', { branch: `z9hG4bK${branch}` }), hop);
      await until(() => peer.heard.length > at);
    }
    clock.advance(2_000);
    peer.say(rawRequest('OPTIONS', { branch: 'z9hG4bKlast' }), hop);
    await until(() => statusesOf(peer.heard).includes(200));
    expect(statusesOf(peer.heard)).toEqual([401, 401, 401, 401, 401, 200]);
    const tags = peer.heard.map(({ headers }) => tagOf(headers.get('to')));
    expect(tags[4]).toBe(tags[0]);
    expect(tags[1]).not.toBe(tags[0]);
  });

  it('refuses only so much in a second over UDP, and hears on what it takes', async () => {
    const clock = new ManualClock();
    const { stack } = aStack({
      clock,
      limits: { refusals: 2 },
      expected: { methods: ['OPTIONS'] },
      onRequest: (incoming) => void incoming.respond(200),
    });
    const [hop, peer] = [await hopTo(stack), await rawPeer()];
    const ask = (method: string, branch: string): void => {
      peer.say(rawRequest(method, { branch: `z9hG4bK${branch}` }), hop);
    };
    for (const branch of ['1', '2', '3', '4']) ask('REGISTER', branch);
    ask('CANCEL', '5');
    ask('OPTIONS', '6');
    await until(() => statusesOf(peer.heard).includes(200));
    expect(statusesOf(peer.heard)).toEqual([405, 405, 200]);
    clock.advance(1_000);
    ask('REGISTER', '7');
    await until(() => peer.heard.length === 4);
    expect(statusesOf(peer.heard).at(-1)).toBe(405);
  });

  it('answers 500 for a user who throws, and lives', async () => {
    const faults: string[] = [];
    const bob = aStack({
      onRequest: () => {
        throw new Error('a bug');
      },
      onFault: ({ reason }) => faults.push(reason),
    });
    const hop = await hopTo(bob.stack);
    const answer = await aStack().stack.request({ request: aRequest(), hops: [hop] });
    expect(answered(answer).response.status).toBe(500);
    expect(faults).toEqual(['onRequest: a bug']);
  });

  it('holds what is finished as the bytes of its response, not as messages', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const bob = aStack({ onRequest: (incoming) => void incoming.respond(200) });
    const { stack } = aStack();
    const hop = await hopTo(bob.stack);
    const some = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 50) {
        await Promise.all(
          Array.from({ length: 50 }, () =>
            stack.request({ request: aRequest('MESSAGE', 'x'.repeat(500)), hops: [hop] }),
          ),
        );
      }
    };
    const held = (): number => {
      collect();
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    await some(500);
    const before = held();
    await some(2_000);
    // It is 1,200 to 3,600 here; a parsed message with all that hangs on it is 15,000.
    expect((held() - before) / 2_000).toBeLessThan(7_000);
  });

  it('answers at the port of the Via where no rport is asked for', async () => {
    const { stack, asked } = aStack();
    const [hop, peer, other] = [await hopTo(stack), await rawPeer(), await rawPeer()];
    const via = `SIP/2.0/UDP elsewhere.example.org:${String(peer.hop.port)};branch=z9hG4bKx`;
    other.say(rawRequest('MESSAGE', { via }), hop);
    await until(() => asked.length === 1);
    asked[0]?.respond(200);
    await until(() => peer.heard.length === 1);
    expect(peer.heard[0]?.headers.get('via')).toContain(';received=127.0.0.1');
  });
});

describe('a stack that asks', () => {
  it('drops responses that belong to nothing, or went through somebody else', async () => {
    const { stack } = aStack();
    const peer = await rawPeer();
    const asking = stack.request({ request: aRequest(), hops: [peer.hop] });
    await until(() => peer.heard.length === 1);
    const [request] = peer.heard as [SipRequest];
    const flow = await stack.flowTo(peer.hop);
    const back: Hop = { transport: 'udp', address: flow.local.address, port: flow.local.port };
    const lines = (status: number, vias: readonly string[]): string =>
      [
        `SIP/2.0 ${String(status)} X`,
        ...vias.map((via) => `Via: ${via}`),
        ...['from', 'to', 'call-id', 'cseq'].map((name) => `${name}: ${request.headers.get(name) ?? ''}`),
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
    const via = request.headers.get('via') ?? '';
    peer.say(lines(486, ['SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKother']), back);
    peer.say(lines(487, [via, 'SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKother']), back);
    peer.say(lines(488, [via]).replace('cseq: 1 MESSAGE', 'cseq: 1 INVITE'), back);
    peer.say('SIP/2.0 200 X\r\n\r\n', back);
    peer.say(lines(204, [via]), back);
    expect(answered(await asking).response.status).toBe(204);
  });

  it('says that nothing left where nobody takes the connection, and that nobody answered where it did', async () => {
    const peer = await rawPeer();
    const { stack } = aStack({ timers: { t1: 1 } });
    const refused: Hop = { ...peer.hop, transport: 'tcp' };
    const notSent = await stack.request({ request: aRequest(), hops: [refused] });
    expect(notSent).toMatchObject({ answer: 'none', why: 'not-sent', left: false, code: 'ECONNREFUSED' });
    const silent = await stack.request({ request: aRequest(), hops: [peer.hop] });
    expect(silent).toMatchObject({ answer: 'none', why: 'timeout', left: true });
    expect(await stack.request({ request: aRequest(), hops: [] })).toMatchObject({
      why: 'not-sent',
      left: false,
    });
  });

  it('goes on to the next hop where nothing left and at 503, and at a timeout only if told to', async () => {
    const silent = await rawPeer();
    const busy = aStack({ onRequest: (incoming) => void incoming.respond(503) });
    const bob = aStack({ onRequest: (incoming) => void incoming.respond(200) });
    const { stack } = aStack({ timers: { t1: 1 } });
    const good = await hopTo(bob.stack);
    const refused: Hop = { ...silent.hop, transport: 'tcp' };
    const first = await stack.request({
      request: aRequest(),
      hops: [refused, await hopTo(busy.stack), good],
    });
    expect(answered(first).response.status).toBe(200);
    const second = await stack.request({ request: aRequest(), hops: [silent.hop, good] });
    expect(second).toMatchObject({ why: 'timeout' });
    const hops = [silent.hop, good];
    const third = await stack.request({ request: aRequest(), hops, failOver: 'always' });
    expect(answered(third).response.status).toBe(200);
    // Something may have left for the first: that the second could not be reached does not take it back.
    const fourth = await stack.request({
      request: aRequest(),
      hops: [silent.hop, refused],
      failOver: 'always',
    });
    expect(fourth).toMatchObject({ why: 'timeout', left: true });
  });

  it('sends what is too long for UDP over TCP, and over UDP where nobody takes that', async () => {
    const heard: string[] = [];
    const bob = aStack({
      onRequest: (incoming) => {
        heard.push(incoming.source.transport);
        incoming.respond(200);
      },
    });
    const { stack } = aStack();
    const send = async (octets: number, hop: Hop): Promise<void> => {
      answered(await stack.request({ request: aRequest('MESSAGE', 'x'.repeat(octets)), hops: [hop] }));
    };
    await send(1_300, await hopTo(bob.stack));
    expect(heard).toEqual(['udp']);
    const both = await hopTo(bob.stack);
    await bob.stack.listen({ transport: 'tcp', host: '127.0.0.1', port: both.port });
    await send(1_300, both);
    await send(1, both);
    expect(heard).toEqual(['udp', 'tcp', 'udp']);
  });

  it('sends over TCP what only its credentials make too long for UDP', async () => {
    const challenger = new Challenger({ realm: 'example.org' });
    const heard: string[] = [];
    const bob = aStack({
      onRequest: (incoming) => {
        const { verdict } = challenger.verify(incoming.request, () => ({ password: 'secret' }));
        heard.push(`${incoming.source.transport} ${verdict}`);
        if (verdict === 'ok') incoming.respond(200);
        else incoming.respond(401, { headers: { 'www-authenticate': challenger.challenge() } });
      },
    });
    const { stack } = aStack();
    const hop = await hopTo(bob.stack);
    await bob.stack.listen({ transport: 'tcp', host: '127.0.0.1', port: hop.port });
    const credentials = new Credentials({ user: 'alice', password: 'secret' });
    const send = async (octets: number): Promise<void> => {
      const request = aRequest('MESSAGE', 'x'.repeat(octets));
      const answer = answered(await stack.request({ request, hops: [hop], credentials }));
      expect(answer.response.status).toBe(200);
    };
    await send(900);
    await send(900);
    await send(1);
    expect(heard).toEqual(['udp none', 'tcp ok', 'tcp ok', 'udp ok']);
  });

  it('tells a wrong password from what nobody could answer', async () => {
    const challenges = [new Challenger({ realm: 'example.org' }).challenge(), ['Basic realm="example.org"']];
    for (const [index, unauthorised] of (['rejected', 'unsupported'] as const).entries()) {
      let rounds = 0;
      const bob = aStack({
        onRequest: (incoming) => {
          rounds++;
          incoming.respond(401, { headers: { 'www-authenticate': challenges[index] ?? [] } });
        },
      });
      const credentials = new Credentials({ user: 'alice', password: 'wrong' });
      const hops = [await hopTo(bob.stack)];
      const answer = await aStack().stack.request({ request: aRequest(), hops, credentials });
      expect(answer).toMatchObject({ answer: 'response', response: { status: 401 }, unauthorised });
      expect(rounds).toBe(index === 0 ? 2 : 1);
    }
  });

  it('takes back what is no longer wanted, and all when it is closed', async () => {
    const peer = await rawPeer();
    const { stack } = aStack();
    const giveUp = new AbortController();
    const one = stack.request({ request: aRequest(), hops: [peer.hop], signal: giveUp.signal });
    const two = stack.request({ request: aRequest(), hops: [peer.hop] });
    const call = stack.invite({ request: aRequest('INVITE', ''), hops: [peer.hop] });
    await until(() => peer.heard.length === 3);
    giveUp.abort();
    expect(await one).toMatchObject({ why: 'aborted', left: true });
    await stack.close();
    expect(await two).toMatchObject({ why: 'aborted', left: true });
    expect(await call.answer).toMatchObject({ why: 'aborted', left: true });
    expect(await stack.request({ request: aRequest(), hops: [peer.hop] })).toMatchObject({ why: 'not-sent' });
  });

  it('ends what was asked over a connection that breaks', async () => {
    const bob = aStack();
    const { stack } = aStack();
    const asking = stack.request({ request: aRequest(), hops: [await hopTo(bob.stack, 'tcp')] });
    await until(() => bob.asked.length === 1);
    await bob.stack.close();
    expect(await asking).toMatchObject({ answer: 'none', why: 'broken', left: true });
  });
});
