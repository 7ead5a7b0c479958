import { Injectable } from '@nestjs/common';
import { Signals, type JsonLike } from '#bus';
import type { DesiredState, JsonObject, Target } from '#connector';
import {
  newId,
  type AccountId,
  type Capabilities,
  type LinkId,
  type NewEvent,
  type PersonId,
  type SessionState,
  type WorkspaceId,
} from '#model';
import { Database, logger, SecretBox, type Sql } from '#platform';
import { linkColumns, type LinkRow, type OnUnknown } from './account.rows.js';
import { Connectors } from './connectors.js';
import { desiredState, type DesiredRow } from './desired.store.js';

/** The channel on which changes of a link are told: `{link}`. */
export const linksChannel = 'links';

/** A link that should be alive somewhere. */
export interface WantedLink {
  readonly link: LinkId;
  readonly workspace: WorkspaceId;
  readonly connector: string;
  /** Where it connects to; connects to one host are paced. */
  readonly targets: readonly Target[];
}

/** An account as the session of its link is given it. */
export interface LinkAccount {
  readonly id: AccountId;
  readonly holder: PersonId;
  /** Whether it should be connected. */
  readonly wanted: boolean;
  readonly localAddress: string | null;
  readonly desired: DesiredState;
  readonly onUnknown: OnUnknown;
  /** The sealed secret of the address that its provider calls, where one calls. */
  readonly ingress: Buffer | undefined;
}

export interface LoadedLink extends LinkRow {
  readonly accounts: readonly LinkAccount[];
}

/** Where an account's session stands and what it can do, as a worker tells it; what is not said stays as it is. */
export interface SessionReport {
  readonly account: AccountId;
  readonly state?: SessionState;
  readonly localAddress?: string;
  readonly capabilities?: Capabilities;
}

/** Links that one statement reads: a long read runs in slices. */
const LOADED_AT_ONCE = 200;

const log = logger('accounts');

/** What workers need to know of links, and what they tell back. */
@Injectable()
export class LinkBook {
  /** Targets by link, for the version they were read at: a poll need not read every link's settings again. */
  #targets = new Map<LinkId, { readonly version: number; readonly targets: readonly Target[] }>();

  constructor(
    private readonly database: Database,
    private readonly box: SecretBox,
    private readonly signals: Signals,
    private readonly connectors: Connectors,
  ) {}

  /** Links with at least one account that should be connected. Links of protocols that are not built in are left out. */
  async wantedLinks(): Promise<WantedLink[]> {
    const rows = await this.database.query<Omit<WantedLink, 'targets'> & { version: number }>(
      `SELECT l.id AS link, l.workspace_id AS workspace, l.connector, l.version FROM link l
       WHERE EXISTS (SELECT FROM account a WHERE a.link_id = l.id AND a.wanted) ORDER BY l.id`,
    );
    const known = rows.filter(({ connector }) => this.connectors.has(connector));
    const targets = await this.targetsOf(known);
    return known.map(({ link, workspace, connector }) => ({
      link,
      workspace,
      connector,
      targets: targets.get(link) ?? [],
    }));
  }

  /** Links with all of their accounts and what is wanted of each; those that are gone are left out. */
  async load(links: readonly LinkId[]): Promise<Map<LinkId, LoadedLink>> {
    const found = new Map<LinkId, LoadedLink>();
    for (let from = 0; from < links.length; from += LOADED_AT_ONCE) {
      for (const link of await this.loadSome(links.slice(from, from + LOADED_AT_ONCE)))
        found.set(link.id, link);
    }
    return found;
  }

  private async loadSome(links: readonly LinkId[]): Promise<LoadedLink[]> {
    type Row = LinkRow & {
      accounts: (Omit<LinkAccount, 'desired' | 'ingress'> & {
        desired: DesiredRow[];
        ingress: string | null;
      })[];
    };
    const rows = await this.database.query<Row>(
      `SELECT ${linkColumns}, coalesce((
         SELECT jsonb_agg(jsonb_build_object(
           'id', a.id, 'holder', a.holder_id, 'wanted', a.wanted, 'localAddress', a.local_address, 'onUnknown', a.on_unknown,
           'ingress', encode(a.ingress_seal, 'base64'),
           'desired', coalesce((
             SELECT jsonb_agg(jsonb_build_object('kind', d.kind, 'address', d.address, 'options', d.options)
                              ORDER BY d.kind, d.address)
             FROM desired d WHERE d.account_id = a.id), '[]'::jsonb)) ORDER BY a.id)
         FROM account a WHERE a.link_id = l.id), '[]'::jsonb) AS accounts
       FROM link l WHERE l.id = ANY($1::uuid[])`,
      [links],
    );
    return rows.map((row) => ({
      ...row,
      accounts: row.accounts.map(({ desired, ingress, ...account }) => ({
        ...account,
        desired: desiredState(desired),
        ingress: ingress === null ? undefined : Buffer.from(ingress, 'base64'),
      })),
    }));
  }

  /**
   * A link's secrets, opened. Not to be kept longer than needed, never to be logged.
   * @throws Error when the key that sealed them is not here.
   */
  async openSecrets(link: LinkId): Promise<Record<string, string>> {
    const [row] = await this.database.query<{ secrets: Buffer | null }>(
      'SELECT secrets FROM link WHERE id = $1',
      [link],
    );
    return openSecrets(this.box, link, row?.secrets ?? null);
  }

  /**
   * Writes down where sessions stand: one statement, for as many accounts as reported. Gives the events for the
   * caller's append; an account that is gone, or of which nothing new was said, has none.
   */
  async saveSession(sql: Sql, reports: readonly SessionReport[]): Promise<NewEvent[]> {
    if (reports.length === 0) return [];
    // The last word on an account counts.
    const latest = new Map<AccountId, SessionReport>();
    for (const report of reports) {
      const before = latest.get(report.account);
      latest.set(report.account, { ...before, ...report });
    }
    const rows = [...latest.values()].map(({ account, state, localAddress, capabilities }) => ({
      id: account,
      session: state ?? null,
      local_address: localAddress ?? (state?.state === 'online' ? state.localAddress : null),
      capabilities: capabilities ?? null,
    }));
    const changed = await sql.query<{ id: AccountId; version: number; session: SessionState }>(
      `WITH report AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, session jsonb, local_address text, capabilities jsonb)
       ), held AS MATERIALIZED (
         SELECT a.id FROM account a WHERE a.id IN (SELECT id FROM report) ORDER BY a.id FOR UPDATE
       )
       UPDATE account a SET
         session = coalesce(report.session, a.session),
         session_at = CASE WHEN a.session = coalesce(report.session, a.session) THEN a.session_at ELSE now() END,
         local_address = coalesce(report.local_address, a.local_address),
         capabilities = coalesce(report.capabilities, a.capabilities),
         version = a.version + 1
       FROM report JOIN held USING (id)
       WHERE a.id = report.id AND (
         a.session IS DISTINCT FROM coalesce(report.session, a.session)
         OR a.local_address IS DISTINCT FROM coalesce(report.local_address, a.local_address)
         OR a.capabilities IS DISTINCT FROM coalesce(report.capabilities, a.capabilities))
       RETURNING a.id, a.version, a.session`,
      [JSON.stringify(rows)],
    );
    return changed.map(({ id, version, session }) => ({
      id: newId(),
      type: 'session.changed',
      audience: { kind: 'account', account: id },
      subject: id,
      data: { version, state: session.state, ...('code' in session ? { code: session.code } : {}) },
    }));
  }

  /**
   * Call after the commit of a change of a link, its accounts or what is wanted of them: sessions read it again.
   * @param connect an account whose session should try at once, whatever it waits for.
   */
  changed(link: LinkId, connect?: AccountId): void {
    this.signals.publish(linksChannel, { link, connect });
  }

  /** Hears of changed links; no link means that any of them may have. */
  onChanged(heard: (link: LinkId | undefined, connect: AccountId | undefined) => void): () => void {
    return this.signals.subscribe(linksChannel, (payload) => {
      heard(
        textOf(payload, 'link') as LinkId | undefined,
        textOf(payload, 'connect') as AccountId | undefined,
      );
    });
  }

  private async targetsOf(
    links: readonly { readonly link: LinkId; readonly connector: string; readonly version: number }[],
  ): Promise<Map<LinkId, readonly Target[]>> {
    const before = this.#targets;
    const stale = links.filter(({ link, version }) => before.get(link)?.version !== version);
    const read = new Map<LinkId, { version: number; targets: readonly Target[] }>();
    if (stale.length > 0) {
      const rows = await this.database.query<{
        id: LinkId;
        connector: string;
        version: number;
        settings: JsonObject;
      }>('SELECT id, connector, version, settings FROM link WHERE id = ANY($1::uuid[])', [
        stale.map(({ link }) => link),
      ]);
      for (const { id, connector, version, settings } of rows) {
        read.set(id, { version, targets: this.targets(id, connector, settings) });
      }
    }
    this.#targets = new Map(
      links.flatMap(({ link }) => {
        const known = read.get(link) ?? before.get(link);
        return known ? [[link, known] as const] : [];
      }),
    );
    return new Map([...this.#targets].map(([link, { targets }]) => [link, targets]));
  }

  /** Settings that an older build accepted may be beyond this one: such a link still gets its session, which says so. */
  private targets(link: LinkId, connector: string, settings: JsonObject): readonly Target[] {
    try {
      return this.connectors.get(connector).targetsOf(settings);
    } catch (err) {
      log.warn({ err, link, connector }, 'the targets of a link cannot be told');
      return [];
    }
  }
}

/** What a secret of a link is sealed to. */
export function secretContext(link: LinkId): string {
  return `link:${link}`;
}

export function openSecrets(box: SecretBox, link: LinkId, sealed: Buffer | null): Record<string, string> {
  if (sealed === null) return {};
  return JSON.parse(box.open(sealed, secretContext(link)).toString('utf8')) as Record<string, string>;
}

export function sealSecrets(
  box: SecretBox,
  link: LinkId,
  secrets: Readonly<Record<string, string>>,
): Buffer | null {
  return Object.keys(secrets).length === 0 ? null : box.seal(JSON.stringify(secrets), secretContext(link));
}

function textOf(payload: JsonLike | undefined, field: string): string | undefined {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return undefined;
  const value = (payload as Readonly<Record<string, JsonLike | undefined>>)[field];
  return typeof value === 'string' ? value : undefined;
}
