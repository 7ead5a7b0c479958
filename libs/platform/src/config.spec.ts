import { describe, expect, it } from '@jest/globals';
import { resolve } from 'node:path';
import { ConfigError, readConfig } from './config.js';

function mistakesIn(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('the environment', () => {
  it('may say nothing: one process, embedded, on this machine only', () => {
    expect(readConfig({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      publicUrl: undefined,
      trustProxy: [],
      dataDir: resolve('data'),
      databaseUrl: undefined,
      redisUrl: undefined,
      roles: new Set(['gateway', 'worker']),
      masterKey: undefined,
      setupCode: undefined,
      logLevel: 'info',
      fileMaxBytes: 104_857_600,
      fileQuotaBytes: 1_073_741_824,
      fileLinkDays: 30,
      spoolDir: undefined,
    });
  });

  it('may say everything', () => {
    const key = Buffer.alloc(32, 7);
    expect(
      readConfig({
        PARLEY_PORT: '0',
        PARLEY_HOST: '::',
        PARLEY_PUBLIC_URL: 'https://parley.example.org',
        PARLEY_TRUST_PROXY: '10.0.0.1, 192.168.0.0/16,fd00::/8',
        PARLEY_DATA_DIR: '/var/lib/parley',
        DATABASE_URL: 'postgresql://parley:pw@db.example.org/parley',
        REDIS_URL: 'rediss://cache.example.org:6379',
        PARLEY_ROLES: 'worker',
        PARLEY_MASTER_KEY: key.toString('base64'),
        PARLEY_SETUP_CODE: 'open sesame',
        PARLEY_LOG_LEVEL: 'debug',
        PARLEY_FILE_MAX_BYTES: '1000',
        PARLEY_FILE_QUOTA_BYTES: '1099511627776',
        PARLEY_FILE_LINK_DAYS: '7',
        PARLEY_SPOOL_DIR: '/srv/modems/',
        HOME: '/root',
      }),
    ).toEqual({
      port: 0,
      host: '::',
      publicUrl: new URL('https://parley.example.org'),
      trustProxy: ['10.0.0.1', '192.168.0.0/16', 'fd00::/8'],
      dataDir: '/var/lib/parley',
      databaseUrl: 'postgresql://parley:pw@db.example.org/parley',
      redisUrl: 'rediss://cache.example.org:6379',
      roles: new Set(['worker']),
      masterKey: key,
      setupCode: 'open sesame',
      logLevel: 'debug',
      fileMaxBytes: 1_000,
      fileQuotaBytes: 1_099_511_627_776,
      fileLinkDays: 7,
      spoolDir: '/srv/modems',
    });
    expect(readConfig({ PARLEY_MASTER_KEY: key.toString('hex') }).masterKey).toEqual(key);
  });

  it('counts an empty variable as absent', () => {
    expect(readConfig({ DATABASE_URL: '', PARLEY_PORT: ' ' }).port).toBe(8080);
  });

  it('is told all its mistakes at once, by name, with what was found and what is expected', () => {
    const env = {
      PARLEY_PORT: '80a',
      PARLEY_HOST: '10.0.0.300',
      PARLEY_PUBLIC_URL: 'parley.example.org/inbox',
      PARLEY_TRUST_PROXY: '10.0.0.0/40',
      PARLEY_ROLES: 'gateway,boss',
      PARLEY_LOG_LEVEL: 'loud',
      PARLEY_PROT: '1',
      DATABASE_URL: 'mysql://parley:hush@db/x',
      REDIS_URL: 'hush',
      PARLEY_MASTER_KEY: 'hush',
      PARLEY_SETUP_CODE: 'hush',
    };
    const mistakes = mistakesIn(env);
    expect(mistakes).toEqual([
      'PARLEY_PROT is not a variable of Parley’s; did you mean PARLEY_PORT?',
      'PARLEY_PORT is "80a"; expected a port number, 0 to 65535 (0: any free one)',
      'PARLEY_HOST is "10.0.0.300"; expected an address or host name to listen on',
      'PARLEY_PUBLIC_URL is "parley.example.org/inbox"; expected an http:// or https:// address without path, query or password, like https://parley.example.org',
      'PARLEY_TRUST_PROXY is "10.0.0.0/40"; expected addresses or CIDR ranges, separated by commas, like 10.0.0.1,192.168.0.0/16',
      'DATABASE_URL is set to something else (24 characters, not shown); expected a PostgreSQL address, like postgresql://parley@db.example.org/parley',
      'REDIS_URL is set to something else (4 characters, not shown); expected a Redis address, like redis://cache.example.org:6379',
      'PARLEY_ROLES is "gateway,boss"; expected one or both of gateway, worker, separated by commas',
      'PARLEY_MASTER_KEY is set to something else (4 characters, not shown); expected 32 bytes, as 64 hexadecimal digits or 44 characters of base64',
      'PARLEY_SETUP_CODE is set to something else (4 characters, not shown); expected 8 characters or more',
      'PARLEY_LOG_LEVEL is "loud"; expected one of trace, debug, info, warn, error, silent',
    ]);
    const message = new ConfigError(mistakes).message;
    expect(message).not.toContain('hush');
    for (const mistake of mistakes) expect(message).toContain(mistake);
  });

  it.each([
    ['PARLEY_PORT', '65536'],
    ['PARLEY_PORT', '-1'],
    ['PARLEY_PORT', '8080.5'],
    ['PARLEY_HOST', 'not a host'],
    ['PARLEY_PUBLIC_URL', 'ftp://example.org'],
    ['PARLEY_PUBLIC_URL', 'https://alice:pw@example.org'],
    ['PARLEY_PUBLIC_URL', 'https://example.org/?x'],
    ['PARLEY_TRUST_PROXY', 'true'],
    ['PARLEY_TRUST_PROXY', '10.0.0.0/8/8'],
    ['PARLEY_ROLES', ','],
    ['PARLEY_FILE_MAX_BYTES', '10MB'],
    ['PARLEY_FILE_MAX_BYTES', '0'],
    ['PARLEY_FILE_QUOTA_BYTES', '1125899906842625'],
    ['PARLEY_FILE_LINK_DAYS', '-1'],
    ['PARLEY_SPOOL_DIR', 'a\0b'],
    ['PARLEY_MASTER_KEY', Buffer.alloc(31).toString('base64')],
    ['PARLEY_MASTER_KEY', Buffer.alloc(33).toString('hex')],
  ])('refuses %s=%s', (name, value) => {
    expect(mistakesIn({ [name]: value })).toEqual([expect.stringContaining(`${name} is `)]);
  });

  it('refuses half of the roles on the embedded database, which belongs to one process', () => {
    expect(mistakesIn({ PARLEY_ROLES: 'gateway' })).toEqual([
      expect.stringMatching(/^PARLEY_ROLES is "gateway"; expected both roles .* DATABASE_URL is not set/),
    ]);
    expect(mistakesIn({ PARLEY_ROLES: 'gateway', DATABASE_URL: 'postgres://db/x' })).toEqual([]);
  });
});
