/*
 * The main job on real software: a person adds an IRC account over the API, joins a channel on InspIRCd over TLS with
 * SASL by Anope, talks there and in private, and finds everything again after the server was killed.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import {
  anope,
  describeWithPeers,
  eventually,
  inspircdPeers,
  plainClient,
  startAnope,
  startInspircd,
  type Inspircd,
} from '#peers';
import { House } from '../testing/house.js';

interface Shape {
  readonly id: string;
  readonly text: string;
  readonly origin: string;
  readonly author: { readonly address: string } | null;
  readonly envelopes: readonly { readonly state: string; readonly failure: unknown }[];
}

describeWithPeers('a person on InspIRCd with Anope', [...inspircdPeers, anope], () => {
  const password = randomBytes(12).toString('hex');
  const stack: AsyncDisposable[] = [];
  let server: Inspircd;
  let house: House;
  let account: { id: string };
  let lobby: { id: string };

  beforeAll(async () => {
    server = await startInspircd();
    stack.push(server, await startAnope(server, [{ nick: 'alice', password }]));
    house = await House.open();
    stack.push(house);
    account = await house.ask('POST', '/v1/accounts', {
      connector: 'irc',
      label: 'Lab',
      settings: {
        host: '127.0.0.1',
        port: server.ports.tls,
        caCertificate: server.authority.pem,
        nick: 'alice',
        saslAccount: 'alice',
        burst: 50,
        linesPerSecond: 50,
      },
      secrets: { password },
    });
    lobby = await house.ask('POST', '/v1/conversations', {
      account: account.id,
      address: '#lobby',
      kind: 'room',
    });
    await eventually(
      'alice is in #lobby',
      async () => {
        return (await house.ask<{ joined: boolean }>('GET', `/v1/conversations/${lobby.id}`)).joined;
      },
      30_000,
    );
  }, 120_000);
  afterAll(async () => {
    for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
  });

  const history = async (conversation: string): Promise<Shape[]> =>
    (await house.ask<{ items: Shape[] }>('GET', `/v1/conversations/${conversation}/messages?limit=200`))
      .items;

  it('talks in a room both ways; the answer arrives on the WebSocket', async () => {
    await using bob = await plainClient({ port: server.ports.plain, nick: 'bob' });
    await bob.join('#lobby');
    const socket = new WebSocket(`${house.url.replace('http', 'ws')}/v1/stream`, {
      headers: { authorization: `Bearer ${house.token}` },
    });
    const frames: string[] = [];
    socket.on('message', (data: Buffer) => frames.push(data.toString()));
    await eventually('the stream is open', () => socket.readyState === WebSocket.OPEN);
    const sent = await house.ask<Shape>('POST', `/v1/conversations/${lobby.id}/messages`, {
      text: 'hello from alice',
    });
    await bob.waitFor(/PRIVMSG #lobby :hello from alice/);
    bob.say('#lobby', 'hello alice, zymurgy speaking');
    await eventually('the answer is on the stream', () =>
      frames.some((frame) => frame.includes('zymurgy speaking')),
    );
    await eventually('the envelope is sent', async () => {
      const { envelopes } = await house.ask<Shape>('GET', `/v1/messages/${sent.id}`);
      return envelopes[0]?.state === 'sent';
    });
    socket.close();
  });

  it('talks in private, and finds everything in history and search after a kill', async () => {
    await using carol = await plainClient({ port: server.ports.plain, nick: 'carol' });
    carol.say('alice', 'a word in private');
    const found = await eventually('the private word is stored', async () => {
      const { items } = await house.ask<{ items: { id: string; address: string }[] }>(
        'GET',
        '/v1/conversations',
      );
      return items.find(({ address }) => address === 'carol');
    });
    const answer = await house.ask<Shape>('POST', `/v1/conversations/${found.id}/messages`, {
      text: 'and one back',
    });
    await carol.waitFor(/PRIVMSG carol :and one back/);
    await eventually('it is sent', async () => {
      return (await house.ask<Shape>('GET', `/v1/messages/${answer.id}`)).envelopes[0]?.state === 'sent';
    });
    await house.kill('SIGKILL');
    await house.start();
    expect((await history(found.id)).map(({ text }) => text)).toEqual(['a word in private', 'and one back']);
    expect((await history(lobby.id)).map(({ text, origin }) => [origin, text])).toEqual(
      expect.arrayContaining([
        ['own', 'hello from alice'],
        ['remote', 'hello alice, zymurgy speaking'],
      ]),
    );
    const { items } = await house.ask<{ items: Shape[] }>('GET', '/v1/search?q=zymurgy');
    expect(items).toMatchObject([{ author: { address: 'bob' } }]);
    await eventually(
      'alice is back in #lobby',
      async () => {
        return (await house.ask<{ joined: boolean }>('GET', `/v1/conversations/${lobby.id}`)).joined;
      },
      30_000,
    );
  });

  it('loses no accepted message through two kills, and doubles none that is not unknown', async () => {
    await using dave = await plainClient({ port: server.ports.plain, nick: 'dave' });
    await dave.join('#lobby');
    const accepted = new Map<string, string>();
    const sending = (async () => {
      for (let index = 0; index < 200; index++) {
        const text = `burst ${String(index)} end`;
        const { body } = await house.insist<Shape>(
          'POST',
          `/v1/conversations/${lobby.id}/messages`,
          { text },
          { 'idempotency-key': `burst-${String(index)}` },
        );
        accepted.set(body.id, text);
      }
    })();
    for (let kill = 0; kill < 2; kill++) {
      await new Promise((moment) => setTimeout(moment, 700));
      await house.kill('SIGKILL');
      await house.start();
    }
    await sending;
    expect(accepted.size).toBe(200);
    const open = new Set(['accepted', 'waiting', 'sending']);
    await eventually(
      'every envelope has a fate',
      async () => {
        const items = (await history(lobby.id)).filter(({ text }) => text.startsWith('burst'));
        return (
          items.length > 0 && !items.some(({ envelopes }) => envelopes.some(({ state }) => open.has(state)))
        );
      },
      120_000,
    );
    const heard = dave.lines.filter((line) => line.includes('PRIVMSG #lobby :burst'));
    const wrong: string[] = [];
    for (const [id, text] of accepted) {
      const { envelopes } = await house.ask<Shape>('GET', `/v1/messages/${id}`);
      const times = heard.filter((line) => line.endsWith(`:${text}`)).length;
      const unknown = envelopes.some(({ state, failure }) => state === 'unknown' && failure !== null);
      if (unknown ? times > 1 : times !== 1)
        wrong.push(`${text}: heard ${String(times)} times, ${envelopes[0]?.state ?? ''}`);
    }
    expect(wrong).toEqual([]);
  }, 300_000);

  it('says what is wrong and what to do when the password is wrong, and leaves the server alone', async () => {
    const wrong = await house.ask<{ id: string }>('POST', '/v1/accounts', {
      connector: 'irc',
      label: 'Wrong',
      settings: {
        host: '127.0.0.1',
        port: server.ports.tls,
        caCertificate: server.authority.pem,
        nick: 'mallory',
        saslAccount: 'alice',
      },
      secrets: { password: 'not the password' },
    });
    await eventually(
      'the state says so',
      async () => {
        const { session } = await house.ask<{ session: { state: string; code?: string } }>(
          'GET',
          `/v1/accounts/${wrong.id}`,
        );
        return session.state === 'needs-person' && session.code === 'auth-failed';
      },
      30_000,
    );
  });
});
