/* The sandbox as a test or a demo holds it: a registrar with presence, people, and everything that can be done to them. */
import { summaryOf, type PidfSummary, type SipRequest } from '#protocols/sip';
import { until } from '../until.js';
import { Gate } from './gate.js';
import type { SandboxSipAccount, SandboxSipOptions, SipMischief } from './options.js';
import type { SandboxSipResident } from './resident.js';
import { SipServer } from './server.js';

/** Starts a server on loopback. It lives in this process until it is disposed of. */
export async function startSandboxSip(options: SandboxSipOptions = {}): Promise<SandboxSip> {
  const sandbox = new SandboxSip(options);
  await sandbox.start();
  return sandbox;
}

export class SandboxSip implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly #server: SipServer;
  #gate: Gate | undefined;
  #mischief: SipMischief = {};
  #port: number;
  #tlsPort: number;

  constructor(options: SandboxSipOptions) {
    this.#port = options.port ?? 0;
    this.#tlsPort = options.tlsPort ?? 0;
    this.#server = new SipServer(options, () => ({ port: this.port, tlsPort: this.tlsPort }));
  }

  /** Of UDP and TCP. */
  get port(): number {
    return this.#port;
  }

  get tlsPort(): number {
    return this.#tlsPort;
  }

  get domain(): string {
    return this.#server.domain;
  }

  // ---- who is there ----

  addAccount({ user, password }: SandboxSipAccount): void {
    this.#server.accounts.set(user, password);
  }

  /** Somebody who lives here; they move in if they did not. */
  resident(user: string): SandboxSipResident {
    return this.#server.resident(user);
  }

  /** The contacts of an account, the latest first. */
  contactsOf(user: string): readonly string[] {
    return this.#server.registrar.bindings(user).map(({ uri }) => uri);
  }

  async untilRegistered(user: string, deadlineMs?: number): Promise<void> {
    const look = (): true | undefined => (this.contactsOf(user).length > 0 ? true : undefined);
    await until(`${user} is registered`, look, deadlineMs);
  }

  /** All requests that were taken, in their order; those of transactions that were repeated once. */
  get requests(): readonly SipRequest[] {
    return this.#server.requests;
  }

  /** Messages to an account that it has not taken. */
  undelivered(user: string): number {
    return this.#server.outbox.undelivered(user);
  }

  /** What an account has published; undefined where nothing is known. */
  published(user: string): PidfSummary | undefined {
    const pidf = this.#server.presence.stateOf(user);
    return pidf === undefined ? undefined : summaryOf(pidf);
  }

  /** Lets somebody see an account (`watchers: 'admitted'`). */
  admit(user: string, watcher: string): void {
    this.#server.presence.admit(user, watcher);
  }

  // ---- faults ----

  /** What the server does wrong from now on; nothing, unless said. */
  misbehave(mischief: SipMischief): void {
    this.#mischief = mischief;
    this.#server.mischief = mischief;
    if (this.#gate !== undefined) this.#gate.mischief = mischief;
  }

  /** Packets that were lost on purpose, since the start. */
  get lost(): number {
    return this.#gate?.lost ?? 0;
  }

  /** Cuts all connections, with a reset, and forgets the ways of those who come by UDP. */
  cut(): void {
    this.#gate?.cut();
  }

  /** Forgets who is where. */
  forget(): void {
    this.#server.registrar.forget();
  }

  /** Ends everything: the ports refuse, all connections are cut. Residents, and what waits for delivery, stay. */
  async stop(): Promise<void> {
    const gate = this.#gate;
    this.#gate = undefined;
    await gate?.close();
    await this.#server.stop();
  }

  /** Comes up again on the same ports. */
  async start(): Promise<void> {
    const behind = await this.#server.start();
    this.#gate = await Gate.open(behind, this.#port, this.#tlsPort);
    this.#port = this.#gate.port;
    this.#tlsPort = this.#gate.tlsPort ?? 0;
    this.misbehave(this.#mischief);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
