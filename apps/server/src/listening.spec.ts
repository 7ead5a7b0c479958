import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, freePort } from '#peers';
import { Loop } from '../testing/loop.js';

describe('a port of this machine', () => {
  let loop: Loop;
  beforeAll(async () => {
    loop = await Loop.open();
  }, 60_000);
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const settings = (name: string, doorbellPort?: number) => ({
    host: '127.0.0.1',
    port: loop.network.port,
    name,
    backoffMs: 20,
    backoffMaxMs: 60_000,
    ...(doorbellPort === undefined ? {} : { doorbellPort }),
  });
  const ask = (method: 'POST' | 'PATCH', path: string, body: object) =>
    loop.house.ask(method, path, { token: loop.alice.token, body });
  const share = async (name: string, port: number): Promise<string> => {
    const link = await ask('POST', '/v1/links', {
      connector: 'loopback',
      label: name,
      settings: settings(name, port),
    });
    expect(link.status).toBe(201);
    const { id } = await loop.ask<{ id: string }>('POST', '/v1/accounts', {
      link: (link.body as { id: string }).id,
      localAddress: name,
      label: name,
    });
    return id;
  };
  const until = (account: string, state: string) =>
    eventually(`it is ${state}`, async () => {
      const { session } = await loop.ask<{ session: { state: string; code?: string } }>(
        'GET',
        `/v1/accounts/${account}`,
      );
      return session.state === state ? session : undefined;
    });
  const refused = { status: 403, body: { code: 'listening', errors: [{ pointer: '/settings' }] } };

  it('is not listened at by a private link, an admin’s neither, whether it is made or changed', async () => {
    const port = await freePort();
    const made = { connector: 'loopback', label: 'Bell', settings: settings('bell', port) };
    expect(await ask('POST', '/v1/accounts', made)).toMatchObject(refused);
    const changed = { settings: settings('alice', port) };
    expect(await ask('PATCH', `/v1/accounts/${loop.account}`, changed)).toMatchObject(refused);
    await until(loop.account, 'online');
  });

  it('is listened at by a link that an admin shares, and let go with it', async () => {
    const port = await freePort();
    const account = await share('bell', port);
    await until(account, 'online');
    const caller = connect(port, '127.0.0.1');
    await once(caller, 'close');
    await loop.ask('POST', `/v1/accounts/${account}/disconnect`);
    await until(account, 'offline');
    await eventually('the port is free', async () => {
      const other = createServer();
      const free = await new Promise<boolean>((done) => {
        other.once('error', () => {
          done(false);
        });
        other.listen(port, '127.0.0.1', () => {
          done(true);
        });
      });
      if (free) await new Promise((closed) => other.close(closed));
      return free;
    });
  });

  it('that somebody else has is asked of the person', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const account = await share('late', port);
    expect(await until(account, 'needs-person')).toMatchObject({ code: 'resource-conflict' });
    await new Promise((closed) => other.close(closed));
    await loop.ask('POST', `/v1/accounts/${account}/connect`);
    await until(account, 'online');
  });
});
