import { connect } from 'node:net';
import { expect, it } from '@jest/globals';
import { Kannel, kannelInbound, kannelPeers, kannelReceipts } from './kannel.js';
import { describeWithPeers, eventually } from './peer.js';
import { PerlSmsc, perlSmscPeers } from './perl-smsc.js';
import { openWebDesk } from './web-desk.js';

const [alice, bob, desk] = ['+12025550123', '+447700900456', '+12025550100'];
const long = 'A long story {in parts}, for €2: '.repeat(12);
const emoji = '日本語 👩‍👩‍👧‍👦 '.repeat(20);

describeWithPeers('Kannel, as tests use it', kannelPeers, () => {
  it('carries texts both ways and tells what became of them, across a restart', async () => {
    await using web = await openWebDesk();
    await using kannel = await Kannel.start({
      inbound: kannelInbound(`${web.url}/in`),
      receipts: kannelReceipts(`${web.url}/receipts`),
    });
    const sent = await kannel.send({
      from: desk,
      to: alice,
      text: 'hello',
      'dlr-mask': '31',
      smsc: 'PHONES',
    });
    expect(sent).toEqual({ status: 202, text: '0: Accepted for delivery' });
    const heard = await eventually('a phone heard it', () => kannel.heard[0]);
    expect([heard.from, heard.to, heard.octets.toString()]).toEqual([desk, alice, 'hello']);
    await eventually('a receipt says delivered', () =>
      web.told.some(({ path, query }) => path === '/receipts' && query['type']?.toString() === '1'),
    );
    await kannel.restart();
    kannel.say(alice, desk, 'hello yourself');
    const told = await eventually('the text was told', () => web.told.find(({ path }) => path === '/in'));
    expect([told.query['from'], told.query['text']].map(String)).toEqual([alice, 'hello yourself']);
  });

  it('refuses who does not know the password', async () => {
    await using kannel = await Kannel.start();
    expect((await kannel.send({ from: desk, to: alice, text: 'x', password: 'wrong' })).status).toBe(403);
  });
});

describeWithPeers('The Perl SMSC with Kannel as its client', [...kannelPeers, ...perlSmscPeers], () => {
  it.each(['transceiver', 'separate'] as const)(
    'carries texts and receipts over binds: %s',
    async (binds) => {
      await using web = await openWebDesk();
      await using smsc = await PerlSmsc.start({ ids: 'hex', fail: '99', refuse: '98', echo: '1555' });
      await using kannel = await Kannel.start({
        inbound: kannelInbound(`${web.url}/in`),
        receipts: kannelReceipts(`${web.url}/receipts`),
        uplink: { port: smsc.port, username: 'kannel', password: smsc.password, binds, idType: 1 },
      });
      await kannel.bound();
      const kinds = smsc.events.flatMap((event) => (event.event === 'bind' ? [event.kind] : []));
      expect(kinds.toSorted()).toEqual(binds === 'separate' ? ['receiver', 'transmitter'] : ['transceiver']);
      await smsc.route(desk, 'kannel');
      const send = (to: string, text: string): Promise<unknown> =>
        kannel.send({
          from: desk,
          to,
          text,
          coding: '2',
          charset: 'UTF-8',
          'dlr-mask': '31',
          smsc: 'UPLINK',
        });
      const receipts = (to: string): readonly string[] =>
        web.told.flatMap(({ path, query }) =>
          path === '/receipts' && query['to']?.toString() === to ? [String(query['type'])] : [],
        );
      await send(alice, emoji);
      await eventually('it was put together', () => smsc.heard.find(({ text }) => text === emoji));
      await eventually('a receipt says delivered', () => receipts(alice).includes('1'));
      await send('+12025550199', 'to nobody');
      await eventually('a receipt says not delivered', () => receipts('+12025550199').includes('2'));
      await send('+12025550198', 'to nowhere');
      await eventually('it was refused', () => smsc.events.some(({ event }) => event === 'refused'));
      await smsc.say({ from: bob, to: desk, text: long, order: [3, 1, 2] });
      const text = await eventually('what a phone said was told', () =>
        web.told.find(({ path }) => path === '/in'),
      );
      expect([text.query['from'], text.query['text']].map(String)).toEqual([bob, long]);
    },
  );
});

describeWithPeers('The Perl SMSC, octet by octet', perlSmscPeers, () => {
  it('throttles, says receipts before answers, and delivers again what nobody acknowledged', async () => {
    await using smsc = await PerlSmsc.start({ ids: 'uuid', receipts: 'before', throttle: 3 });
    await smsc.route(desk, 'own');
    const first = await esme(smsc, 'own');
    for (const text of ['one', 'two', 'three']) first.submit(text);
    const answers = await eventually('five PDUs came', () => first.heads(6));
    // bind, receipt, answer, receipt, answer, throttled
    expect(answers.map(([command]) => command)).toEqual([BOUND, DELIVER, ANSWER, DELIVER, ANSWER, ANSWER]);
    expect(answers.map(([, status]) => status)).toEqual([0, 0, 0, 0, 0, 0x58]);
    first.end();
    await eventually('the SMSC noticed', () => smsc.events.some(({ event }) => event === 'gone'));
    await using second = await esme(smsc, 'own');
    await eventually('both receipts came again', () => second.heads(3));
    await smsc.say({ from: alice, to: desk, text: 'hello' });
    await eventually('what a phone said came too', () => second.heads(4));
    expect(second.heard()).toContain('hello');
  });

  it('knows its ESMEs by their password, and those of before after a restart', async () => {
    await using smsc = await PerlSmsc.start({});
    await smsc.route(desk, 'own');
    await using wrong = await esme({ port: smsc.port, password: 'wrong' }, 'own');
    expect(await eventually('it was answered', () => wrong.heads(1))).toEqual([[BOUND, 0x0e]]);
    await smsc.restart();
    await using right = await esme(smsc, 'own');
    await smsc.say({ from: alice, to: desk, text: long, as: 'payload' });
    await eventually('it was delivered', () => right.heads(2));
    expect(right.heard()).toContain('A long story ');
  });
});

const [BOUND, ANSWER, DELIVER] = [0x80000009, 0x80000004, 5];

/** Octets and no library: a client that binds, submits, and acknowledges nothing. */
async function esme(
  smsc: { readonly port: number; readonly password: string },
  name: string,
): Promise<
  AsyncDisposable & {
    submit(text: string): void;
    /** Command and status of what came, when so many came. */
    heads(count: number): readonly (readonly [number, number])[] | undefined;
    heard(): string;
    end(): void;
  }
> {
  const socket = connect(smsc.port, '127.0.0.1');
  let came = Buffer.alloc(0);
  let sequence = 0;
  socket.on('data', (chunk) => {
    came = Buffer.concat([came, chunk]);
  });
  socket.on('error', () => undefined);
  const send = (command: number, body: Buffer): void => {
    const head = Buffer.alloc(16);
    head.writeUInt32BE(16 + body.length, 0);
    head.writeUInt32BE(command, 4);
    head.writeUInt32BE(++sequence, 12);
    socket.write(Buffer.concat([head, body]));
  };
  const heads = (count: number): readonly (readonly [number, number])[] | undefined => {
    const seen: (readonly [number, number])[] = [];
    for (let at = 0; at + 16 <= came.length; at += came.readUInt32BE(at))
      seen.push([came.readUInt32BE(at + 4), came.readUInt32BE(at + 8)]);
    return seen.length >= count ? seen : undefined;
  };
  send(9, Buffer.from(`${name}\0${smsc.password}\0\0\x34\0\0\0`, 'latin1'));
  await eventually('the bind was answered', () => heads(1));
  const end = (): void => {
    socket.destroy();
  };
  return {
    submit: (text) => {
      // service_type, from and to with TON and NPI, esm_class … validity_period, a receipt wanted, GSM, text
      const to = `\0\x01\x01${desk.slice(1)}\0\x01\x01${alice.slice(1)}\0\0\0\0\0\0\x01\0\0\0`;
      send(4, Buffer.from(`${to}${String.fromCharCode(text.length)}${text}`, 'latin1'));
    },
    heads,
    heard: () => came.toString('latin1'),
    end,
    [Symbol.asyncDispose]() {
      end();
      return Promise.resolve();
    },
  };
}
