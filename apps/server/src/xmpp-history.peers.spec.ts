/*
 * What was said on XMPP while we were not there, through the whole house and on real servers: the built server is a
 * process of its own, so a kill is one.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Account, Conversation, Gap, Mark, Message, MessagePage } from '#api';
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
  ['Prosody', prosodyPeers, () => startProsody({ archiveInMemory: true })],
  ['ejabberd', ejabberdPeers, () => startEjabberd()],
] as const;

/** A busy machine is slow. */
const patient = 40_000;

const series = (word: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${word} ${String(index)}`);

for (const [name, peers, start] of families) {
  describeWithPeers(`what was said on ${name} while nobody listened`, peers, () => {
    const stack: AsyncDisposable[] = [];
    let server: XmppServer;
    let house: House;
    let account: Account;
    let bob: PlainXmpp;
    /** Another device of alice's: what comes goes to it, and waits for us in the archive alone. */
    let phone: PlainXmpp;
    let direct: Conversation;
    let room: Conversation;
    let lounge: string;

    const visit = async (user: string, password: string): Promise<PlainXmpp> => {
      const { ports, names } = server;
      const client = await plainXmpp({ port: ports.clients, domain: names.domain, user, password });
      stack.push(client);
      return client;
    };
    /** Says lines, and returns when the server has them. */
    const says = async (client: PlainXmpp, to: string, lines: readonly string[]): Promise<void> => {
      for (const line of lines) client.say(to, line);
      await client.ask('get', '<ping xmlns="urn:xmpp:ping"/>', client.bare);
    };
    const all = async ({
      id,
    }: Conversation): Promise<{ texts: string[]; gaps: Gap[]; messages: Message[] }> => {
      const messages: Message[] = [];
      const gaps: Gap[] = [];
      for (let before = ''; ;) {
        const path = `/v1/conversations/${id}/messages?limit=200${before}`;
        const { items, next, ...rest } = await house.ask<MessagePage>('GET', path);
        messages.unshift(...items.filter(({ kind }) => kind === 'message'));
        gaps.unshift(...rest.gaps);
        if (next === undefined) return { texts: messages.map(({ text }) => text), gaps, messages };
        before = `&before=${next}`;
      }
    };
    const stored = async (place: Conversation, atLeast: number, last?: string): Promise<void> => {
      await eventually(
        `${String(atLeast)} lines of ${place.address} are stored`,
        async () => {
          const { texts } = await all(place);
          return texts.length >= atLeast && (last === undefined || texts.includes(last));
        },
        patient,
      );
    };

    beforeAll(async () => {
      server = await start();
      stack.push(server);
      const [password, bobs] = [randomBytes(9).toString('hex'), randomBytes(9).toString('hex')];
      await server.createAccount('alice', password);
      await server.createAccount('bob', bobs);
      bob = await visit('bob', bobs);
      lounge = `lounge@${server.names.rooms}`;
      await bob.join(lounge, 'bob');
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
      const place = (address: string, kind: string): Promise<Conversation> =>
        house.ask('POST', '/v1/conversations', { account: account.id, address, kind });
      room = await place(lounge, 'room');
      direct = await place(bob.bare, 'direct');
      await eventually(
        'alice is in the room',
        async () => (await house.ask<Conversation>('GET', `/v1/conversations/${room.id}`)).joined,
        patient,
      );
      phone = await visit('alice', password);
    }, 120_000);
    afterAll(async () => {
      for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
    });

    it('is caught up with, in order and once, through kills in mid catch-up and while people talk', async () => {
      const alice = `alice@${server.names.domain}`;
      await says(bob, alice, series('early', 3));
      await says(bob, lounge, series('early room', 3));
      await stored(direct, 3);
      await stored(room, 3);
      await house.kill();
      const [missed, missedRoom] = [series('missed', 300), series('missed room', 120)];
      await says(bob, alice, missed);
      await says(bob, lounge, missedRoom);
      await phone.waitFor('the last', (stanza) => JSON.stringify(stanza).includes('missed 299'), {
        deadlineMs: patient,
      });
      const between: string[] = [];
      for (const atLeast of [20, 120]) {
        await house.start();
        await stored(direct, atLeast);
        await house.kill();
        between.push(`between ${String(atLeast)}`);
        await says(bob, alice, between.slice(-1));
      }
      await house.start();
      const live = series('live', 20);
      await says(bob, alice, live);
      await says(bob, lounge, ['live room']);
      const wanted = [...series('early', 3), ...missed, ...between, ...live];
      const wantedRoom = [...series('early room', 3), ...missedRoom, 'live room'];
      await stored(direct, wanted.length, 'live 19');
      await stored(room, wantedRoom.length, 'live room');
      const [one, other] = [await all(direct), await all(room)];
      expect(one.texts.toSorted()).toEqual([...wanted].toSorted());
      expect(one.texts.filter((text) => text.startsWith('missed'))).toEqual(missed);
      expect(other.texts.toSorted()).toEqual([...wantedRoom].toSorted());
      expect(other.texts.filter((text) => text.startsWith('missed'))).toEqual(missedRoom);
      expect([...one.gaps, ...other.gaps]).toEqual([]);
      const { mine } = await house.ask<{ mine: Mark }>('GET', `/v1/conversations/${direct.id}`);
      expect(mine.unread).toBe(wanted.length);
    }, 180_000);
  });
}
