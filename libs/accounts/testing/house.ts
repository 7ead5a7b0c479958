import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AccountsModule, ConnectorsModule, Resolver, SetupCode } from '#accounts';
import { BusModule } from '#bus';
import type { Connector } from '#connector';
import { FilesModule } from '#files';
import { Clock, createHttpAdapter, Database, PlatformModule, readConfig } from '#platform';
import { paperConnector } from './paper.connector.js';

/** What a test may ask for beyond the usual. */
export interface HouseOptions {
  /** Variables as in the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly connectors?: readonly Connector[];
  /**
   * What host names resolve to, besides `paper.example.org`, which is somewhere public. Another name does not exist; an
   * address is itself. Nothing connects there.
   */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** Whether the database outlives the house: several houses on one, at once or one after another. */
  readonly lent?: boolean;
  /** Called before the application begins: adapters of rooms above. */
  readonly prepare?: (app: NestFastifyApplication) => void;
  /** Modules of rooms above. */
  readonly rooms?: readonly Type[];
}

/** How a test asks: as somebody, by token or cookie, with a body. */
export interface Asking {
  readonly token?: string;
  readonly cookie?: string;
  readonly body?: unknown;
  /** Sent as it is, instead of a body; its Content-Type is among the headers. */
  readonly payload?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the request seems to come from. */
  readonly from?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  /** Parsed; undefined where there is none, or it is no JSON. */
  readonly body: unknown;
  /** As it was sent. */
  readonly text: string;
}

/** Somebody with a token of every scope they may have. */
export interface Somebody {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly workspace: string;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A server without a socket: the real guard, filter and tables, asked in one's own process. */
export class House implements AsyncDisposable {
  #people = 0;

  constructor(
    readonly app: NestFastifyApplication,
    readonly database: Database,
    private readonly scratch: string,
  ) {}

  async ask(method: Method, path: string, asking: Asking = {}): Promise<Answer> {
    const { token, cookie, body, payload, headers, from } = asking;
    const response = await this.app.inject({
      method,
      url: path,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      ...(payload === undefined ? {} : { payload }),
      ...(from === undefined ? {} : { remoteAddress: from }),
    });
    const text = response.payload;
    return {
      status: response.statusCode,
      headers: response.headers,
      body:
        isJson(response.headers['content-type']) && text !== '' ? (JSON.parse(text) as unknown) : undefined,
      text,
    };
  }

  /** As `ask`, for an answer that has to be good; gives its body. */
  async get<T>(method: Method, path: string, asking: Asking = {}): Promise<T> {
    const answer = await this.ask(method, path, asking);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${String(answer.status)} ${answer.text}`);
    return answer.body as T;
  }

  /** Sets the house up; somebody is its first admin. */
  async setUp(name = 'Alice'): Promise<Somebody> {
    const { email, password } = this.newcomer(name);
    const code = this.app.get(SetupCode).current();
    const body = { code, name, email, password };
    return somebody(email, password, await this.get<Admitted>('POST', '/v1/setup', { body }));
  }

  /** Invites somebody new and lets them in. */
  async invite(admin: Somebody, role: 'admin' | 'member', name = 'Bob'): Promise<Somebody> {
    const invitation = await this.get<{ code: string }>('POST', '/v1/invitations', {
      token: admin.token,
      body: { role },
    });
    const { email, password } = this.newcomer(name);
    const body = { name, email, password };
    const path = `/v1/invitations/${invitation.code}/accept`;
    return somebody(email, password, await this.get<Admitted>('POST', path, { body }));
  }

  /** A new workspace of a new admin, as if on another floor: nobody here knows anybody there. */
  async elsewhere(admin: Somebody, name = 'Carol'): Promise<Somebody> {
    const carol = await this.invite(admin, 'admin', name);
    const { id } = await this.get<{ id: string }>('POST', '/v1/workspaces', {
      token: carol.token,
      body: { name: `${name} elsewhere` },
    });
    const cookie = await this.signIn(carol, id);
    const { token } = await this.get<{ token: string }>('POST', '/v1/tokens', {
      cookie,
      headers: { origin: 'http://localhost:80' },
      body: { label: 'test', scopes: ['read', 'send', 'accounts', 'me', 'admin'] },
    });
    await this.get('DELETE', `/v1/people/${carol.id}`, { token: admin.token });
    return { ...carol, token, workspace: id };
  }

  /** Signs somebody in; gives the cookie as a browser sends it. */
  async signIn(who: Pick<Somebody, 'email' | 'password'>, workspace?: string): Promise<string> {
    const { email, password } = who;
    const body = { email, password, ...(workspace === undefined ? {} : { workspace }) };
    const answer = await this.ask('POST', '/v1/session', { body });
    if (answer.status !== 201) throw new Error(`no session: ${answer.text}`);
    return String(answer.headers['set-cookie']).split(';')[0] ?? '';
  }

  private newcomer(name: string): { email: string; password: string } {
    const email = `${name.toLowerCase()}.${String(++this.#people)}@example.org`;
    return { email, password: `${name} likes long words` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Opens a house on a migrated database, which goes when the house goes unless it is lent. */
export async function openHouse(database: Database, options: HouseOptions = {}): Promise<House> {
  const scratch = mkdtempSync(join(tmpdir(), 'parley-house-'));
  const config = readConfig({ PARLEY_DATA_DIR: scratch, PARLEY_LOG_LEVEL: 'silent', ...options.env });
  const hosts = { 'paper.example.org': ['8.8.8.8'], ...options.hosts };
  const building = Test.createTestingModule({
    imports: [
      PlatformModule.forRoot(config),
      BusModule,
      FilesModule,
      ConnectorsModule.forRoot(options.connectors ?? [paperConnector]),
      AccountsModule,
      ...(options.rooms ?? []),
    ],
  })
    .overrideProvider(Database)
    .useValue(options.lent ? lent(database) : database)
    .overrideProvider(Resolver)
    .useValue(resolverOf(hosts));
  if (options.clock) building.overrideProvider(Clock).useValue(options.clock);
  const built = await building.compile();
  const app = built.createNestApplication<NestFastifyApplication>(createHttpAdapter(config));
  options.prepare?.(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return new House(app, database, scratch);
}

function isJson(type: unknown): boolean {
  return /^application\/([a-z]+\+)?json(;|$)/.test(String(type));
}

interface Admitted {
  readonly token: string;
  readonly me: { readonly id: string; readonly workspace: { readonly id: string } };
}

function somebody(email: string, password: string, { token, me }: Admitted): Somebody {
  return { id: me.id, email, password, token, workspace: me.workspace.id };
}

/** The database as somebody has it who may not close it. */
function lent(database: Database): Database {
  return new Proxy(database, {
    get(target, name) {
      if (name === 'onApplicationShutdown' || name === 'close') return () => Promise.resolve();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function resolverOf(hosts: Readonly<Record<string, readonly string[]>>): Resolver {
  return {
    addressesOf(host) {
      const found = hosts[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : undefined);
      return found ? Promise.resolve(found) : Promise.reject(new Error(`ENOTFOUND ${host}`));
    },
  };
}
