/*
 * A person by the API on one side, and bob with a client of his own on the other, through the whole house and real
 * servers: what was said while our process was dead, and what was on its way when it died.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Account, Conversation, Message } from '#api';
import {
  describeWithPeers,
  ejabberdPeers,
  eventually,
  plainXmpp,
  prosodyPeers,
  startEjabberd,
  startProsody,
  type PlainXmpp,
  type XmppServer,
} from '#peers';
import { House } from '../testing/house.js';

const families = [
  ['Prosody', prosodyPeers, startProsody],
  ['ejabberd', ejabberdPeers, startEjabberd],
] as const;

for (const [name, peers, start] of families) {
  describeWithPeers(`a person and people on ${name}`, peers, () => {
    const stack: AsyncDisposable[] = [];
    let server: XmppServer;
    let house: House;
    let account: Account;
    let bob: PlainXmpp;
    let conversation: Conversation;

    beforeAll(async () => {
      // Nothing is kept for who is away but in the stream itself.
      server = await start({ without: ['offline-messages', 'archive'] });
      stack.push(server);
      const [password, bobs] = [randomBytes(9).toString('hex'), randomBytes(9).toString('hex')];
      await server.createAccount('alice', password);
      await server.createAccount('bob', bobs);
      bob = await plainXmpp({
        port: server.ports.clients,
        domain: server.names.domain,
        user: 'bob',
        password: bobs,
      });
      stack.push(bob);
      house = await House.open();
      stack.push(house);
      account = await house.ask('POST', '/v1/accounts', {
        connector: 'xmpp',
        label: 'Work',
        settings: {
          jid: `alice@${server.names.domain}`,
          host: '127.0.0.1',
          port: server.ports.clients,
          caCertificate: server.authority.pem,
        },
        secrets: { password },
      });
    }, 120_000);
    afterAll(async () => {
      for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
    });

    it('write to each other over an encrypted stream', async () => {
      await online();
      conversation = await house.ask('POST', '/v1/conversations', {
        account: account.id,
        address: bob.bare,
        kind: 'direct',
      });
      const { id } = await house.ask<Message>('POST', `/v1/conversations/${conversation.id}/messages`, {
        text: 'good morning, bob',
      });
      await bob.waitFor('the greeting', (stanza) => JSON.stringify(stanza).includes('good morning, bob'));
      await eventually('it is sent', async () =>
        (await house.ask<Message>('GET', `/v1/messages/${id}`)).envelopes.every(
          ({ state }) => state === 'sent',
        ),
      );
      bob.say(`alice@${server.names.domain}`, 'good morning, alice');
      const answer = await eventually('bob’s answer is stored', async () =>
        (await messages()).find(({ text }) => text === 'good morning, alice'),
      );
      expect(answer.author?.address).toBe(bob.bare);
    });

    it('lose nothing when the server is restarted in order', async () => {
      await house.kill('SIGTERM');
      for (const text of ['one', 'two', 'three']) bob.say(`alice@${server.names.domain}`, text);
      await house.start();
      await online();
      await eventually('all three are stored', async () =>
        (await messages()).some(({ text }) => text === 'three'),
      );
      const texts = (await messages()).map(({ text }) => text);
      expect(texts.filter((text) => ['one', 'two', 'three'].includes(text))).toEqual(['one', 'two', 'three']);
    });

    const online = (): Promise<unknown> =>
      eventually(
        'alice is online',
        async () => {
          const now = await house.ask<Account>('GET', `/v1/accounts/${account.id}`);
          return now.session.state === 'online';
        },
        30_000,
      );
    const messages = async (): Promise<readonly Message[]> =>
      (await house.ask<{ items: Message[] }>('GET', `/v1/conversations/${conversation.id}/messages`)).items;
  });
}
