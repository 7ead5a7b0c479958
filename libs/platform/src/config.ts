import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';

export const roles = ['gateway', 'worker'] as const;
/** What a process does: a gateway answers people, a worker keeps connections of its own to elsewhere. */
export type Role = (typeof roles)[number];

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The environment, read once and believed from then on. Absence means embedded. */
export class Config {
  readonly port: number;
  readonly host: string;
  /** Where people reach us from outside, when it is not `host` and `port`. */
  readonly publicUrl: URL | undefined;
  /** Addresses and CIDR ranges of the proxies whose X-Forwarded-For is believed. */
  readonly trustProxy: readonly string[];
  /** Absolute. */
  readonly dataDir: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly roles: ReadonlySet<Role>;
  /** 32 bytes. */
  readonly masterKey: Buffer | undefined;
  readonly setupCode: string | undefined;
  readonly logLevel: LogLevel;
  /** The largest file that is taken, in bytes. */
  readonly fileMaxBytes: number;
  /** How many bytes of files one person may have. */
  readonly fileQuotaBytes: number;
  /** For how many days a public link to a file leads to it. */
  readonly fileLinkDays: number;
  /** Where modems at this machine have their directories; absolute. Absent: there are none. */
  readonly spoolDir: string | undefined;

  constructor(settings: Settings) {
    this.port = settings.PARLEY_PORT;
    this.host = settings.PARLEY_HOST;
    this.publicUrl = settings.PARLEY_PUBLIC_URL;
    this.trustProxy = settings.PARLEY_TRUST_PROXY;
    this.dataDir = settings.PARLEY_DATA_DIR;
    this.databaseUrl = settings.DATABASE_URL;
    this.redisUrl = settings.REDIS_URL;
    this.roles = settings.PARLEY_ROLES;
    this.masterKey = settings.PARLEY_MASTER_KEY;
    this.setupCode = settings.PARLEY_SETUP_CODE;
    this.logLevel = settings.PARLEY_LOG_LEVEL;
    this.fileMaxBytes = settings.PARLEY_FILE_MAX_BYTES;
    this.fileQuotaBytes = settings.PARLEY_FILE_QUOTA_BYTES;
    this.fileLinkDays = settings.PARLEY_FILE_LINK_DAYS;
    this.spoolDir = settings.PARLEY_SPOOL_DIR;
  }
}

/** What the environment says wrong: every mistake, each naming its variable, what was found and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly mistakes: readonly string[]) {
    const count = mistakes.length === 1 ? '1 mistake' : `${String(mistakes.length)} mistakes`;
    super(`The environment has ${count}:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`);
  }
}

/** Variables whose value is never shown, not even in a complaint. An URL may carry a password. */
const secret: ReadonlySet<string> = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'PARLEY_MASTER_KEY',
  'PARLEY_SETUP_CODE',
]);

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Text that `read` understands; it answers undefined where it does not. */
const parsed = <T>(expected: string, read: (text: string) => T | undefined) =>
  z.string().transform((text, context) => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });

const url = (expected: string, schemes: readonly string[], rule: (url: URL) => boolean = () => true) =>
  parsed(expected, (text) => {
    if (!URL.canParse(text)) return undefined;
    const found = new URL(text);
    return schemes.includes(found.protocol) && rule(found) ? found : undefined;
  });

/** A whole number of something, at least one. */
const count = (expected: string, most: number) =>
  parsed(expected, (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : 0;
    return value >= 1 && value <= most ? value : undefined;
  });

const directory = () => parsed('a directory', (text) => (text.includes('\0') ? undefined : resolve(text)));

const variables = z.object({
  PARLEY_PORT: parsed('a port number, 0 to 65535 (0: any free one)', (text) => {
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
    return port <= 65_535 ? port : undefined;
  }).prefault('8080'),
  PARLEY_HOST: parsed('an address or host name to listen on', (text) =>
    isIP(text) !== 0 || isHostName(text) ? text : undefined,
  ).prefault('127.0.0.1'),
  PARLEY_PUBLIC_URL: url(
    'an http:// or https:// address without path, query or password, like https://parley.example.org',
    ['http:', 'https:'],
    (found) => found.pathname === '/' && found.search === '' && found.hash === '' && found.username === '',
  ).optional(),
  PARLEY_TRUST_PROXY: parsed(
    'addresses or CIDR ranges, separated by commas, like 10.0.0.1,192.168.0.0/16',
    (text) => {
      const proxies = list(text);
      return proxies.every(isAddressOrRange) ? proxies : undefined;
    },
  ).prefault(''),
  PARLEY_DATA_DIR: directory().prefault('./data'),
  DATABASE_URL: url('a PostgreSQL address, like postgresql://parley@db.example.org/parley', [
    'postgres:',
    'postgresql:',
  ])
    .transform(({ href }) => href)
    .optional(),
  REDIS_URL: url('a Redis address, like redis://cache.example.org:6379', ['redis:', 'rediss:'])
    .transform(({ href }) => href)
    .optional(),
  PARLEY_ROLES: parsed(`one or both of ${roles.join(', ')}, separated by commas`, (text) => {
    const wanted = new Set<string>(list(text));
    const known = roles.filter((role) => wanted.delete(role));
    return known.length > 0 && wanted.size === 0 ? new Set(known) : undefined;
  }).prefault(roles.join(',')),
  PARLEY_MASTER_KEY: parsed(
    '32 bytes, as 64 hexadecimal digits or 44 characters of base64',
    readKey,
  ).optional(),
  PARLEY_SETUP_CODE: parsed('8 characters or more', (text) =>
    text.length >= 8 ? text : undefined,
  ).optional(),
  PARLEY_LOG_LEVEL: parsed(`one of ${logLevels.join(', ')}`, (text) =>
    logLevels.find((level) => level === text),
  ).prefault('info'),
  PARLEY_FILE_MAX_BYTES: count('a number of bytes, 1 to 1099511627776 (1 TiB)', 2 ** 40).prefault(
    String(100 * 2 ** 20),
  ),
  PARLEY_FILE_QUOTA_BYTES: count('a number of bytes, 1 to 1125899906842624 (1 PiB)', 2 ** 50).prefault(
    String(2 ** 30),
  ),
  PARLEY_FILE_LINK_DAYS: count('a number of days, 1 to 3650', 3_650).prefault('30'),
  PARLEY_SPOOL_DIR: directory().optional(),
});

type Settings = z.output<typeof variables>;

/**
 * Reads the environment; the only place that does. An empty variable counts as absent.
 * @throws ConfigError with every mistake at once, unknown `PARLEY_` names included.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => name in variables.shape && value !== undefined && value.trim() !== '',
    ),
  );
  const mistakes = Object.keys(env)
    .filter((name) => name.startsWith('PARLEY_') && !(name in variables.shape) && !elsewhere.has(name))
    .map((name) => `${name} is not a variable of Parley’s${didYouMean(name)}`);
  const result = variables.safeParse(given);
  for (const issue of result.error?.issues ?? []) {
    const name = String(issue.path[0]);
    mistakes.push(`${name} is ${quote(name, given[name])}; expected ${issue.message}`);
  }
  const wanted = result.data?.PARLEY_ROLES;
  if (
    result.data?.DATABASE_URL === undefined &&
    given['DATABASE_URL'] === undefined &&
    wanted !== undefined &&
    wanted.size < roles.length
  ) {
    mistakes.push(
      `PARLEY_ROLES is ${quote('PARLEY_ROLES', given['PARLEY_ROLES'])}; expected both roles in one process, since DATABASE_URL is not set and the embedded database belongs to one process`,
    );
  }
  if (result.data === undefined || mistakes.length > 0) throw new ConfigError(mistakes);
  return new Config(result.data);
}

/** Read by the tests, never by the server. */
const elsewhere: ReadonlySet<string> = new Set(['PARLEY_REQUIRE_PEERS']);

function quote(name: string, value: string | undefined): string {
  if (value === undefined) return 'not set';
  if (secret.has(name)) return `set to something else (${String(value.length)} characters, not shown)`;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

function isHostName(text: string): boolean {
  // Digits and dots alone are an address gone wrong.
  if (/^[\d.]+$/.test(text)) return false;
  return text.length <= 253 && /^(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))*\.?$/i.test(text);
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function readKey(text: string): Buffer | undefined {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z\d+/_-]{43}=?$/.test(text)) return undefined;
  return Buffer.from(text, 'base64');
}

function didYouMean(name: string): string {
  const near = Object.keys(variables.shape).find((known) => distance(name, known) <= 2);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** How many letters to add, drop or change (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
