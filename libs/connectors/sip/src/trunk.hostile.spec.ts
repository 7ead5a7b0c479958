/* What a peer of a trunk may not make of it: a voice for others, a way to others, or a weapon. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { Credentials } from '#protocols/sip';
import { domain, Neighbour, peerAt, trunk } from './trunk.fixture.js';

it('sends nothing to the places that a peer names of others: the peer hears it, and passes it on if it will', async () => {
  const victim = createSocket('udp4').bind(0, '127.0.0.2');
  await once(victim, 'listening');
  let struck = 0;
  victim.on('message', () => struck++);
  const neighbour = await Neighbour.start();
  const { port } = await trunk([peerAt(neighbour)]);
  const contact = `<sip:bob@127.0.0.2:${String(victim.address().port)}>`;
  const asked = await neighbour.say(port, { method: 'SUBSCRIBE', headers: { contact, event: 'presence' } });
  expect(asked.status).toBe(200);
  const told = await eventually('the peer is told', () =>
    neighbour.heard.find(({ request }) => request.method === 'NOTIFY'),
  );
  expect(`<${told.request.uri}>`).toBe(contact);
  expect(struck).toBe(0);
  victim.close();
});

it('goes straight to the place that a dialog names where it is one of the peer’s own', async () => {
  const [neighbour, other] = [await Neighbour.start(), await Neighbour.start()];
  const { port } = await trunk([peerAt(neighbour)]);
  const contact = `<sip:bob@127.0.0.1:${String(other.port)}>`;
  await neighbour.say(port, { method: 'SUBSCRIBE', headers: { contact, event: 'presence' } });
  await eventually('the other is told', () => other.heard.some(({ request }) => request.method === 'NOTIFY'));
});

it('tells nobody of another peer what became of a message that was not theirs', async () => {
  const [believed, other] = [await Neighbour.start(), await Neighbour.start()];
  const { port, house } = await trunk([
    peerAt(believed, { identity: 'believe' }),
    peerAt(other, { name: 'other', domains: ['example.net'], addresses: [] }),
  ]);
  const headers = { 'p-asserted-identity': '<sip:bob@example.com>', 'content-type': 'message/cpim' };
  const body =
    'From: <sip:carol@example.net>\r\nTo: <sip:alice@example.org>\r\nDateTime: 2026-01-01T00:00:00Z\r\n' +
    'NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: forged\r\n' +
    'imdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain\r\n\r\nhello';
  const said = await believed.say(port, { from: 'sip:carol@example.net', headers, body });
  expect(said.status).toBe(200);
  expect(house.heard().map(({ author }) => author.address)).toEqual(['bob@example.com']);
  await eventually('bob is told', () => believed.messages().some(({ uri }) => uri === 'sip:bob@example.com'));
  expect(other.messages()).toEqual([]);
});

it('knows our own names with the dot of DNS behind them, too', async () => {
  const neighbour = await Neighbour.start();
  const { port, house, send } = await trunk([peerAt(neighbour, { domains: ['*'] })]);
  for (const from of [`sip:alice@${domain}.`, `sip:alice@${domain}.:5070`]) {
    expect((await neighbour.say(port, { from })).status).toBe(403);
  }
  expect(await send(`alice@${domain}.`, 'who am I?')).toMatchObject({ outcome: 'refused' });
  expect([...house.heard(), ...neighbour.messages()]).toEqual([]);
});

it('takes nobody for another who signs with the same name', async () => {
  const neighbour = await Neighbour.start();
  const [first, second] = [randomBytes(9).toString('hex'), randomBytes(9).toString('hex')];
  const signing = { trust: 'password', user: 'pbx' };
  const { port } = await trunk(
    [
      { name: 'first', domains: ['example.com'], ...signing },
      { name: 'second', domains: ['example.net'], ...signing },
    ],
    { secrets: { 'peer:first': first, 'peer:second': second } },
  );
  const statusOf = async (password: string): Promise<number> =>
    (await neighbour.say(port, { credentials: new Credentials({ user: 'pbx', password }) })).status;
  expect(await statusOf(second)).toBe(401);
  expect(await statusOf(first)).toBe(200);
});

it('holds nothing of strangers whom it does not answer: peers are heard however many they are', async () => {
  const neighbour = await Neighbour.start();
  const password = randomBytes(9).toString('hex');
  const roaming = { name: 'roaming', domains: ['example.com'], trust: 'password' };
  const { port } = await trunk([roaming], { secrets: { 'peer:roaming': password } });
  const credentials = new Credentials({ user: 'roaming', password });
  expect((await neighbour.say(port, { credentials })).status).toBe(200);
  const stranger = createSocket('udp4').bind(0, '127.0.0.1');
  await once(stranger, 'listening');
  const answers: string[] = [];
  stranger.on('message', (answer) => answers.push(answer.toString().split('\r\n')[0] ?? ''));
  // As many as one address may have under way, and more; in bursts that a socket holds.
  for (let at = 0; at < 2_700; at++) {
    stranger.send(
      `INVITE sip:alice@${domain} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK${String(at)}\r\n` +
        `Max-Forwards: 70\r\nFrom: <sip:x@y.z>;tag=x\r\nTo: <sip:alice@${domain}>\r\nCall-ID: x${String(at)}\r\n` +
        'CSeq: 1 INVITE\r\nContact: <sip:x@127.0.0.1:9>\r\nContent-Length: 0\r\n\r\n',
      port,
      '127.0.0.1',
    );
    if (at % 50 === 49) await neighbour.say(port, { credentials }).catch(() => undefined);
  }
  expect((await neighbour.say(port, { credentials })).status).toBe(200);
  expect(answers.filter((line) => / 100 | 503 /.test(line))).toEqual([]);
  stranger.close();
});

it('asks a peer who they are, however much a stranger asks', async () => {
  const roaming = { name: 'roaming', domains: ['example.com'], trust: 'password' };
  const { port } = await trunk([roaming], { secrets: { 'peer:roaming': randomBytes(9).toString('hex') } });
  const [stranger, peer] = [
    createSocket('udp4').bind(0, '127.0.0.2'),
    createSocket('udp4').bind(0, '127.0.0.1'),
  ];
  await Promise.all([once(stranger, 'listening'), once(peer, 'listening')]);
  const say = (socket: typeof peer, at: number): void => {
    socket.send(
      `MESSAGE sip:alice@${domain} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKf${String(at)}\r\n` +
        `From: <sip:bob@example.com>;tag=x\r\nTo: <sip:alice@${domain}>\r\nCall-ID: f${String(at)}\r\n` +
        'CSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n',
      port,
      '127.0.0.1',
    );
  };
  const answered = once(peer, 'message', { signal: AbortSignal.timeout(4_000) });
  let strangers = 0;
  stranger.on('message', () => strangers++);
  for (let at = 0; at < 60; at++) say(stranger, at);
  await eventually('the stranger has had what strangers get', () => strangers >= 20);
  // Said once: what is not answered at once is not answered.
  say(peer, 60);
  expect(String(await answered)).toMatch(/^SIP\/2\.0 401 /);
  stranger.close();
  peer.close();
});
