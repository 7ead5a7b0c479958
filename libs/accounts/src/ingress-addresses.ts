import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { acceptsHttp, type AcceptsHttp, type Ingress } from '#connector';
import type { AccountId, LinkId, WorkspaceId } from '#model';
import { Config, Database, logger, publicBase, SecretBox } from '#platform';
import { Connectors } from './connectors.js';
import { ingressRow } from './ingress.store.js';
import { openSecrets } from './link-book.js';

const log = logger('accounts');

/** Nobody finds an address by guessing: 192 bits. */
const secretBytes = 24;

/** What is kept of an address's secret: sealed, to show the address again, and its hash, to know it by. */
export interface IngressSecret {
  readonly seal: Buffer;
  readonly hash: Buffer;
}

/** An account whose provider calls, as the gateway needs it. */
export interface CalledAccount {
  readonly workspace: WorkspaceId;
  readonly link: LinkId;
  readonly connector: AcceptsHttp;
  readonly ingress: Ingress;
}

/** Where providers call accounts: `/in/{account}/{secret}`. */
@Injectable()
export class IngressAddresses {
  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly box: SecretBox,
    private readonly connectors: Connectors,
  ) {}

  /** A new secret for an account; none where its connector is called by nobody. */
  make(connector: string, account: AccountId): IngressSecret | undefined {
    if (!this.connectors.has(connector) || !acceptsHttp(this.connectors.get(connector))) return undefined;
    const secret = randomBytes(secretBytes).toString('base64url');
    return { seal: this.box.seal(secret, contextOf(account)), hash: hashOf(secret) };
  }

  /**
   * The whole address.
   * @param base where we are reached, without a slash at its end; as the configuration has it where nothing is said
   */
  url(account: AccountId, seal: Buffer, base = publicBase(this.config)): string | undefined {
    try {
      const secret = this.box.open(seal, contextOf(account)).toString('utf8');
      return `${base}/in/${account}/${secret}`;
    } catch (err) {
      log.error({ err, account }, 'the address that a provider calls cannot be opened');
      return undefined;
    }
  }

  /**
   * Whom a call is for; undefined for an account that does not exist, that nobody calls, or that this is not the secret of.
   * Every wrong call costs the same comparison.
   * @throws Error when the database is away, or the key that sealed the link's secrets is not here
   */
  async called(account: AccountId, secret: string): Promise<CalledAccount | undefined> {
    const row = await ingressRow(this.database, account);
    const right = timingSafeEqual(hashOf(secret), row?.hash ?? nobody);
    if (!right || !row || !this.connectors.has(row.connector)) return undefined;
    const connector = this.connectors.get(row.connector);
    if (!acceptsHttp(connector)) return undefined;
    return {
      workspace: row.workspace,
      link: row.link,
      connector,
      ingress: { account, settings: row.settings, secrets: openSecrets(this.box, row.link, row.secrets) },
    };
  }
}

function contextOf(account: AccountId): string {
  return `ingress:${account}`;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** The hash of no secret. */
const nobody = Buffer.alloc(32);
