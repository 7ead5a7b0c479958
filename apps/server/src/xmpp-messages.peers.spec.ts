/*
 * What a person does with messages by the API, and what bob's own client makes of it, through the whole house and a real
 * server; and the other way about.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Account, Conversation, Envelope, Message } from '#api';
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
  describeWithPeers(`messages of a person on ${name}`, peers, () => {
    const stack: AsyncDisposable[] = [];
    let server: XmppServer;
    let house: House;
    let account: Account;
    let bob: PlainXmpp;
    let conversation: Conversation;

    beforeAll(async () => {
      server = await start({ uploadLimit: 100_000 });
      stack.push(server);
      const [password, bobs] = [randomBytes(9).toString('hex'), randomBytes(9).toString('hex')];
      await server.createAccount('alice', password);
      await server.createAccount('bob', bobs);
      const { domain } = server.names;
      bob = await plainXmpp({ port: server.ports.clients, domain, user: 'bob', password: bobs });
      stack.push(bob);
      house = await House.open();
      stack.push(house);
      account = await house.ask('POST', '/v1/accounts', {
        connector: 'xmpp',
        label: 'Work',
        settings: {
          jid: `alice@${domain}`,
          host: '127.0.0.1',
          port: server.ports.clients,
          caCertificate: server.authority.pem,
        },
        secrets: { password },
      });
      await eventually(
        'alice is online, and knows that files are kept for her',
        async () => {
          const now = await house.ask<Account>('GET', `/v1/accounts/${account.id}`);
          return now.session.state === 'online' && now.capabilities.files === 'native';
        },
        30_000,
      );
      conversation = await house.ask('POST', '/v1/conversations', {
        account: account.id,
        address: bob.bare,
        kind: 'direct',
      });
    }, 120_000);
    afterAll(async () => {
      for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
    });

    const alice = (): string => `alice@${server.names.domain}`;
    const raw = (what: string): Promise<string> =>
      eventually(`bob hears ${what}`, () => bob.raw.find((stanza) => stanza.includes(what)));
    const idIn = (stanza: string): string => / id=["']([^"']+)/.exec(stanza)?.[1] ?? '';
    const say = (body: object): Promise<Message> =>
      house.ask<Message>('POST', `/v1/conversations/${conversation.id}/messages`, body);
    const get = (id: string): Promise<Message> => house.ask<Message>('GET', `/v1/messages/${id}`);
    const heard = (text: string): Promise<Message> =>
      eventually(`“${text}” is stored`, async () => {
        const { items } = await house.ask<{ items: Message[] }>(
          'GET',
          `/v1/conversations/${conversation.id}/messages`,
        );
        return items.find((message) => message.text === text);
      });
    const fate = (id: string, state: string): Promise<unknown> =>
      eventually(`it is ${state}`, async () => (await get(id)).envelopes.every((one) => one.state === state));

    it('are delivered and read when bob says so', async () => {
      const { id } = await say({ text: 'please confirm' });
      const wireId = idIn(await raw('please confirm'));
      await fate(id, 'sent');
      const tell = (inside: string): void => {
        bob.send(`<message to="${alice()}" type="chat">${inside}</message>`);
      };
      tell(`<received xmlns="urn:xmpp:receipts" id="${wireId}"/>`);
      await fate(id, 'delivered');
      tell(`<displayed xmlns="urn:xmpp:chat-markers:0" id="${wireId}"/>`);
      await fate(id, 'read');
    });

    it('are corrected, reacted to and taken back by their author', async () => {
      const { id } = await say({ text: 'to be correctd' });
      const wireId = idIn(await raw('to be correctd'));
      await fate(id, 'sent');
      await house.ask('PATCH', `/v1/messages/${id}`, { text: 'to be corrected' });
      expect(await raw('to be corrected')).toContain(wireId);
      bob.react(alice(), wireId, ['👍', '🎉']);
      await eventually('both reactions', async () => (await get(id)).reactions.length === 2);
      bob.react(alice(), wireId, ['🎉']);
      await eventually('one is taken back', async () => (await get(id)).reactions.length === 1);
      await house.ask('DELETE', `/v1/messages/${id}`);
      expect(await raw('urn:xmpp:message-retract:1')).toContain(wireId);
    });

    it('of bob are corrected, answered, reacted to and taken back', async () => {
      const sent = bob.say(alice(), 'We shoud bake');
      const { id } = await heard('We shoud bake');
      bob.edit(alice(), sent, 'We should bake');
      expect((await heard('We should bake')).id).toBe(id);
      await house.ask('PUT', `/v1/messages/${id}/reactions/${encodeURIComponent('👍')}`);
      expect(await raw('👍')).toContain(sent);
      await house.ask('PUT', `/v1/messages/${id}/reactions/${encodeURIComponent('🐢')}`);
      expect(await raw('🐢')).toContain('👍');
      await say({ text: 'Great idea!', replyTo: id });
      expect(await raw('Great idea!')).toMatch(new RegExp(`<reply[^>]*${sent}`));
      bob.retract(alice(), sent);
      await eventually('it is taken back', async () => (await get(id)).retractedAt !== null);
    });

    it('carry files, which our server keeps; one that is too large is refused with its limit', async () => {
      const upload = async (bytes: Buffer): Promise<string> => {
        const form = new FormData();
        form.append('file', new Blob([new Uint8Array(bytes)], { type: 'text/plain' }), 'note.txt');
        const answer = await fetch(`${house.url}/v1/files`, {
          method: 'POST',
          headers: { authorization: `Bearer ${house.token}` },
          body: form,
        });
        expect(answer.status).toBe(201);
        return ((await answer.json()) as { id: string }).id;
      };
      const small = await say({
        text: 'a note',
        attachments: [{ file: await upload(Buffer.from('hello')) }],
      });
      const url = /<url>([^<]+)<\/url>/.exec(await raw('jabber:x:oob'))?.[1] ?? '';
      expect(url).toContain('/note.txt');
      await fate(small.id, 'sent');
      const large = await say({
        text: 'a long note',
        attachments: [{ file: await upload(Buffer.alloc(100_001, 65)) }],
      });
      await fate(large.id, 'failed');
      const { items } = await house.ask<{ items: Envelope[] }>('GET', `/v1/messages/${large.id}/envelopes`);
      expect(items[0]?.failure?.code).toBe('too-large');
      expect(items[0]?.failure?.detail).toContain('100000');
    });
  });
}
