import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RosterEntry } from '#api';
import type { Connector, SessionContext } from '#connector';
import { loopback } from '#connectors/loopback';
import { eventually } from '#peers';
import { Loop } from '../testing/loop.js';

/** A network where people ask before they see somebody, and which keeps no roster: nobody is ever on it. */
const keepsNone: Connector = {
  ...loopback,
  describe: () => {
    const description = loopback.describe();
    return { ...description, abilities: description.abilities.filter((one) => one !== 'keeps-roster') };
  },
  open: (link, context) => {
    const emit: SessionContext['emit'] = (batch, deadlineMs) => {
      const events = batch.events.map((event) =>
        event.type === 'contact' ? { ...event, listed: false, groups: [] } : event,
      );
      return context.emit({ ...batch, events }, deadlineMs);
    };
    return loopback.open(link, Object.assign(Object.create(context) as SessionContext, { emit }));
  },
};

describe('who may see an account where the network keeps no roster', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open({}, { connector: keepsNone });
  }, 60_000);
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const path = (address = ''): string => `/v1/accounts/${loop.account}/roster${address && `/${address}`}`;
  const entries = async (): Promise<RosterEntry[]> =>
    (await loop.ask<{ items: RosterEntry[] }>('GET', path())).items;
  const asks = (name: string) =>
    eventually(`${name} asks`, async () => (await entries()).find(({ address }) => address === name)?.asks);
  const answered = (name: string) =>
    eventually(`${name} is answered`, async () => {
      const entry = await loop.ask<RosterEntry>('GET', path(name));
      return entry.asks ? undefined : entry;
    });

  it('is shown as they ask, and answered; the answer is kept here, and given at every connect', async () => {
    loop.network.askToSee('bob', 'alice');
    loop.network.askToSee('mallory', 'alice');
    await asks('bob');
    await asks('mallory');
    await loop.ask('POST', `${path('bob')}/approve`);
    await loop.ask('POST', `${path('mallory')}/deny`);
    expect(await answered('bob')).toMatchObject({ answer: 'approve', pending: false });
    expect(await answered('mallory')).toMatchObject({ answer: 'deny', pending: false });
    await eventually('the network lets bob', () => loop.network.admits('alice', 'bob'));
    expect(loop.network.admits('alice', 'mallory')).toBe(false);
    // The network forgets all of it; whoever has the account next says it again.
    await loop.ask('POST', `/v1/accounts/${loop.account}/disconnect`);
    await loop.state('offline');
    loop.network.forgetAdmissions('alice');
    expect(loop.network.admits('alice', 'bob')).toBe(false);
    await loop.ask('POST', `/v1/accounts/${loop.account}/connect`);
    await eventually('the network lets bob again', () => loop.network.admits('alice', 'bob'));
  });

  it('is answered otherwise at any time', async () => {
    await loop.ask('POST', `${path('bob')}/deny`);
    await eventually('the network lets bob no longer', () => !loop.network.admits('alice', 'bob'));
    expect(await answered('bob')).toMatchObject({ answer: 'deny' });
    await loop.ask('POST', `${path('carol')}/approve`);
    loop.network.askToSee('carol', 'alice');
    await eventually('carol was let before she asked', () => loop.network.admits('alice', 'carol'));
  });

  it('has nothing to do with whom the house itself has on the roster', async () => {
    const put = await loop.house.ask('PUT', path('dave'), {
      token: loop.alice.token,
      body: { name: 'Dave' },
    });
    expect(put).toMatchObject({ status: 201, body: { name: 'Dave', pending: false, answer: null } });
    loop.network.askToSee('dave', 'alice');
    await asks('dave');
    await loop.ask('POST', `${path('dave')}/approve`);
    expect(await answered('dave')).toMatchObject({ name: 'Dave', answer: 'approve', pending: false });
    expect((await loop.house.ask('DELETE', path('dave'), { token: loop.alice.token })).status).toBe(204);
    expect(await answered('dave')).toMatchObject({ name: null, answer: 'approve' });
  });
});
