// A SIP user agent for `npm run bench:sip`, in a process of its own: it answers every MESSAGE with 200 and counts, and sends as
// many as it is told to, so many at once. It is no library and checks nothing: what it costs is as little as SIP can cost.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
let answered = 0;
/** The burst that is being sent. */
let burst;
let made = 0;

const field = (text, name) => new RegExp(`^${name}:[ \\t]*(.*)\\r$`, 'im').exec(text)?.[1] ?? '';

/** @param reply writes to whoever the text came from. */
function take(text, reply) {
  if (text.startsWith('SIP/2.0 ')) {
    settle(text);
    return;
  }
  if (!text.startsWith('MESSAGE ')) return;
  answered++;
  const vias = [...text.matchAll(/^Via:.*\r\n/gim)].join('');
  const rest = ['From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${field(text, name)}\r\n`).join('');
  reply(`SIP/2.0 200 OK\r\n${vias}${rest}To: ${field(text, 'To')};tag=1\r\nContent-Length: 0\r\n\r\n`);
}

function settle(text) {
  if (burst === undefined || / 100 /.test(text.slice(0, 12))) return;
  const callId = field(text, 'Call-ID');
  if (!burst.waiting.has(callId)) return;
  clearTimeout(burst.waiting.get(callId));
  burst.waiting.delete(callId);
  if (text.startsWith('SIP/2.0 2')) burst.good++;
  burst.done++;
  if (burst.done === burst.count) {
    const seconds = (performance.now() - burst.began) / 1_000;
    const { good } = burst;
    burst = undefined;
    process.send({ good, seconds });
  } else next();
}

function next() {
  if (burst === undefined || burst.sent >= burst.count) return;
  const { transport, from, to, users, write, count } = burst;
  const index = burst.sent++;
  const callId = `c${String(++made)}`;
  const uri = `sip:${to.replace('*', String(index % users))}`;
  const body = `text ${String(index)} of ${String(count)}`;
  const text =
    `MESSAGE ${uri} SIP/2.0\r\nVia: SIP/2.0/${transport.toUpperCase()} ${host}:${String(port)};branch=z9hG4bK${callId};rport\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:${from}>;tag=${callId}\r\nTo: <${uri}>\r\nCall-ID: ${callId}\r\nCSeq: 1 MESSAGE\r\n` +
    `Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
  const say = (waitMs) => {
    write(text);
    // Timer E (RFC 3261 §17.1.2.2); over a stream nothing is said twice.
    const again =
      transport === 'udp' ? setTimeout(() => say(Math.min(4_000, waitMs * 2)), waitMs) : undefined;
    burst.waiting.set(callId, again);
  };
  say(500);
}

/** Cuts a stream at Content-Length. */
function reader(write) {
  let read = '';
  return (chunk) => {
    read += chunk.toString('latin1');
    for (;;) {
      read = read.replace(/^(?:\r\n)+/, '');
      const end = read.indexOf('\r\n\r\n');
      if (end === -1) return;
      const whole = end + 4 + Number(field(read.slice(0, end + 2), 'Content-Length') || 0);
      if (read.length < whole) return;
      const text = read.slice(0, whole);
      read = read.slice(whole);
      take(text, write);
    }
  };
}

const udp = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
udp.on('message', (bytes, from) => {
  take(bytes.toString('latin1'), (text) => udp.send(text, from.port, from.address));
});
const port = await new Promise((ready) => udp.bind(0, host, () => ready(udp.address().port)));
const server = createServer((socket) => {
  socket.setNoDelay(true).on('error', () => undefined);
  socket.on(
    'data',
    reader((text) => socket.write(text)),
  );
});
await new Promise((ready) => server.listen(port, host, ready));

let stream;
process.on('message', async (order) => {
  switch (order.do) {
    case 'count':
      process.send({ answered });
      return;
    case 'send': {
      const { transport } = order;
      if (transport === 'tcp' && stream === undefined) {
        stream = connect(order.port, host).setNoDelay(true);
        stream
          .on('error', () => undefined)
          .on(
            'data',
            reader((text) => stream.write(text)),
          );
      }
      const write =
        transport === 'tcp' ? (text) => stream.write(text) : (text) => udp.send(text, order.port, host);
      burst = { ...order, write, waiting: new Map(), sent: 0, done: 0, good: 0, began: performance.now() };
      for (let at = 0; at < order.atOnce; at++) next();
    }
  }
});
process.on('disconnect', () => process.exit());
process.send({ port });
