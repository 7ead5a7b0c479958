/*
 * What is said beyond plain words, through the whole house: a person by the API on one side, on the other people with
 * IRC clients, one that knows the tags of IRCv3 and one that knows nothing of them. The server is the sandbox, in this process.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Account, Conversation, Message } from '#api';
import { eventually, plainClient, type PlainClient } from '#peers';
import { startSandboxIrc, type SandboxIrc } from '#sandbox';
import { House } from '../testing/house.js';

const tags = ['message-tags', 'echo-message', 'draft/message-redaction', 'batch', 'draft/multiline'];

describe('a person and people on IRC', () => {
  const stack: AsyncDisposable[] = [];
  let server: SandboxIrc;
  let house: House;
  let account: Account;
  let lobby: Conversation;
  let bob: PlainClient;
  let olga: PlainClient;

  beforeAll(async () => {
    server = await startSandboxIrc();
    stack.push(server);
    bob = await plainClient({ port: server.port, nick: 'bob', capabilities: tags });
    olga = await plainClient({ port: server.port, nick: 'olga' });
    stack.push(bob, olga);
    for (const client of [bob, olga]) await client.join('#lobby');
    house = await House.open();
    stack.push(house);
    account = await house.ask('POST', '/v1/accounts', {
      connector: 'irc',
      label: 'Lab',
      settings: {
        host: '127.0.0.1',
        port: server.port,
        tls: false,
        nick: 'alice',
        burst: 50,
        linesPerSecond: 50,
      },
    });
    lobby = await house.ask('POST', '/v1/conversations', {
      account: account.id,
      address: '#lobby',
      kind: 'room',
    });
    await eventually(
      'alice is in #lobby and knows what she can do',
      async () => {
        const now = await house.ask<Conversation>('GET', `/v1/conversations/${lobby.id}`);
        return now.joined && now.capabilities.retractions === 'native';
      },
      30_000,
    );
  }, 120_000);
  afterAll(async () => {
    for (const one of stack.reverse()) await one[Symbol.asyncDispose]();
  });

  const say = (body: object): Promise<Message> =>
    house.ask('POST', `/v1/conversations/${lobby.id}/messages`, body);
  const read = (id: string): Promise<Message> => house.ask('GET', `/v1/messages/${id}`);
  const sent = (id: string): Promise<unknown> =>
    eventually('all of it is sent', async () =>
      (await read(id)).envelopes.every(({ state }) => state === 'sent'),
    );
  const heard = (text: string): Promise<Message> =>
    eventually(`"${text}" is stored`, async () => {
      const { items } = await house.ask<{ items: Message[] }>(
        'GET',
        `/v1/conversations/${lobby.id}/messages?limit=100`,
      );
      return items.find((message) => message.text === text && message.author !== null);
    });
  /** The line by which bob heard it, and its id. */
  const told = async (text: RegExp): Promise<string> =>
    /msgid=([^; ]+)/.exec(await bob.waitFor(text))?.[1] ?? '';

  it('see the same bold and red', async () => {
    await say({
      text: 'bold and red',
      spans: [
        { start: 0, end: 4, style: { kind: 'bold' } },
        { start: 9, end: 12, style: { kind: 'colour', foreground: '#ff0000' } },
      ],
    });
    await olga.waitFor(/PRIVMSG #lobby :\x02bold\x0f and \x0304red$/);
    olga.say('#lobby', 'so \x1flined\x1f');
    expect((await heard('so lined')).spans).toEqual([{ start: 3, end: 8, style: { kind: 'underline' } }]);
  });

  it('answer one another', async () => {
    const question = await say({ text: 'who is there?' });
    const id = await told(/PRIVMSG #lobby :who is there\?$/);
    await sent(question.id);
    bob.send(`@+draft/reply=${id} PRIVMSG #lobby :me`);
    const answer = await heard('me');
    expect(answer.replyTo).toBe(question.id);
    await say({ text: 'welcome', replyTo: answer.id });
    const said = await told(/PRIVMSG #lobby :me$/);
    await bob.waitFor(new RegExp(`\\+draft/reply=${said}[; ].*PRIVMSG #lobby :welcome$`));
    await olga.waitFor(/PRIVMSG #lobby :welcome$/);
  });

  it('react to what was said, and take the reaction back', async () => {
    const cake = await say({ text: 'there is cake' });
    const id = await told(/PRIVMSG #lobby :there is cake$/);
    await sent(cake.id);
    bob.send(`@+draft/react=🎂;+draft/reply=${id} TAGMSG #lobby`);
    const reacted = await eventually('it is seen', async () => {
      const { reactions } = await read(cake.id);
      return reactions.length > 0 ? reactions : undefined;
    });
    expect(reacted).toMatchObject([{ emoji: '🎂', person: null }]);
    bob.send(`@+draft/unreact=🎂;+draft/reply=${id} TAGMSG #lobby`);
    await eventually('it is gone', async () => (await read(cake.id)).reactions.length === 0);
    bob.say('#lobby', 'good cake');
    const good = await heard('good cake');
    await house.ask('PUT', `/v1/messages/${good.id}/reactions/${encodeURIComponent('👍')}`);
    const about = await told(/PRIVMSG #lobby :good cake$/);
    await bob.waitFor(
      new RegExp(`\\+draft/react=👍;\\S*\\+draft/reply=${about}[; ].*:alice!\\S+ TAGMSG #lobby`),
    );
    await house.ask('DELETE', `/v1/messages/${good.id}/reactions/${encodeURIComponent('👍')}`);
    await bob.waitFor(/\+draft\/unreact=👍/);
  });

  it('take back what they said, and what others said where they moderate', async () => {
    const mistake = await say({ text: 'my password is' });
    const id = await told(/PRIVMSG #lobby :my password is$/);
    await sent(mistake.id);
    await house.ask('DELETE', `/v1/messages/${mistake.id}`);
    await bob.waitFor(new RegExp(`:alice!\\S+ REDACT #lobby :?${id}`));
    await sent(mistake.id);
    bob.say('#lobby', 'oops');
    const oops = await heard('oops');
    bob.send(`REDACT #lobby ${await told(/PRIVMSG #lobby :oops$/)} :typed too fast`);
    await eventually('it is taken back', async () => (await read(oops.id)).retractedAt !== null);
    // Bob was the first in the room, so he moderates it.
    const rude = await say({ text: 'rude words' });
    await sent(rude.id);
    bob.send(`REDACT #lobby ${await told(/PRIVMSG #lobby :rude words$/)} :be kind`);
    await eventually('that is too', async () => (await read(rude.id)).retractedAt !== null);
  });

  it('keep what was said when only words about it are taken back', async () => {
    bob.say('#lobby', 'a keeper');
    const keeper = await heard('a keeper');
    const corrected = async (wrong: string, right: string): Promise<Message> => {
      const { id } = await say({ text: wrong });
      await sent(id);
      const spans = [{ start: 0, end: right.length, style: { kind: 'bold' } }];
      await house.ask('PATCH', `/v1/messages/${id}`, { text: right, spans });
      await bob.waitFor(new RegExp(`PRIVMSG #lobby :\\* \\x02${right}$`));
      await sent(id);
      return read(id);
    };
    const first = await corrected('firts', 'first');
    bob.send(`REDACT #lobby ${await told(/PRIVMSG #lobby :\* \x02first$/)} :enough`);
    bob.send(`REDACT #lobby ${await told(/PRIVMSG #lobby :a keeper$/)} :not that either`);
    await eventually('the other is taken back', async () => (await read(keeper.id)).retractedAt !== null);
    expect(await read(first.id)).toMatchObject({ text: 'first', retractedAt: null });
    // Whoever takes back their own takes back its correction too.
    const second = await corrected('secodn', 'second');
    await house.ask('DELETE', `/v1/messages/${second.id}`);
    for (const text of [/PRIVMSG #lobby :secodn$/, /PRIVMSG #lobby :\* \x02second$/]) {
      await bob.waitFor(new RegExp(`:alice!\\S+ REDACT #lobby :?${await told(text)}`));
    }
  });

  it('speak to some of a room only, and see that they do', async () => {
    bob.send('MODE #lobby +o alice');
    bob.send('PRIVMSG @#lobby :operators only');
    expect((await heard('operators only')).audience).toBe('@');
    const answer = await say({ text: 'understood', audience: '@' });
    await bob.waitFor(/PRIVMSG @#lobby :understood$/);
    await sent(answer.id);
    expect(answer.audience).toBe('@');
    expect(olga.lines.some((line) => line.includes('understood'))).toBe(false);
  });

  it('say several lines at once', async () => {
    const poem = await say({ text: 'roses are red\n\nviolets are blue' });
    await sent(poem.id);
    expect((await read(poem.id)).envelopes).toHaveLength(1);
    await bob.waitFor(/BATCH \+\S+ draft\/multiline #lobby/);
    await olga.waitFor(/PRIVMSG #lobby :violets are blue/);
    bob.send('BATCH +b draft/multiline #lobby');
    for (const line of ['one', 'two']) bob.send(`@batch=b PRIVMSG #lobby :${line}`);
    bob.send('BATCH -b');
    expect((await heard('one\ntwo')).spans).toEqual([]);
  });

  it('tell what they cannot do before they try: a server that stops offering is believed at once', async () => {
    server.withdraw('draft/message-redaction');
    await eventually('it is known', async () => {
      const now = await house.ask<Conversation>('GET', `/v1/conversations/${lobby.id}`);
      return now.capabilities.retractions === 'none';
    });
    const stays = await say({ text: 'this stays' });
    await sent(stays.id);
    await expect(house.ask('DELETE', `/v1/messages/${stays.id}`)).rejects.toThrow(/409|unsupported/);
    expect((await read(stays.id)).retractedAt).toBeNull();
    server.offer('draft/message-redaction');
  });
});
