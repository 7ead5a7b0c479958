/* The sandbox as a test or a demo holds it: a server to connect to, and everything that can be done to it. */
import type { Connection } from './connection.js';
import { Door } from './door.js';
import { write, type Element } from './element.js';
import { SandboxObserver } from './observer.js';
import type { Mischief, SandboxXmppAccount, SandboxXmppFeature, SandboxXmppOptions } from './options.js';
import { endSession } from './presence.js';
import { route } from './routing.js';
import { SandboxXmppClient } from './sandbox-client.js';
import { World, type Refusal } from './world.js';
import { until } from '../until.js';

/** Starts an XMPP server on loopback. It lives in this process until it is disposed of. */
export async function startSandboxXmpp(options: SandboxXmppOptions = {}): Promise<SandboxXmpp> {
  const sandbox = new SandboxXmpp(options);
  await sandbox.start();
  return sandbox;
}

export class SandboxXmpp implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #options: SandboxXmppOptions;
  readonly #clients: SandboxXmppClient[] = [];
  readonly #observers: SandboxObserver[] = [];
  #world: World;
  #door: Door;
  #intercept: ((stanza: string, client: SandboxXmppClient) => boolean) | undefined;

  constructor(options: SandboxXmppOptions) {
    this.#options = options;
    this.#world = new World(options);
    this.#door = this.#doorOf(this.#world);
  }

  get port(): number {
    return this.#door.port;
  }

  /** Where TLS is spoken from the first byte on, if it is; 0 otherwise. */
  get tlsPort(): number {
    return this.#door.tlsPort;
  }

  get domain(): string {
    return this.#world.domain;
  }

  /** Where rooms are. */
  get roomDomain(): string {
    return this.#world.roomDomain;
  }

  // ---- who is there, and what they said ----

  /** Every connection since the start, the gone ones too, in the order in which they came. */
  get clients(): readonly SandboxXmppClient[] {
    return this.#clients;
  }

  /** Waits for the connection of somebody who has bound a resource: the latest, if there are several. */
  async client(name: string, deadlineMs?: number): Promise<SandboxXmppClient> {
    return until(
      `${name} is online`,
      () =>
        this.#clients.findLast((one) => one.account === name && one.address !== undefined && !one.isClosed),
      deadlineMs,
    );
  }

  /** Waits for the n-th connection (from 1), signed in or not. */
  async comer(number: number, deadlineMs?: number): Promise<SandboxXmppClient> {
    return until(`client ${String(number)} has come`, () => this.#clients[number - 1], deadlineMs);
  }

  /** Somebody without a socket, available at once. Their account is made if there is none. */
  observer(name: string, resource = 'observer'): SandboxObserver {
    const observer = new SandboxObserver(this.#world, name, resource);
    this.#observers.push(observer);
    return observer;
  }

  /** Nicks in a room. */
  members(room: string): readonly string[] {
    return [...(this.#world.rooms.get(room)?.occupants.keys() ?? [])];
  }

  /** What is kept of an account or a room, oldest first. */
  archive(address: string): readonly Element[] {
    const kept = this.#world.rooms.get(address)?.archive ?? this.#world.account(address)?.archive;
    return kept?.kept.map(({ message }) => message) ?? [];
  }

  /** How many sessions an account has, the cut ones that may be resumed too. */
  sessions(name: string): number {
    return this.#world.accounts.get(name)?.sessions.size ?? 0;
  }

  // ---- what the server is ----

  addAccount(account: SandboxXmppAccount): void {
    this.#world.addAccount(account);
  }

  /** Offers something from now on: to streams that begin, and to questions. */
  offer(feature: SandboxXmppFeature): void {
    this.#world.features.add(feature);
  }

  withdraw(feature: SandboxXmppFeature): void {
    this.#world.features.delete(feature);
  }

  // ---- faults ----

  /** Sends away whoever comes from now on with a stream error; undefined lets them in again. */
  refuse(why: Refusal | undefined): void {
    this.#world.refusal = why;
  }

  /** What the whole server does wrong from now on. */
  misbehave(mischief: Mischief): void {
    this.#world.mischief = mischief;
  }

  /** Looks at everything first; true when it has dealt with it, and the server shall not. */
  intercept(look: ((stanza: string, client: SandboxXmppClient) => boolean) | undefined): void {
    this.#intercept = look;
  }

  /** Ends what waits to be resumed, as if its time were over. */
  forget(name: string): void {
    for (const session of [...(this.#world.accounts.get(name)?.sessions.values() ?? [])]) {
      if (session.carrier === undefined) endSession(session);
    }
  }

  /** Ends everything: the ports refuse, all connections are cut, nothing can be resumed. */
  async stop(): Promise<void> {
    for (const observer of this.#observers.splice(0)) observer[Symbol.dispose]();
    await this.#door.shut();
    for (const { sessions } of this.#world.accounts.values()) {
      for (const session of [...sessions.values()]) endSession(session);
    }
  }

  /** Comes up again on the same ports, with accounts, rosters, archives and lasting rooms, and nobody there. */
  async start(): Promise<void> {
    const [port, tlsPort] = [this.#door.port, this.#door.tlsPort];
    this.#world = new World(this.#options, this.#world);
    this.#world.route = (stanza, sender) => {
      route(this.#world, stanza, sender);
    };
    this.#door = this.#doorOf(this.#world);
    this.#door.port = port;
    this.#door.tlsPort = tlsPort;
    await this.#door.open();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #doorOf(world: World): Door {
    return new Door(world, (connection: Connection) => {
      const client = new SandboxXmppClient(connection);
      this.#clients.push(client);
      connection.intercept = (element) => this.#intercept?.(write(element), client) === true;
    });
  }
}
