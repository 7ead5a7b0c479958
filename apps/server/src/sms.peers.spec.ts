/*
 * The main job on an SMSC that is not ours: a person adds a number over the API, writes and is written to, sees what
 * became of each text, what it costs and who must not be written to any more.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithPeers, eventually, perlSmscPeers, PerlSmsc } from '#peers';
import { House } from '../testing/house.js';

interface Shape {
  readonly id: string;
  readonly conversation: string;
  readonly text: string;
  readonly origin: string;
  readonly author: { readonly address: string } | null;
  readonly envelopes: readonly {
    readonly state: string;
    readonly failure: { readonly code: string } | null;
  }[];
}

const own = '+12025550100';
const alice = '+12025550111';
const bob = '+12025550122';

describeWithPeers('a person with a phone number on an SMSC in Perl', perlSmscPeers, () => {
  let smsc: PerlSmsc;
  let house: House;
  let account: { id: string };

  beforeAll(async () => {
    smsc = await PerlSmsc.start({ ids: 'hex', receipts: 'before' });
    house = await House.open();
    account = await house.ask('POST', '/v1/accounts', {
      connector: 'sms',
      label: 'Shop',
      settings: {
        driver: 'smpp',
        numbers: [own, '12345'],
        region: 'US',
        smpp: { host: '127.0.0.1', port: smsc.port, tls: false, systemId: 'parley', window: 50 },
      },
      secrets: { password: smsc.password },
    });
    await eventually(
      'the account is online',
      async () =>
        (await house.ask<{ session: { state: string } }>('GET', `/v1/accounts/${account.id}`)).session
          .state === 'online',
      30_000,
    );
    await smsc.route(own, 'parley');
    await smsc.route('12345', 'parley');
  }, 120_000);
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await smsc[Symbol.asyncDispose]();
  });

  const send = async (address: string, text: string) => {
    const { results } = await house.ask<{
      results: readonly { readonly message?: Shape; readonly failure?: { readonly code: string } }[];
    }>('POST', '/v1/messages', { to: [{ account: account.id, address }], text });
    return results[0];
  };
  const conversations = async () =>
    (await house.ask<{ items: { id: string; address: string }[] }>('GET', '/v1/conversations?limit=200'))
      .items;
  const history = async (conversation: string) =>
    (await house.ask<{ items: Shape[] }>('GET', `/v1/conversations/${conversation}/messages?limit=200`))
      .items;
  const heardBy = (number: string) => smsc.heard.filter(({ to }) => to === number).map(({ text }) => text);

  it('is told what arrived, also where receipts come before the answers and write ids otherwise', async () => {
    const texts = ['short', 'x'.repeat(400), 'emoji 👩‍👩‍👧‍👦'];
    for (const text of texts) {
      const sent = await send('(202) 555-0111', text);
      expect(sent).toHaveProperty('message');
      await eventually('it has arrived', async () => {
        const { envelopes } = await house.ask<Shape>('GET', `/v1/messages/${sent?.message?.id ?? ''}`);
        return envelopes[0]?.state === 'delivered';
      });
    }
    expect(heardBy(alice)).toEqual(texts);
  });

  it('finds the answers where they belong: one conversation with each peer on each number', async () => {
    await smsc.say({ from: alice, to: own, text: 'an answer' });
    await smsc.say({ from: alice, to: '12345', text: `to the short code ${'long '.repeat(60)}` });
    await eventually('both are here', async () => (await conversations()).length === 2);
    const byAddress = new Map((await conversations()).map(({ id, address }) => [address, id]));
    expect([...byAddress.keys()].sort()).toEqual([`${alice}/${own}`, `${alice}/12345`].sort());
    const told = await history(byAddress.get(`${alice}/${own}`) ?? '');
    expect(told.map(({ text }) => text)).toContain('an answer');
    expect(told.find(({ text }) => text === 'an answer')?.author?.address).toBe(alice);
    await send(`${alice}/12345`, 'from the short code');
    await eventually('she hears it', () =>
      smsc.heard.some(({ from, text }) => from === '12345' && text === 'from the short code'),
    );
  });

  it('says in words what phones have no other way for: an act, a correction', async () => {
    const carol = '+12025550144';
    const { results } = await house.ask<{ results: readonly { readonly message: Shape }[] }>(
      'POST',
      '/v1/messages',
      {
        to: [{ account: account.id, address: carol }],
        text: 'waves',
        emote: true,
      },
    );
    await eventually('she has heard it', () => heardBy(carol).length === 1);
    await house.ask('PATCH', `/v1/messages/${results[0]?.message.id ?? ''}`, { text: 'waves back' });
    await eventually('she has heard of it', () => heardBy(carol).length === 2);
    expect(heardBy(carol)).toEqual(['* waves', '* waves back']);
  });

  it('writes to nobody who said stop, until they say start, and answers both once', async () => {
    expect(await send(bob, 'an offer')).toHaveProperty('message');
    // What still waits when he says stop would never leave.
    await eventually('he has heard it', () => heardBy(bob).length === 1);
    await smsc.say({ from: bob, to: own, text: ' Stop. ' });
    await eventually('he is answered', () => heardBy(bob).length === 2);
    expect((await send(bob, 'another offer'))?.failure?.code).toBe('opted-out');
    await smsc.say({ from: bob, to: own, text: 'START' });
    await eventually('he is answered again', () => heardBy(bob).length === 3);
    expect(await send(bob, 'welcome back')).toHaveProperty('message');
    await eventually('he hears it', () => heardBy(bob).at(-1) === 'welcome back');
  });
});
