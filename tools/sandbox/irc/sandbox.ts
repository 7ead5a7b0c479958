/* The sandbox as a test or a demo holds it: a server to connect to, and everything that can be done to it. */
import type { Client, Mischief } from './client.js';
import { leaf, netjoin, netsplit, populate, type Lost } from './crowd.js';
import { Door } from './door.js';
import { moveMark } from './marks.js';
import type { SandboxAccount, SandboxOptions, TokenValue } from './options.js';
import { isupport } from './registration.js';
import { SandboxClient } from './sandbox-client.js';
import { signIn } from './sasl.js';
import { World, type Account } from './world.js';
import { until } from '../until.js';

/** Why whoever comes is sent away, as servers put it. */
const refusals = {
  'k-line': 'K-Lined: no thank you',
  throttle: 'Trying to reconnect too fast.',
  full: 'No more connections allowed in your connection class',
  'too-many': 'Too many connections from your host',
} as const;

export type Refusal = keyof typeof refusals;

/** Starts an IRC server on loopback. It lives in this process until it is disposed of. */
export async function startSandboxIrc(options: SandboxOptions = {}): Promise<SandboxIrc> {
  const sandbox = new SandboxIrc(options);
  await sandbox.start();
  return sandbox;
}

export class SandboxIrc implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #options: SandboxOptions;
  #world: World;
  #door: Door;
  readonly #handles = new WeakMap<Client, SandboxClient>();
  #split: Lost[] = [];
  #intercept: ((line: string, client: SandboxClient) => boolean) | undefined;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#world = new World(options);
    this.#door = new Door(this.#world);
  }

  get port(): number {
    return this.#door.port;
  }

  /** Where TLS is spoken, if it is; 0 otherwise. */
  get tlsPort(): number {
    return this.#door.tlsPort;
  }

  get name(): string {
    return this.#world.name;
  }

  // ---- who is there, and what they said ----

  /** Every client that has come since the start, the gone ones too. */
  get clients(): readonly SandboxClient[] {
    return this.#door.comers.map((client) => this.#handle(client));
  }

  /** Waits for a registered client of this nick. */
  async client(nick: string, deadlineMs?: number): Promise<SandboxClient> {
    return until(
      `${nick} is registered`,
      () => this.clients.find((one) => one.isRegistered && !one.isClosed && one.nick === nick),
      deadlineMs,
    );
  }

  /** Waits for the n-th client that comes (from 1), registered or not. */
  async comer(number: number, deadlineMs?: number): Promise<SandboxClient> {
    return until(`client ${String(number)} has come`, () => this.clients[number - 1], deadlineMs);
  }

  /** Every line that was received, in the order of clients. */
  get log(): readonly string[] {
    return this.clients.flatMap(({ lines }) => lines);
  }

  /** Nicks in a channel, with their marks. */
  members(channel: string): readonly string[] {
    const found = this.#world.channel(channel);
    if (found === undefined) return [];
    return [...found.members.keys()].map((user) => this.#world.marksOf(found, user, true) + user.nick);
  }

  // ---- what the server is ----

  /** Offers a capability from now on (CAP NEW), or with another value. */
  offer(cap: string, value?: string): void {
    this.#world.caps.set(cap, value ?? this.#world.capValue(cap));
    this.#capNews('NEW', cap);
  }

  /** Offers a capability no more (CAP DEL). */
  withdraw(cap: string): void {
    this.#world.caps.delete(cap);
    this.#capNews('DEL', cap);
    for (const client of this.#world.clients) client.caps.delete(cap);
  }

  /** Changes what the server says and does (ISUPPORT), and tells everybody; `false` takes a token away. */
  setTokens(tokens: Readonly<Record<string, TokenValue>>): void {
    for (const [name, value] of Object.entries(tokens)) {
      if (value === false) this.#world.tokens.delete(name);
      else this.#world.tokens.set(name, value);
    }
    for (const client of this.#world.clients) {
      if (client.isRegistered) isupport(this.#world, client, Object.keys(tokens));
    }
  }

  addAccount(account: SandboxAccount): void {
    this.#world.addAccount(account);
  }

  /** Signs a client in or out, as services do on their own. */
  signIn(nick: string, account: string | undefined): void {
    const client = this.#present(nick);
    const found = account === undefined ? undefined : this.#world.accounts.get(this.#world.fold(account));
    signIn(
      this.#world,
      client,
      found ?? (account === undefined ? undefined : this.#world.addAccount({ name: account })),
    );
  }

  /** Gives somebody another user name or host (chghost; 396 for themselves). */
  changeHost(nick: string, username: string, host: string): void {
    const user = this.#world.user(nick);
    if (user === undefined) throw new Error(`${nick} is not there`);
    const line = this.#world.from(user, 'CHGHOST', [username, host]);
    this.#world.announce(user, 'chghost', line);
    const before = user.mask;
    user.username = username;
    user.host = host;
    if (user.can('chghost')) user.deliver(line);
    user.deliver({
      source: this.name,
      command: '396',
      params: [user.nick, host, 'is now your displayed host'],
    });
    // chghost, "Fallback": those who do not know the line see somebody come back.
    for (const channel of user.channels) {
      for (const member of channel.listeners) {
        if (member === user || member.can('chghost')) continue;
        member.deliver({ source: before, command: 'QUIT', params: ['Changing host'] });
        member.deliver({ source: user.mask, command: 'JOIN', params: [channel.name] });
        const ranks = [...(channel.members.get(user) ?? [])];
        if (ranks.length > 0) {
          member.deliver(
            this.#world.own('MODE', channel.name, `+${ranks.join('')}`, ...ranks.map(() => user.nick)),
          );
        }
      }
    }
  }

  /** How far an account has read (draft/read-marker). */
  readMark(account: string, target: string): Date | undefined {
    const at = this.#account(account).marks.get(this.#world.fold(target));
    return at === undefined ? undefined : new Date(at);
  }

  /** Another device of an account has read on. */
  moveReadMark(account: string, target: string, upTo: Date): void {
    const { name } = this.#account(account);
    moveMark(this.#world, name, target, upTo.getTime());
  }

  // ---- crowds and netsplits ----

  /** Puts people who never speak into a channel, on another server of the network: `name` and a number are their nicks. */
  populate(
    channel: string,
    count: number,
    options: { readonly name?: string; readonly server?: string } = {},
  ): void {
    populate(this.#world, channel, count, options);
  }

  /** Another server is lost with all who are on it: one batch of QUITs (netsplit). */
  netsplit(server = leaf): void {
    this.#split.push(...netsplit(this.#world, server));
  }

  /** The lost server comes back with all who were on it: one batch of JOINs (netjoin). */
  netjoin(server = leaf): void {
    netjoin(this.#world, server, this.#split.splice(0));
  }

  // ---- faults ----

  /** Sends away whoever comes from now on; undefined lets them in again. */
  refuse(why: Refusal | undefined, words?: string): void {
    this.#world.refusal = why === undefined ? undefined : (words ?? refusals[why]);
  }

  /** Looks at every line first; true when it has dealt with it, and the server shall not. */
  intercept(look: ((line: string, client: SandboxClient) => boolean) | undefined): void {
    this.#intercept = look;
    this.#world.intercept = (line, client) => this.#intercept?.(line, this.#handle(client)) === true;
  }

  /** What the whole server does wrong from now on. */
  misbehave(mischief: Mischief & { readonly scramLies?: boolean }): void {
    this.#world.mischief = mischief;
    this.#world.scramLies = mischief.scramLies === true;
  }

  /** Services go (CAP DEL sasl, NickServ is not there) or come back (CAP NEW sasl). */
  services(areHere: boolean): void {
    if (this.#world.servicesAreHere === areHere) return;
    this.#world.servicesAreHere = areHere;
    if (!this.#world.caps.has('sasl')) return;
    this.#capNews(areHere ? 'NEW' : 'DEL', 'sasl');
    if (!areHere) for (const client of this.#world.clients) client.caps.delete('sasl');
  }

  /** Ends everything: the ports refuse, all connections are cut. */
  async stop(): Promise<void> {
    await this.#door.shut();
  }

  /** Comes up again on the same ports, with accounts, history and read marks, and nobody there. */
  async start(): Promise<void> {
    const before = this.#world;
    const [port, tlsPort] = [this.#door.port, this.#door.tlsPort];
    const world = new World(this.#options, before);
    this.#world = world;
    this.#door = new Door(world, this.#door.comers);
    this.#door.port = port === 0 ? this.#door.port : port;
    this.#door.tlsPort = tlsPort === 0 ? this.#door.tlsPort : tlsPort;
    await this.#door.open();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #handle(client: Client): SandboxClient {
    const handle = this.#handles.get(client) ?? new SandboxClient(client, () => this.#world);
    this.#handles.set(client, handle);
    return handle;
  }

  #account(name: string): Account {
    const found = this.#world.accounts.get(this.#world.fold(name));
    if (found === undefined) throw new Error(`there is no account ${name}`);
    return found;
  }

  #present(nick: string): Client {
    const found = [...this.#world.clients].find((one) => one.isRegistered && one.nick === nick);
    if (found === undefined) throw new Error(`${nick} is not there`);
    return found;
  }

  #capNews(verb: 'NEW' | 'DEL', cap: string): void {
    for (const client of this.#world.clients) {
      if (!client.can('cap-notify')) continue;
      const value = this.#world.caps.get(cap) ?? '';
      const shown = verb === 'NEW' && client.capVersion >= 302 && value !== '' ? `${cap}=${value}` : cap;
      client.deliver(this.#world.own('CAP', client.nick, verb, shown));
    }
  }
}
