/*
 * For specs: the rooms up to this one, put together over a database of the test's own, with people, accounts and what
 * is said in them. Requests go through the real routes and their guard.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AccountsModule, ConnectorsModule, type Principal } from '#accounts';
import { scopes, type EnvelopeSummary } from '#api';
import { BusModule, createHead, EventLog, type ReaderScope } from '#bus';
import { FilesModule } from '#files';
import { AddressError, type Connector, type JsonObject } from '#connector';
import {
  newId,
  type AccountId,
  type ConversationId,
  type ConversationKind,
  type IdentityId,
  type LinkId,
  type LogEvent,
  type MessageContent,
  type MessageId,
  type Mode,
  type Origin,
  type PersonId,
  type SessionState,
  type WorkspaceId,
} from '#model';
import { Database, PlatformModule, readConfig } from '#platform';
import { Identities, partyKey } from '#roster';
import { ConversationsModule } from './conversations.module.js';
import { Fates } from './fates.js';
import { Positions } from './intake.js';
import { IntakeStore } from './intake.store.js';

/** A network of nicks and #rooms, in small letters. */
const connector: Connector = {
  describe: () => ({
    protocol: 'example',
    name: 'Example',
    mark: 'example',
    settings: { type: 'object' },
    secrets: { type: 'object' },
    capabilities: { direct: 'native', rooms: 'native' },
    abilities: ['has-rooms'],
    flood: { burst: 1, perSecond: 1 },
    observes: 'sent',
    inFlight: { perLane: 1, perLink: 1 },
    losses: [],
  }),
  addresses: {
    parse: (raw) => {
      if (/\s/.test(raw)) throw new AddressError('An address has no spaces.');
      return { value: raw.toLowerCase(), kind: raw.startsWith('#') ? 'stable' : 'transient' };
    },
    kindOf: (address) => (address.startsWith('#') ? 'room' : 'direct'),
    display: (address) => address,
  },
  networkOf: () => 'example:net',
  targetsOf: () => [],
  open: () => {
    throw new Error('nobody connects here');
  },
};

/**
 * A network of numbers, as carriers of text messages are: a conversation's address has our own side behind a slash
 * (`15/70`), several numbers are a group that nobody joins (`15,16/70`), and our own side is the settings' where a person
 * does not say it.
 */
const numbers: Connector = {
  ...connector,
  describe: () => ({ ...connector.describe(), protocol: 'numbers', name: 'Numbers', abilities: [] }),
  addresses: {
    parse: (raw, { own }) => {
      const [others = '', ours = typeof own === 'string' ? own : ''] = raw.split('/');
      if (!/^\d+(,\d+)*$/.test(others)) throw new AddressError('An address consists of numbers.');
      return { value: `${others.split(',').sort().join(',')}/${ours}`, kind: 'reassignable' };
    },
    kindOf: (address) => (address.includes(',') ? 'room' : 'direct'),
    membersOf: (address) =>
      (address.split('/')[0] ?? '').split(',').map((value) => ({ value, kind: 'reassignable' })),
    display: (address) => address,
  },
};

/** Envelopes of messages, as a test wants delivery to know them. */
export class KnownFates extends Fates {
  readonly known = new Map<MessageId, EnvelopeSummary[]>();

  async of(messages: readonly MessageId[]): Promise<Map<MessageId, EnvelopeSummary[]>> {
    return await Promise.resolve(
      new Map(messages.flatMap((id) => (this.known.has(id) ? [[id, this.known.get(id) ?? []]] : []))),
    );
  }

  erase(): Promise<void> {
    return Promise.resolve();
  }
}

@Global()
@Module({
  providers: [KnownFates, { provide: Fates, useExisting: KnownFates }],
  exports: [KnownFates, Fates],
})
class FatesModule {}

export interface Somebody {
  readonly id: PersonId;
  readonly workspace: WorkspaceId;
  readonly token: string;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** What is said in a conversation; by a nick, unless it is our own. */
export interface Said {
  readonly text?: string;
  readonly content?: Omit<MessageContent, 'text'>;
  readonly by?: string;
  readonly person?: PersonId;
  readonly origin?: Origin;
  readonly mode?: Mode;
  readonly kind?: string;
  readonly at?: Date;
}

/** The caller of a service that has no route in this room. */
export function principalOf(somebody: Somebody): Principal {
  const { id, workspace } = somebody;
  return { kind: 'token', id, workspace, person: id, role: 'member', scopes: new Set(scopes) };
}

export class House implements AsyncDisposable {
  readonly database: Database;
  readonly log: EventLog;
  readonly intake: IntakeStore;
  readonly fates: KnownFates;
  readonly #app: NestFastifyApplication;
  #now = Date.UTC(2026, 0, 1);

  private constructor(app: NestFastifyApplication) {
    this.#app = app;
    this.database = app.get(Database);
    this.log = app.get(EventLog);
    this.intake = app.get(IntakeStore);
    this.fates = app.get(KnownFates);
  }

  static async open(database: Database): Promise<House> {
    const config = readConfig({
      DATABASE_URL: 'postgresql://nobody@127.0.0.1/nothing',
      PARLEY_LOG_LEVEL: 'silent',
    });
    const module = await Test.createTestingModule({
      imports: [
        PlatformModule.forRoot(config),
        BusModule,
        FilesModule,
        ConnectorsModule.forRoot([connector, numbers]),
        AccountsModule,
        FatesModule,
        ConversationsModule,
      ],
    })
      .overrideProvider(Database)
      .useValue(database)
      .compile();
    const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return new House(app);
  }

  get<T>(part: abstract new (...args: never[]) => T): T {
    return this.#app.get(part);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }

  async workspace(): Promise<WorkspaceId> {
    const id = newId<'WorkspaceId'>();
    await this.database.transaction(async (sql) => {
      await sql.query(`INSERT INTO workspace (id, name) VALUES ($1, 'Example')`, [id]);
      await createHead(sql, id);
    });
    return id;
  }

  async person(workspace: WorkspaceId, role: 'admin' | 'member' = 'member'): Promise<Somebody> {
    const id = newId<'PersonId'>();
    const token = `parley_${randomBytes(32).toString('base64url')}`;
    await this.database.query(
      `WITH person AS (
         INSERT INTO person (id, email, name, password_hash) VALUES ($1, $2, 'Somebody', 'none')
       ), membership AS (
         INSERT INTO membership (workspace_id, person_id, role) VALUES ($3, $1, $4)
       )
       INSERT INTO token (id, workspace_id, person_id, label, scopes, hash) VALUES ($5, $3, $1, 'test', $6, $7)`,
      [
        id,
        `${id}@example.org`,
        workspace,
        role,
        newId(),
        [...scopes],
        createHash('sha256').update(token).digest(),
      ],
    );
    return { id, workspace, token };
  }

  async account(
    holder: Somebody,
    more: {
      readonly people?: readonly Somebody[];
      readonly session?: SessionState;
      readonly connector?: 'example' | 'numbers';
      readonly settings?: JsonObject;
    } = {},
  ): Promise<{ id: AccountId; link: LinkId }> {
    const id = newId<'AccountId'>();
    const link = newId<'LinkId'>();
    const { connector: spoken = 'example' } = more;
    const session = more.session ?? { state: 'online', localAddress: 'me' };
    await this.database.query(
      `INSERT INTO link (id, workspace_id, connector, settings) VALUES ($1, $2, $3, $4)`,
      [link, holder.workspace, spoken, JSON.stringify(more.settings ?? {})],
    );
    await this.database.query(
      `INSERT INTO account (id, workspace_id, link_id, holder_id, connector, label, network, local_address, session,
         capabilities)
       VALUES ($1, $2, $3, $4, $6, 'mine', 'example:net', 'me', $5, '{"direct":"native"}')`,
      [id, holder.workspace, link, holder.id, JSON.stringify(session), spoken],
    );
    await this.database.query(
      `INSERT INTO account_access (account_id, person_id) SELECT $1, unnest($2::uuid[])`,
      [id, [holder, ...(more.people ?? [])].map((person) => person.id)],
    );
    return { id, link };
  }

  /** A conversation as an inbound event makes one. */
  async conversation(workspace: WorkspaceId, account: AccountId, address: string): Promise<ConversationId> {
    const kind: ConversationKind = address.startsWith('#') ? 'room' : 'direct';
    const identity = kind === 'direct' ? await this.identity(account, address) : undefined;
    const made = await this.database.transaction(async (sql) => {
      const ask = { account, kind, address, ...(identity !== undefined && { identity }) };
      const { found, events } = await this.intake.resolve(sql, workspace, [ask]);
      await this.log.append(sql, workspace, events);
      return [...found.values()][0];
    });
    if (made === undefined) throw new Error('no conversation was made');
    return made;
  }

  async identity(account: AccountId, address: string): Promise<IdentityId> {
    const { found } = await this.database.transaction(
      async (sql) =>
        await this.get(Identities).resolve(sql, [{ account, address, kind: 'transient', name: address }]),
    );
    const identity = found.get(partyKey(account, address));
    if (identity === undefined) throw new Error('no identity was made');
    return identity;
  }

  /** Takes messages in as the hot path does: one transaction for all of them. A second passes before each. */
  async say(conversation: ConversationId, ...said: readonly Said[]): Promise<MessageId[]> {
    const [row] = await this.database.query<{ workspace_id: WorkspaceId; account_id: AccountId }>(
      `SELECT workspace_id, account_id FROM conversation WHERE id = $1`,
      [conversation],
    );
    if (row === undefined) throw new Error('no such conversation');
    const { workspace_id: workspace, account_id: account } = row;
    const authors = new Map<string, IdentityId>();
    for (const { by = 'bob', origin = 'remote' } of said) {
      if (origin === 'remote' && !authors.has(by)) authors.set(by, await this.identity(account, by));
    }
    const ids = said.map(() => newId<'MessageId'>());
    const { last } = await this.database.transaction(async (sql) => {
      const locked = await this.intake.lock(sql, [conversation]);
      const positions = new Positions(locked.values());
      const rows = said.map((each, index) => {
        const { by = 'bob', origin = 'remote', mode = 'live', kind = 'message', text = 'hello' } = each;
        const at = each.at ?? new Date((this.#now += 1_000));
        const author = origin === 'remote' ? authors.get(by) : undefined;
        return {
          id: ids[index] ?? newId<'MessageId'>(),
          event: newId<'EventId'>(),
          account,
          conversation,
          position: positions.next(conversation, at, mode),
          ...(author !== undefined && { author }),
          ...(each.person !== undefined && { person: each.person }),
          origin,
          mode,
          kind,
          content: { text, ...each.content },
          at,
        };
      });
      const events = rows.map((each) => ({
        id: each.event,
        type: 'message.created' as const,
        audience: { kind: 'account' as const, account },
        subject: each.id,
        data: { message: each.id, conversation },
      }));
      return await this.log.append(sql, workspace, events, this.intake.messages(rows));
    });
    this.log.committed(workspace, last);
    return ids;
  }

  async ask<T>(
    who: Somebody,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    body?: object,
  ): Promise<Answer<T>> {
    const response = await this.#app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${who.token}` },
      ...(body !== undefined && { payload: body }),
    });
    return {
      status: response.statusCode,
      body: (response.body === '' ? undefined : JSON.parse(response.body)) as T,
    };
  }

  /** What a reader with these rights is told after a number of the log. */
  async events(workspace: WorkspaceId, after: bigint, scope: ReaderScope): Promise<LogEvent[]> {
    return await this.log.page(workspace, after, 1_000, scope);
  }

  async head(workspace: WorkspaceId): Promise<bigint> {
    return (await this.log.head(workspace)).sequence;
  }
}
