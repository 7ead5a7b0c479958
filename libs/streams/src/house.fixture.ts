/*
 * For specs: the whole house up to this room, on a loopback port, over a database of the test's own, with a network that
 * is written by the test. Everything goes the way it goes in earnest: in by a session or by REST, out by a stream.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Global, Module } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { WebSocket } from 'ws';
import { AccountsModule, ConnectorsModule, SetupCode } from '#accounts';
import { inboxOf, ParleyClient, type InboxState, type Me, type Role, type Scope, type Snapshot } from '#api';
import { BusModule, EventLog } from '#bus';
import { CallLedger, CallsModule } from '#calls';
import { ConversationsModule, Fates } from '#conversations';
import { DeliveryModule, EnvelopeFates, Fence, Gate, OpenGate } from '#delivery';
import { FilesModule } from '#files';
import type { AccountId } from '#model';
import { createHttpAdapter, Database, PlatformModule, readConfig } from '#platform';
import { RosterModule } from '#roster';
import { CallIntake, Leases, LeaseStore, SessionsModule } from '#sessions';
import { OpenStreams } from './open-streams.js';
import { PlayNetwork } from './play.fixture.js';
import { StreamsModule } from './streams.module.js';

@Global()
@Module({
  providers: [
    LeaseStore,
    Leases,
    { provide: Fence, useExisting: Leases },
    { provide: Fates, useClass: EnvelopeFates },
    { provide: CallIntake, useClass: CallLedger },
    { provide: Gate, useClass: OpenGate },
  ],
  exports: [LeaseStore, Leases, Fence, Fates, CallIntake, Gate],
})
class Ports {}

/** Somebody with a token of every scope they may have. */
export interface Somebody {
  readonly me: Me;
  readonly token: string;
  readonly client: ParleyClient;
  readonly password: string;
}

export class House implements AsyncDisposable {
  #people = 0;

  private constructor(
    readonly app: NestFastifyApplication,
    readonly url: string,
    readonly network: PlayNetwork,
    private readonly scratch: string,
  ) {}

  static async open(database: Database): Promise<House> {
    const scratch = mkdtempSync(join(tmpdir(), 'parley-streams-'));
    const config = readConfig({ PARLEY_DATA_DIR: scratch, PARLEY_LOG_LEVEL: 'silent' });
    const network = new PlayNetwork();
    const module = await Test.createTestingModule({
      imports: [
        PlatformModule.forRoot(config),
        BusModule,
        FilesModule,
        ConnectorsModule.forRoot([network.connector]),
        Ports,
        AccountsModule,
        RosterModule,
        ConversationsModule,
        DeliveryModule,
        SessionsModule,
        CallsModule,
        StreamsModule,
      ],
    })
      .overrideProvider(Database)
      .useValue(database)
      .compile();
    const app = module.createNestApplication<NestFastifyApplication>(createHttpAdapter(config), {
      logger: false,
    });
    app.useWebSocketAdapter(new WsAdapter(app));
    await app.listen(0, '127.0.0.1');
    return new House(app, await app.getUrl(), network, scratch);
  }

  get log(): EventLog {
    return this.app.get(EventLog);
  }

  get streams(): OpenStreams {
    return this.app.get(OpenStreams);
  }

  /** A client that holds every answer and frame against its schema. */
  client(token?: string, opened: () => void = () => undefined): ParleyClient {
    return new ParleyClient({
      url: this.url,
      check: true,
      openSocket: (url, headers) => {
        opened();
        return new WebSocket(url, { headers });
      },
      ...(token === undefined ? {} : { token }),
    });
  }

  /** The first person, who is an admin. */
  async setUp(): Promise<Somebody> {
    const code = this.app.get(SetupCode).current() ?? '';
    const { email, password, name } = this.#newcomer();
    const body = { code, name, email, password };
    return this.#somebody(await this.client().call('setup', { body }), password);
  }

  async invite(admin: Somebody, role: Role = 'member'): Promise<Somebody> {
    const { code } = await admin.client.call('createInvitation', { body: { role } });
    const { email, password, name } = this.#newcomer();
    const body = { name, email, password };
    return this.#somebody(await this.client().call('acceptInvitation', { params: { code }, body }), password);
  }

  /** A token of a few scopes; gives its id too, to take it back by. */
  async token(of: Somebody, ...scopes: Scope[]): Promise<{ id: string; token: string }> {
    return await of.client.call('createToken', { body: { label: 'test', scopes } });
  }

  /** An account that is online. */
  async account(of: Somebody, people: readonly Somebody[] = []): Promise<AccountId> {
    const account = await of.client.call('createAccount', {
      body: {
        connector: 'play',
        label: 'mine',
        settings: {},
        people: people.map(({ me }) => me.id),
      },
    });
    await this.network.online(account.id);
    return account.id;
  }

  /** The cookie of a new web session, as a browser sends it. */
  async cookie({ me, password }: Somebody): Promise<string> {
    const response = await fetch(`${this.url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: me.email, password }),
    });
    return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    rmSync(this.scratch, { recursive: true, force: true });
  }

  #newcomer(): { name: string; email: string; password: string } {
    const name = `somebody${String(++this.#people)}`;
    return { name, email: `${name}@example.org`, password: `${name} likes long words` };
  }

  #somebody({ token, me }: { token: string; me: Me }, password: string): Somebody {
    return { me, token, client: this.client(token), password };
  }
}

/** All pages of a snapshot. */
export async function snapshotOf({ client }: Somebody, limit = 50): Promise<[Snapshot, ...Snapshot[]]> {
  const pages: [Snapshot, ...Snapshot[]] = [await client.call('snapshot', { query: { limit } })];
  for (let next = pages[0].next; next !== undefined; next = pages.at(-1)?.next) {
    pages.push(await client.call('snapshot', { query: { limit, next } }));
  }
  return pages;
}

/** What two states must agree on (DESIGN.md, law 4): all but what has no cursor. */
export function comparable(state: InboxState): unknown {
  const { accounts, conversations } = inboxOf(state);
  return {
    accounts,
    conversations: conversations.map(({ peer, mine, ...conversation }) => ({
      ...conversation,
      peer: peer && { ...peer, presence: null },
      // An own message moves its sender's mark without an event, so the mark's version is not known then.
      mine: { ...mine, version: 0 },
    })),
  };
}
