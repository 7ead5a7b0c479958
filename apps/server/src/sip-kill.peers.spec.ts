/*
 * The first law over SIP: what was accepted arrived once, or its envelope says that nobody knows; what phones said is stored
 * once, though our process is killed between hearing and answering, and the network asks again. `npm run soak` makes it a
 * thousand messages each way and six kills.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, freeSipPort, Kamailio, kamailioPeers, SipPhone } from '#peers';
import { House } from '../testing/house.js';
import { killTrial, lawfulInOrder, type TrialNetwork } from '../testing/kill-trial.js';

const isLong = process.env['PARLEY_SOAK'] !== undefined;
const [messages, people, kills] = isLong ? [1_000, 50, 6] : [120, 10, 1];

/** People with phones on Kamailio. Each says the next when somebody has taken the last. */
async function network(): Promise<TrialNetwork> {
  const server = await Kamailio.start({ asksForMessages: false });
  const password = randomBytes(9).toString('hex');
  await server.createAccount('alice', password);
  const phones: SipPhone[] = [];
  for (let index = 0; index < people; index++) {
    const user = `bob${String(index)}`;
    await server.createAccount(user, password);
    phones.push(await SipPhone.open({ port: server.port, domain: server.domain, user, password }));
  }
  const alice = `alice@${server.domain}`;
  const turns = phones.map(() => Promise.resolve());
  return {
    account: {
      connector: 'sip',
      // Contacts of a process that was killed stay until somebody takes them back, or their time is over.
      settings: { address: alice, host: server.host, port: server.port, transport: 'udp', expires: 30 },
      secrets: { password },
    },
    people: phones.map(({ address }) => address),
    say: (person, text) => {
      turns[person] = (turns[person] ?? Promise.resolve()).then(() => phones[person]?.say(alice, text));
    },
    received: (person) => phones[person]?.heard.map(({ text }) => text) ?? [],
    isTaken: () => phones.every((phone) => phone.waiting(alice) === 0),
    async [Symbol.asyncDispose]() {
      for (const one of [...phones, server]) await one[Symbol.asyncDispose]();
    },
  };
}

describeWithPeers('the first law on Kamailio', kamailioPeers, () => {
  it(
    'loses and doubles nothing through kill -9, in order',
    async () => {
      const trial = await killTrial({
        network: await network(),
        sends: messages,
        inbound: messages,
        kills,
        breathMs: isLong ? 100 : 300,
        seed: 5,
      });
      expect(trial).toMatchObject(lawfulInOrder);
      expect(trial.accepted).toBe(messages);
      // No more than was on its way at a kill has an unknown fate: one to each.
      expect(trial.unknown).toBeLessThanOrEqual(people * kills);
      expect(trial.doubled).toBeLessThanOrEqual(trial.unknown);
      if (isLong) process.stdout.write(`${String(trial.unknown)} unknown, ${String(trial.doubled)} twice\n`);
    },
    isLong ? 900_000 : 120_000,
  );
});

/** A server of one account, of datagrams: it takes every registration, and answers nothing else. */
async function bareServer() {
  const port = await freeSipPort();
  const socket = createSocket('udp4');
  const heard: string[] = [];
  let client: RemoteInfo | undefined;
  let contact = '';
  let registrations = 0;
  socket.on('message', (bytes, from) => {
    const text = bytes.toString();
    heard.push(text);
    const field = (name: string): string =>
      new RegExp(`^${name}\\s*:\\s*(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';
    if (text.startsWith('SIP/2.0 ')) return;
    const isRegister = text.startsWith('REGISTER ');
    if (isRegister && !/;expires=0/.test(field('Contact').split(',')[0] ?? '')) {
      client = from;
      contact = /<([^>]*)>/.exec(field('Contact'))?.[1] ?? '';
      registrations++;
    }
    const lines = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${field(name)}`);
    const answer = ['SIP/2.0 200 OK', ...lines, `To: ${field('To')};tag=1`];
    if (isRegister) answer.push(`Contact: <${contact}>;expires=600`);
    socket.send(`${answer.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`, from.port, from.address);
  });
  await new Promise<void>((ready) => {
    socket.bind(port, '127.0.0.1', ready);
  });
  return {
    port,
    heard,
    registrations: () => registrations,
    /** The same request each time, as a retransmission is (RFC 3261 §17.1.2). */
    say(text: string): void {
      const request = [
        `MESSAGE ${contact} SIP/2.0`,
        `Via: SIP/2.0/UDP 127.0.0.1:${String(port)};branch=z9hG4bKonce`,
        'Max-Forwards: 70',
        'From: <sip:bob@example.org>;tag=b1',
        'To: <sip:alice@example.org>',
        'Call-ID: said-once',
        'CSeq: 1 MESSAGE',
        'Content-Type: text/plain',
        `Content-Length: ${String(Buffer.byteLength(text))}`,
      ];
      socket.send(`${request.join('\r\n')}\r\n\r\n${text}`, client?.port ?? 0, '127.0.0.1');
    },
    [Symbol.dispose](): void {
      socket.close();
    },
  };
}

describe('a text that was stored when our process died, before its sender knew', () => {
  it('is stored once when it is said again, and then acknowledged', async () => {
    using server = await bareServer();
    await using house = await House.open();
    await house.ask('POST', '/v1/accounts', {
      connector: 'sip',
      label: 'Bare',
      settings: { address: 'alice@example.org', host: '127.0.0.1', port: server.port, transport: 'udp' },
      secrets: { password: 'none is asked for' },
    });
    await eventually('it is registered', () => server.registrations() > 0, 30_000);
    const stored = async (): Promise<readonly string[]> => {
      const { items } = await house.ask<{ items: { id: string }[] }>('GET', '/v1/conversations?limit=200');
      const found = await Promise.all(
        items.map((one) =>
          house.ask<{ items: { text: string }[] }>('GET', `/v1/conversations/${one.id}/messages?limit=200`),
        ),
      );
      return found.flatMap((page) => page.items.map(({ text }) => text));
    };
    // Its answer may have been on its way: our sender, who does not read, has not seen it.
    await eventually('it is stored', async () => {
      server.say('said once');
      return (await stored()).includes('said once');
    });
    await house.kill();
    const [before, registrations] = [server.heard.length, server.registrations()];
    await house.start();
    await eventually('it is registered again', () => server.registrations() > registrations, 60_000);
    await eventually('it is acknowledged', () => {
      server.say('said once');
      return server.heard
        .slice(before)
        .some((text) => text.startsWith('SIP/2.0 200') && text.includes('said-once'));
    });
    expect(await stored()).toEqual(['said once']);
  }, 90_000);
});
