/*
 * Calls that are placed over HTTP, through a registration and on a trunk; and the process dies while phones ring and people
 * speak: nothing rings on, nobody is left on the line, nothing is kept as if.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Call } from '#api';
import type { CallState } from '#model';
import {
  describeWithPeers,
  eventually,
  freeSipPort,
  Kamailio,
  kamailioPeers,
  SipExchange,
  SipPhone,
} from '#peers';
import { House } from '../testing/house.js';

describeWithPeers('calls over HTTP', kamailioPeers, () => {
  let server: Kamailio;
  let house: House;
  let account: string;
  const phones: SipPhone[] = [];

  const phone = async (user: string): Promise<SipPhone> => {
    const password = randomBytes(9).toString('hex');
    await server.createAccount(user, password);
    const opened = await SipPhone.open({ port: server.port, domain: server.domain, user, password });
    phones.push(opened);
    return opened;
  };

  beforeAll(async () => {
    server = await Kamailio.start();
    await server.createAccount('alice', 'alice secret');
    house = await House.open();
    ({ id: account } = await house.ask<{ id: string }>('POST', '/v1/accounts', {
      connector: 'sip',
      label: 'Phone',
      settings: { address: `alice@${server.domain}`, host: server.host, port: server.port, transport: 'udp' },
      secrets: { password: 'alice secret' },
    }));
    await online(account);
  }, 120_000);
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await Promise.all(phones.map((one) => one[Symbol.asyncDispose]()));
    await server[Symbol.asyncDispose]();
  });

  const online = async (id: string): Promise<void> => {
    await eventually(
      'the account is online',
      async () =>
        (await house.ask<{ session: { state: string } }>('GET', `/v1/accounts/${id}`)).session.state ===
        'online',
      30_000,
    );
  };
  const is = async (id: string, state: CallState): Promise<Call> =>
    await eventually(
      `the call is ${state}`,
      async () => {
        const call = await house.ask<Call>('GET', `/v1/calls/${id}`);
        return call.state === state ? call : undefined;
      },
      20_000,
    );
  const stands = (one: SipPhone, state: string): Promise<unknown> =>
    eventually(`${one.address} is ${state}`, () => one.phone === state);
  const place = async (mine: SipPhone, theirs: SipPhone, by = account): Promise<string> => {
    const from = { account: by, address: mine.address };
    return (await house.ask<Call>('POST', '/v1/calls', { from, to: theirs.address })).id;
  };

  it('connect two phones of a server that is joined to a trunk, and hang up both', async () => {
    const [ours, port] = [`office@parley.example`, await freeSipPort()];
    await using exchange = await SipExchange.open('example.com', await freeSipPort());
    exchange.join(ours, port);
    const joined = { host: exchange.host, port: exchange.port, transport: 'tcp', addresses: ['127.0.0.1'] };
    const link = await house.ask<{ id: string }>('POST', '/v1/links', {
      connector: 'sip',
      label: 'Trunk',
      settings: {
        mode: 'trunk',
        trunk: {
          domains: ['parley.example'],
          listen: [{ transport: 'tcp', port }],
          peers: [{ name: 'exchange', domains: [exchange.domain], ...joined }],
        },
      },
    });
    const body = { link: link.id, label: 'Office', localAddress: ours };
    const { id: office } = await house.ask<{ id: string }>('POST', '/v1/accounts', body);
    await online(office);
    const at = { port: exchange.port, domain: exchange.domain, password: '' };
    await using mine = await SipPhone.open({ ...at, user: 'mine' });
    await using theirs = await SipPhone.open({ ...at, user: 'theirs' });
    const call = await place(mine, theirs, office);
    await stands(mine, 'ringing');
    mine.pickUp();
    await stands(theirs, 'ringing');
    theirs.pickUp();
    expect(await is(call, 'answered')).toMatchObject({ account: office, address: theirs.address });
    await house.ask('DELETE', `/v1/calls/${call}`);
    await Promise.all([stands(mine, 'idle'), stands(theirs, 'idle')]);
    await is(call, 'ended');
    await house.ask('DELETE', `/v1/accounts/${office}`);
  });

  it('leave no phone ringing, nobody on the line and no call without an end when the process dies', async () => {
    const [desk, kitchen, bob, carol] = [
      await phone('desk'),
      await phone('kitchen'),
      await phone('bob'),
      await phone('carol'),
    ];
    const spoken = await place(kitchen, bob);
    await stands(kitchen, 'ringing');
    kitchen.pickUp();
    await stands(bob, 'ringing');
    bob.pickUp();
    await is(spoken, 'answered');
    await stands(kitchen, 'answered');
    const rung = await place(desk, bob);
    await stands(desk, 'ringing');
    await is(rung, 'ringing');
    carol.ring(`alice@${server.domain}`);
    const heard = await eventually('carol is heard', async () => {
      const { items } = await house.ask<{ items: Call[] }>('GET', '/v1/calls?state=ringing');
      return items.find(({ direction }) => direction === 'in');
    });
    await house.kill();
    expect(desk.phone).toBe('ringing');
    await house.start();
    await online(account);
    await stands(desk, 'idle');
    await stands(kitchen, 'idle');
    await stands(bob, 'idle');
    expect(await is(rung, 'failed')).toMatchObject({ failure: { code: 'server-shutdown' } });
    expect(await is(spoken, 'ended')).toMatchObject({ legs: { mine: 'ended', theirs: 'ended' } });
    expect(await is(heard.id, 'missed')).toMatchObject({ address: carol.address });
    // And it goes on.
    const next = await place(desk, bob);
    await stands(desk, 'ringing');
    await house.ask('DELETE', `/v1/calls/${next}`);
    await stands(desk, 'idle');
    await is(next, 'ended');
  }, 120_000);
});
