/*
 * What SIPp and strangers throw at an account on Kamailio: many texts, the same text by several ways and again and again,
 * texts that are none, and datagrams of any kind straight at its port. It goes on, and has each text once.
 */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Rigs, type Rig } from '#connectors/sip/testing';
import {
  describeWithPeers,
  eventually,
  Kamailio,
  kamailioPeers,
  leastOf,
  playSipp,
  sippPeers,
  watchTurns,
} from '#peers';

describeWithPeers('an account on Kamailio', [...kamailioPeers, ...sippPeers], () => {
  let server: Kamailio;
  let rigs: Rigs;
  let bob: string;
  let made = 0;
  beforeAll(async () => {
    server = await Kamailio.start({ asksForMessages: false });
    rigs = new Rigs();
    bob = `bob@${server.domain}`;
  });
  afterEach(async () => {
    await rigs[Symbol.asyncDispose]();
    rigs = new Rigs();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const online = async (user: string, transport = 'udp'): Promise<Rig> => {
    const rig = await rigs.begin({ server, user, settings: { transport } });
    await rig.until('online');
    return rig;
  };
  const texts = (rig: Rig): readonly string[] => rig.house.heard().map(({ content }) => content.text);
  const from = (rig: Rig, fields: readonly (readonly string[])[], rate = 10) =>
    playSipp('message', {
      to: server,
      words: { from: bob, to: rig.address },
      fields,
      calls: fields.length,
      rate,
    });

  it.each(['udp', 'tcp'])('has each of three hundred texts once, over %s', async (transport) => {
    const rig = await online(`many-${transport}`, transport);
    const said = Array.from({ length: 300 }, (_, index) => `text ${String(index)}`);
    const sent = await from(
      rig,
      said.map((text) => [text]),
      300,
    );
    expect(sent).toMatchObject({ succeeded: 300, failed: 0 });
    expect(texts(rig).toSorted()).toEqual(said.toSorted());
  });

  it('has a text once that comes by two ways', async () => {
    const rig = await online('forked');
    const [contact = ''] = await server.contactsOf('forked');
    // The same account by another Contact, as a process that died has left it.
    const other = await playSipp('register-contact', {
      to: server,
      words: { user: 'forked', domain: server.domain, contact: `${contact};way=2` },
      as: { user: 'forked', password: rig.password },
    });
    expect(other).toMatchObject({ succeeded: 1 });
    expect(await server.contactsOf('forked')).toHaveLength(2);
    expect(await from(rig, [['by two ways'], ['the next']], 1)).toMatchObject({ succeeded: 2, failed: 0 });
    expect(texts(rig)).toEqual(['by two ways', 'the next']);
  });

  const length = 'Content-Length: [len]';
  it.each([
    ['is a picture', '415', `Content-Type: image/png\n${length}`, 'x'],
    ['is in an unheard-of charset', '415', `Content-Type: text/plain;charset=klingon\n${length}`, 'x'],
    ['is not as packed as it says', '400', `c: text/plain\ne: deflate\n${length}`, 'not deflated'],
    ['wants what we cannot', '420', `c: text/plain\nRequire: mind-reading\n${length}`, 'x'],
    ['is no CPIM', '400', `c: message/cpim\n${length}`, 'no cpim'],
  ])('refuses a text that %s with %s', async (_, status, fields, body) => {
    const rig = await online(`odd${String(++made)}`);
    const words = { from: bob, to: rig.address, status, fields, body };
    expect(await playSipp('message-odd', { to: server, words })).toMatchObject({
      succeeded: 1,
      complaints: '',
    });
    expect(texts(rig)).toEqual([]);
  });

  it('survives datagrams of any kind straight at its port, and takes what is only unusual', async () => {
    const rig = await online('straight');
    const [contact = ''] = await server.contactsOf('straight');
    const [, name = '', port = ''] = /sip:([^@]+)@[^:]+:(\d+)/.exec(contact) ?? [];
    using stranger = new Stranger(Number(port));
    await stranger.open();
    const odd = stranger.message(name, 'c', 'clean');
    const worst = await leastOf(50, async () => {
      const turns = watchTurns();
      for (const bytes of [
        Buffer.alloc(65_000, 0xff),
        Buffer.from('MESSAGE '.repeat(8_000)),
        Buffer.from(`MESSAGE sip:${name}@x SIP/2.0\r\n${'Via: '.repeat(10_000)}\r\n\r\n`),
        Buffer.from(`MESSAGE sip:${name}@x SIP/2.0\r\n${'x: y\r\n'.repeat(9_000)}\r\n`),
        Buffer.from(`MESSAGE sip:${name}@x SIP/2.0\r\nFrom: ${'('.repeat(50_000)}\r\n\r\n`),
        Buffer.from(odd.replace('Content-Length: 5', 'Content-Length: 500')),
        Buffer.from(odd.replace('Content-Length: 5', 'Content-Length: -5')),
        Buffer.from(odd.replace('CSeq: 1 MESSAGE', 'CSeq: 99999999999 INVITE')),
        Buffer.from(odd.replace('Call-ID: c', 'Call-ID: c\r\nCall-ID: d')),
        Buffer.from(odd.replace('<sip:bob@example.org>', `"${'\\"'.repeat(5_000)}`)),
        Buffer.from(odd.replaceAll('\r\n', '\n\0')),
      ])
        await stranger.send(bytes);
      await stranger.send(Buffer.from(stranger.message('nobody', `n${String(++made)}`, 'to nobody')));
      await stranger.hears(/^SIP\/2\.0 404 /);
      return turns.end();
    });
    expect(worst).toBeLessThan(50);
    expect(texts(rig)).toEqual([]);
    const clean = stranger.message(name, 'd', 'clean');
    // Said again and again, as whoever has lost our answer does.
    for (let times = 0; times < 3; times++) {
      await stranger.send(Buffer.from(clean));
      await stranger.hears(/^SIP\/2\.0 200 /);
    }
    expect(texts(rig)).toEqual(['clean']);
    const unusual = stranger
      .message(name, 'e', 'unusual')
      .replace(
        'Content-Type: text/plain',
        'c :\ttext/plain ; CHARSET = "utf-8"\r\nSubject: on\r\n  two lines',
      )
      .replace('Content-Length', 'l')
      .replace('CSeq: 1', 'cseq:\r\n 0001')
      .replace('From: <', 'f: "B \\"o\\" b" <');
    await stranger.send(Buffer.from(unusual));
    await stranger.hears(/^SIP\/2\.0 200 /);
    expect(texts(rig)).toEqual(['clean', 'on two lines\nunusual']);
    expect(rig.house.stateOf()?.state).toBe('online');
  });
});

/** Somebody with a socket, who sends whatever he likes. */
class Stranger {
  readonly heard: string[] = [];
  readonly #socket: Socket = createSocket('udp4');
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
    this.#socket.on('message', (bytes) => this.heard.push(bytes.toString()));
  }

  async open(): Promise<void> {
    await new Promise<void>((ready) => {
      this.#socket.bind(0, '127.0.0.1', ready);
    });
  }

  message(to: string, callId: string, text: string): string {
    const { port } = this.#socket.address();
    return [
      `MESSAGE sip:${to}@127.0.0.1 SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${String(port)};branch=z9hG4bK${callId}`,
      'Max-Forwards: 70',
      'From: <sip:bob@example.org>;tag=1',
      `To: <sip:${to}@127.0.0.1>`,
      `Call-ID: ${callId}`,
      'CSeq: 1 MESSAGE',
      'Content-Type: text/plain',
      `Content-Length: ${String(Buffer.byteLength(text))}`,
      '',
      text,
    ].join('\r\n');
  }

  async send(bytes: Buffer): Promise<void> {
    await new Promise((sent) => {
      this.#socket.send(bytes, this.#port, '127.0.0.1', sent);
    });
  }

  async hears(answer: RegExp): Promise<void> {
    await eventually(`he hears ${String(answer)}`, () => this.heard.some((text) => answer.test(text)));
    this.heard.length = 0;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
