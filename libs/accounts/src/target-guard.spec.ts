import { networkInterfaces } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { readConfig } from '#platform';
import { Resolver, SystemResolver, TargetGuard, TargetRefused, TargetUnresolved } from './target-guard.js';

class Names extends Resolver {
  constructor(private readonly names: Readonly<Record<string, readonly string[]>>) {
    super();
  }

  addressesOf(host: string): Promise<readonly string[]> {
    const found = this.names[host];
    return found ? Promise.resolve(found) : Promise.reject(new Error('ENOTFOUND'));
  }
}

const nobody = { allowPrivate: false };
const admin = { allowPrivate: true };

function guardOf(names: Readonly<Record<string, readonly string[]>>, env: Record<string, string> = {}) {
  const guard = new TargetGuard(readConfig({ PARLEY_PORT: '8080', ...env }), new Names(names));
  return async (host: string, port: number, leave = nobody) => {
    try {
      return await guard.check({ host, port }, leave);
    } catch (error) {
      if (error instanceof TargetRefused) return error.reason;
      if (error instanceof TargetUnresolved) return 'unresolved';
      throw error;
    }
  };
}

describe('a target', () => {
  it('in the open internet is allowed, and given as the addresses to connect to', async () => {
    const check = guardOf({ 'irc.example.org': ['8.8.8.8', '2606:4700::1111'] });
    expect(await check('irc.example.org', 6697)).toEqual({
      addresses: ['8.8.8.8', '2606:4700::1111'],
      private: false,
    });
  });

  it('in a private network or on this machine needs an admin’s leave, and says that it did', async () => {
    const check = guardOf({ home: ['192.168.1.2'], here: ['127.0.0.1'] });
    expect(await check('home', 6667)).toBe('private');
    expect(await check('here', 6667)).toBe('private');
    expect(await check('home', 6667, admin)).toMatchObject({ private: true });
    expect(await check('here', 6667, admin)).toMatchObject({ private: true });
  });

  it('that is link-local, multicast or unspecified is refused to admins too', async () => {
    const check = guardOf({ metadata: ['169.254.169.254'], all: ['224.0.0.1'], none: ['0.0.0.0'] });
    for (const host of ['metadata', 'all', 'none']) expect(await check(host, 80, admin)).toBe('reserved');
  });

  it('is judged by its worst address', async () => {
    const check = guardOf({ mixed: ['8.8.8.8', '10.0.0.1'], worse: ['8.8.8.8', '10.0.0.1', 'fe80::1'] });
    expect(await check('mixed', 80)).toBe('private');
    expect(await check('worse', 80, admin)).toBe('reserved');
  });

  it('is judged after resolution, however it is written', async () => {
    const guard = new TargetGuard(readConfig({ PARLEY_PORT: '8080' }), new SystemResolver());
    for (const host of [
      '2130706433',
      '0177.0.0.1',
      '0x7f.1',
      '127.1',
      'localhost',
      '[::1]',
      '::ffff:127.0.0.1',
    ]) {
      await expect(guard.check({ host, port: 6667 }, nobody)).rejects.toMatchObject({ reason: 'private' });
      await expect(guard.check({ host, port: 8080 }, admin)).rejects.toMatchObject({ reason: 'inward' });
    }
  });

  it('that is our own door is refused to admins too, by any address of this machine', async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address)
      .filter((address) => !address.startsWith('fe80'));
    const check = guardOf({
      ...Object.fromEntries(own.map((address) => [address, [address]])),
      us: ['127.0.0.9'],
    });
    for (const address of [...own, 'us']) expect(await check(address, 8080, admin)).toBe('inward');
    expect(await check('us', 8081, admin)).toMatchObject({ private: true });
  });

  it('that is one of our engines or our public door is refused to admins too', async () => {
    const names = {
      'db.internal': ['10.0.0.5'],
      alias: ['10.0.0.5'],
      'cache.internal': ['10.0.0.6'],
      'parley.example.org': ['8.8.8.8'],
    };
    const check = guardOf(names, {
      DATABASE_URL: 'postgresql://parley@db.internal/parley',
      REDIS_URL: 'redis://cache.internal:6380',
      PARLEY_PUBLIC_URL: 'https://parley.example.org',
    });
    expect(await check('db.internal', 5432, admin)).toBe('inward');
    expect(await check('alias', 5432, admin)).toBe('inward');
    expect(await check('cache.internal', 6380, admin)).toBe('inward');
    expect(await check('parley.example.org', 443)).toBe('inward');
    expect(await check('alias', 5433, admin)).toMatchObject({ private: true });
    expect(await check('parley.example.org', 6697)).toMatchObject({ private: false });
  });

  it('that is an engine on this machine is refused by every address of the machine', async () => {
    const check = guardOf(
      { localhost: ['127.0.0.1'], also: ['127.0.0.2'] },
      { REDIS_URL: 'redis://localhost:6379' },
    );
    expect(await check('also', 6379, admin)).toBe('inward');
  });

  it('that cannot be found is neither allowed nor refused', async () => {
    expect(await guardOf({})('nowhere.example.org', 80)).toBe('unresolved');
    expect(await guardOf({ empty: [] })('empty', 80)).toBe('unresolved');
  });

  it('is refused with a sentence for the person', async () => {
    const guard = new TargetGuard(readConfig({}), new Names({ home: ['10.0.0.1'] }));
    await expect(guard.check({ host: 'home', port: 6667 }, nobody)).rejects.toThrow(
      /^The address home:6667 is in a private network .* only an admin .*\.$/,
    );
  });
});
