import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { Database, Problem } from '#platform';

const windowSeconds = 15 * 60;
/** Wrong guesses within a quarter of an hour: at one person's door, and from one client. */
const triesPerAccount = 10;
const triesPerAddress = 50;

/** One guess, counted before it is looked at, so that many at once count like many in a row. */
export interface Attempt {
  /** It was right: it does not count, and neither does what was guessed before at this door. */
  succeeded(): Promise<void>;
}

/** Counts guesses at passwords and codes, over all gateways, in a table. */
@Injectable()
export class SignInLimits {
  readonly #accounts: RateLimiterPostgres;
  readonly #addresses: RateLimiterPostgres;

  constructor(database: Database) {
    const common = {
      storeClient: clientOf(database),
      storeType: 'client',
      tableName: 'sign_in_limit',
      tableCreated: true,
      duration: windowSeconds,
    };
    this.#accounts = new RateLimiterPostgres({ ...common, keyPrefix: 'account', points: triesPerAccount });
    this.#addresses = new RateLimiterPostgres({
      ...common,
      keyPrefix: 'address',
      points: triesPerAddress,
      // One of the two sweeps the table.
      clearExpiredByTimeout: false,
    });
  }

  /**
   * Counts a guess. `door` names what is guessed at, such as an email address; without it only the client counts.
   * @param address the client's, as the trusted proxies tell it.
   * @throws Problem 429 `too-many-attempts` with the seconds to wait
   */
  async attempt(door: string | undefined, address: string): Promise<Attempt> {
    const client = clientKey(address);
    await consume(this.#addresses, client);
    const key = door === undefined ? undefined : createHash('sha256').update(door).digest('base64url');
    if (key !== undefined) await consume(this.#accounts, key);
    return {
      succeeded: async () => {
        if (key !== undefined) await this.#accounts.delete(key);
        await this.#addresses.reward(client, 1);
      },
    };
  }
}

async function consume(limiter: RateLimiterPostgres, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw new Problem(429, 'too-many-attempts', 'Too many attempts. Wait a while, then try again.', {
      retryAfterSeconds: Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)),
    });
  }
}

/** One client: an IPv4 address, or the /64 that one IPv6 customer has at least. */
function clientKey(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  return `${parsed
    .toByteArray()
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')}/64`;
}

/** The database as the limiter wants it: its own result shape, and an int8 that it can subtract from. */
function clientOf(database: Database): {
  query(ask: { text: string; values?: readonly unknown[] }): Promise<{ rows: object[]; rowCount: number }>;
} {
  return {
    async query({ text, values }) {
      const rows = await database.query<Record<string, unknown>>(text, values ?? []);
      const plain = rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            typeof value === 'bigint' ? Number(value) : value,
          ]),
        ),
      );
      return { rows: plain, rowCount: rows.length };
    },
  };
}
