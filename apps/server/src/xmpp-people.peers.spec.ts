/*
 * A person's roster by the API, and bob with a client of his own: who asks whom, also while the account is away and
 * over a kill of our process, on two families of servers.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Account, EventPage, RosterEntry } from '#api';
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
  describeWithPeers(`the roster of an account on ${name}`, peers, () => {
    const stack: AsyncDisposable[] = [];
    let server: XmppServer;
    let house: House;
    let account: Account;
    let alice: string;

    beforeAll(async () => {
      server = await start();
      stack.push(server);
      const password = randomBytes(9).toString('hex');
      await server.createAccount('alice', password);
      alice = `alice@${server.names.domain}`;
      house = await House.open();
      stack.push(house);
      account = await house.ask('POST', '/v1/accounts', {
        connector: 'xmpp',
        label: 'Work',
        settings: {
          jid: alice,
          host: '127.0.0.1',
          port: server.ports.clients,
          caCertificate: server.authority.pem,
        },
        secrets: { password },
      });
      await online();
    }, 120_000);
    afterAll(async () => {
      for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
    });

    const online = () =>
      eventually(
        'alice is online',
        async () =>
          (await house.ask<Account>('GET', `/v1/accounts/${account.id}`)).session.state === 'online',
        30_000,
      );
    const come = async (user: string): Promise<PlainXmpp> => {
      const password = randomBytes(9).toString('hex');
      await server.createAccount(user, password);
      const client = await plainXmpp({
        port: server.ports.clients,
        domain: server.names.domain,
        user,
        password,
      });
      stack.push(client);
      // Only then is everybody told who asks and answers (RFC 6121 §2.2).
      await client.ask('get', '<query xmlns="jabber:iq:roster"/>');
      return client;
    };
    const path = (address: string, act = '') =>
      `/v1/accounts/${account.id}/roster/${encodeURIComponent(address)}${act}`;
    const listed = async (address: string): Promise<RosterEntry | undefined> => {
      const { items } = await house.ask<{ items: RosterEntry[] }>('GET', `/v1/accounts/${account.id}/roster`);
      return items.find((entry) => entry.address === address);
    };
    const becomes = (sentence: string, address: string, fact: (entry: RosterEntry | undefined) => boolean) =>
      eventually(sentence, async () => fact(await listed(address)), 20_000);
    const step = (client: PlainXmpp, type: string) =>
      client.waitFor(
        type,
        ({ name: stanza, attrs }) =>
          stanza === 'presence' && attrs['type'] === type && attrs['from']?.split('/')[0] === alice,
        { deadlineMs: 20_000 },
      );

    it('has whom our person puts there, with their presence once they agree', async () => {
      const bob = await come('bob');
      await house.ask('PUT', path(bob.bare), { name: 'Bob', groups: ['friends'] });
      await step(bob, 'subscribe');
      await becomes('bob is asked', bob.bare, (entry) => entry?.awaited === true && !entry.pending);
      bob.send(`<presence to="${alice}" type="subscribed"/>`);
      bob.show('away', 'at lunch');
      await becomes('bob is away', bob.bare, (entry) => entry?.presence.presence === 'away');
      expect(await listed(bob.bare)).toMatchObject({
        name: 'Bob',
        groups: ['friends'],
        subscription: 'to',
        presence: { note: 'at lunch' },
      });
      await house.ask('DELETE', path(bob.bare));
      await step(bob, 'unsubscribe');
      expect(await listed(bob.bare)).toBeUndefined();
    });

    it('shows who asks, in the log as well, and gives them the answer', async () => {
      const { cursor } = await house.ask<{ cursor: string }>('GET', '/v1/snapshot');
      const carol = await come('carol');
      carol.send(`<presence to="${alice}" type="subscribe"/>`);
      await becomes('carol asks', carol.bare, (entry) => entry?.asks === true);
      const { items } = await house.ask<EventPage>('GET', `/v1/events?since=${cursor}`);
      expect(items.some(({ event }) => event.data.identity?.asks === true)).toBe(true);
      await house.ask('POST', path(carol.bare, '/approve'));
      await step(carol, 'subscribed');
      await becomes('carol sees us', carol.bare, (entry) => entry?.subscription === 'from' && !entry.asks);
      await house.ask('POST', path(carol.bare, '/deny'));
      await step(carol, 'unsubscribed');
      await becomes('carol does not', carol.bare, (entry) => entry?.subscription !== 'from');
    });

    it('is brought in line with what was wanted while the account was away, over a kill of our process', async () => {
      const [dave, erin, frank] = [await come('dave'), await come('erin'), await come('frank')];
      dave.send(`<presence to="${alice}" type="subscribe"/>`);
      erin.send(`<presence to="${alice}" type="subscribe"/>`);
      await becomes('both ask', erin.bare, (entry) => entry?.asks === true);
      await becomes('both ask', dave.bare, (entry) => entry?.asks === true);
      await house.ask('POST', `/v1/accounts/${account.id}/disconnect`);
      await eventually(
        'alice is offline',
        async () =>
          (await house.ask<Account>('GET', `/v1/accounts/${account.id}`)).session.state === 'offline',
      );
      await house.ask('POST', path(dave.bare, '/approve'));
      await house.ask('POST', path(erin.bare, '/deny'));
      await house.ask('POST', path(frank.bare, '/approve'));
      await house.ask('PUT', path(frank.bare), { name: 'Frank' });
      expect(await listed(frank.bare)).toMatchObject({ name: 'Frank', pending: true, answer: 'approve' });
      await house.kill('SIGKILL');
      await house.start();
      await house.ask('POST', `/v1/accounts/${account.id}/connect`);
      await online();
      await step(dave, 'subscribed');
      await step(erin, 'unsubscribed');
      await step(frank, 'subscribe');
      frank.send(`<presence to="${alice}" type="subscribe"/>`);
      await step(frank, 'subscribed');
      await becomes('frank sees us', frank.bare, (entry) => entry?.subscription === 'from');
      await becomes('dave sees us', dave.bare, (entry) => entry?.subscription === 'from');
      await becomes('erin does not', erin.bare, (entry) => entry === undefined);
      expect(await listed(frank.bare)).toMatchObject({ name: 'Frank', pending: false, answer: null });
    });
  });
}
