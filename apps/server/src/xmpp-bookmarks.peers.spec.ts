/*
 * The rooms that a person wants to be in, on all of their devices: what another client bookmarks shows here and is
 * entered, what is left here is taken out of the bookmarks. On real servers, through the whole house.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Account, Conversation } from '#api';
import {
  child,
  childrenOf,
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
const node = 'urn:xmpp:bookmarks:1';
/** What every server knows. */
const options = Object.entries({
  'pubsub#persist_items': 'true',
  'pubsub#access_model': 'whitelist',
}).map(([name, value]) => `<field var="${name}"><value>${value}</value></field>`);

for (const [name, peers, start] of families) {
  describeWithPeers(`bookmarks on ${name}`, peers, () => {
    const stack: AsyncDisposable[] = [];
    let server: XmppServer;
    let house: House;
    let account: Account;
    let phone: PlainXmpp;
    const password = randomBytes(9).toString('hex');
    const signIn = () =>
      plainXmpp({ port: server.port, domain: server.names.domain, user: 'alice', password });

    beforeAll(async () => {
      server = await start();
      stack.push(server);
      await server.createAccount('alice', password);
      const { domain } = server.names;
      phone = await signIn();
      stack.push(phone);
      house = await House.open();
      stack.push(house);
      account = await house.ask('POST', '/v1/accounts', {
        connector: 'xmpp',
        label: 'Work',
        settings: {
          jid: `alice@${domain}`,
          host: '127.0.0.1',
          port: server.port,
          caCertificate: server.authority.pem,
        },
        secrets: { password },
      });
    }, 120_000);
    afterAll(async () => {
      for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
    });

    const room = (word: string): string => `${word}@${server.names.rooms}`;
    const mine = async (address: string): Promise<Conversation | undefined> => {
      const { items } = await house.ask<{ items: Conversation[] }>('GET', '/v1/conversations?limit=100');
      return items.find((one) => one.address === address);
    };
    const bookmarked = async (): Promise<Readonly<Record<string, string | undefined>>> => {
      const answer = await phone.ask(
        'get',
        `<pubsub xmlns="http://jabber.org/protocol/pubsub"><items node="${node}"/></pubsub>`,
      );
      const items = childrenOf(child(child(answer, 'pubsub'), 'items'), 'item');
      return Object.fromEntries(
        items.map((item) => [item.attrs['id'] ?? '', child(item, 'conference')?.attrs['autojoin']]),
      );
    };
    /** The phone's stream ended with the server's. */
    const bookmarkedAnew = async () => {
      phone = await signIn();
      stack.push(phone);
      return await bookmarked();
    };
    const online = () =>
      eventually('online', async () => {
        const { session } = await house.ask<Account>('GET', `/v1/accounts/${account.id}`);
        return session.state === 'online';
      });
    const bookmark = async (address: string, nick: string, autojoin = true): Promise<void> => {
      const answer = await phone.ask(
        'set',
        `<pubsub xmlns="http://jabber.org/protocol/pubsub"><publish node="${node}"><item id="${address}">` +
          `<conference xmlns="${node}" name="Kept by the phone" autojoin="${String(autojoin)}"><nick>${nick}</nick></conference></item></publish>` +
          '<publish-options><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/pubsub#publish-options</value></field>' +
          `${options.join('')}</x></publish-options></pubsub>`,
      );
      expect(answer.attrs['type']).toBe('result');
    };

    it('what another device bookmarks is entered here, under the nick that is kept with it', async () => {
      await online();
      await bookmark(room('from-the-phone'), 'Al');
      const conversation = await eventually('it is entered', async () => {
        const found = await mine(room('from-the-phone'));
        return found?.joined === true ? found : undefined;
      });
      const { items } = await house.ask<{ items: { address: string }[] }>(
        'GET',
        `/v1/conversations/${conversation.id}/participants`,
      );
      expect(items.map(({ address }) => address)).toContain(`${room('from-the-phone')}/Al`);
    });

    it('what is entered here is bookmarked, and what is left here is bookmarked no more', async () => {
      const { id } = await house.ask<Conversation>('POST', '/v1/conversations', {
        account: account.id,
        address: room('from-here'),
        kind: 'room',
      });
      await eventually('it is bookmarked', async () => (await bookmarked())[room('from-here')] === 'true');
      await eventually('it is entered', async () => (await mine(room('from-here')))?.joined === true);
      await house.ask('DELETE', `/v1/conversations/${id}`);
      await eventually('the bookmark is gone', async () => !(room('from-here') in (await bookmarked())));
    });

    it('what was bookmarked elsewhere and is left here stays as a note, without being entered', async () => {
      const left = await mine(room('from-the-phone'));
      await house.ask('DELETE', `/v1/conversations/${left?.id ?? ''}`);
      await eventually(
        'it is not entered any more',
        async () => (await bookmarked())[room('from-the-phone')] === 'false',
      );
    });

    it('what another device enters no more is left here', async () => {
      await bookmark(room('for-a-while'), 'alice');
      await eventually('it is entered', async () => (await mine(room('for-a-while')))?.joined === true);
      await bookmark(room('for-a-while'), 'alice', false);
      await eventually('it is left', async () => (await mine(room('for-a-while')))?.joined === false);
    });

    it('what another device takes away while we are gone is not entered when we are back', async () => {
      await bookmark(room('gone-meanwhile'), 'alice');
      await eventually('it is entered', async () => (await mine(room('gone-meanwhile')))?.joined === true);
      await house.kill('SIGTERM');
      await phone.ask(
        'set',
        `<pubsub xmlns="http://jabber.org/protocol/pubsub"><retract node="${node}"><item id="${room('gone-meanwhile')}"/></retract></pubsub>`,
      );
      // Whoever resumes has missed no event; whoever begins anew asks for everything.
      await server.restart();
      await house.start();
      await eventually('it is left', async () => (await mine(room('gone-meanwhile')))?.joined === false);
      await online();
      expect(Object.keys(await bookmarkedAnew())).not.toContain(room('gone-meanwhile'));
    });
  });
}
