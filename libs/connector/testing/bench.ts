import {
  can,
  type AttachedAccount,
  type Connector,
  type DesiredRoom,
  type JsonObject,
  type OutboundEnvelope,
  type SendOutcome,
  type Session,
} from '#connector';
import { newId, type AccountId, type EnvelopeKind, type SessionState } from '#model';
import { RealClock } from './clock.js';
import { FaultProxy } from './fault-proxy.js';
import type { Harness, Login, Network, Observer, Timing } from './harness.js';
import { TestContext, type TestContextOptions } from './test-context.js';
import { until } from './until.js';

export interface RigOptions extends Omit<TestContextOptions, 'secrets'> {
  readonly rooms?: readonly string[];
  readonly wrongSecrets?: boolean;
  /** Whether the session begins to connect, and the kit waits until it is online. Default true. */
  readonly online?: boolean;
  /** The name that the settings give for the network's host. */
  readonly host?: string;
  /** What the proxy does from the first byte on. */
  readonly manners?: (proxy: FaultProxy) => void;
  /** Settings laid over the harness's. */
  readonly settings?: JsonObject;
}

/** One session under test, with its house, its account and the proxy in front of the network. */
export class Rig {
  private closing: Promise<void> | undefined;

  constructor(
    readonly connector: Connector,
    readonly context: TestContext,
    readonly session: Session,
    readonly proxy: FaultProxy,
    readonly login: Login,
    readonly account: AccountId,
    private readonly timing: Timing,
  ) {}

  /** Where others reach the account: as it last said itself, for a name can be taken meanwhile. */
  get address(): string {
    const told = this.context.states.findLast(
      ({ account, state }) => account === this.account && state.state === 'online',
    )?.state;
    return told?.state === 'online' ? told.localAddress : this.login.address;
  }

  /** Where others in a room reach the account. */
  addressIn(room: string): string {
    return this.login.addressIn?.(room) ?? this.address;
  }

  /** Waits for a fact, within the harness's patience. */
  until<T>(sentence: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
    return until(
      sentence,
      () => {
        // A test that waits for what can no longer come should say why.
        if (this.context.breaches.length > 0) throw new Error(this.context.breaches.join('; '));
        return look();
      },
      this.timing.factMs,
    );
  }

  untilState<S extends SessionState['state']>(
    state: S,
    account = this.account,
  ): Promise<Extract<SessionState, { readonly state: S }>> {
    return this.until(`the account is ${state}`, () => {
      const now = this.context.stateOf(account);
      return now?.state === state ? (now as Extract<SessionState, { readonly state: S }>) : undefined;
    });
  }

  /** Waits until the account has been in a state since it had reported so many. */
  untilStateSince<S extends SessionState['state']>(
    since: number,
    state: S,
  ): Promise<Extract<SessionState, { readonly state: S }>> {
    return this.until(`the account becomes ${state}`, () => {
      const told = this.context.states.slice(since).find((one) => one.state.state === state);
      return told?.state as Extract<SessionState, { readonly state: S }> | undefined;
    });
  }

  envelope(to: string, text: string, more: Partial<OutboundEnvelope> = {}): OutboundEnvelope {
    const kind: EnvelopeKind = 'message';
    return {
      id: newId<'EnvelopeId'>(),
      account: this.account,
      kind,
      to,
      conversationKind: this.connector.addresses.kindOf(to) ?? (this.isIn(to) ? 'room' : 'direct'),
      content: { text },
      attempt: 1,
      ...more,
    };
  }

  /** Whether the account has entered a room. */
  isIn(room: string): boolean {
    return this.context.storage.stored.some(
      (event) => event.type === 'room' && event.conversation === room && event.joined === true,
    );
  }

  /** Sends one envelope; `later` is obeyed, as the house would. */
  async send(envelope: OutboundEnvelope): Promise<Exclude<SendOutcome, { readonly outcome: 'later' }>> {
    const end = performance.now() + this.timing.factMs * 4;
    for (;;) {
      await this.allowed(envelope.account, end);
      const outcome = await this.session.send(envelope, new AbortController().signal);
      if (outcome.outcome !== 'later') return outcome;
      if (performance.now() > end)
        throw new Error(`told to come later for too long (${outcome.failure.code})`);
      await this.wait(outcome.retryAfterMs);
    }
  }

  /** Says something and gives the envelope and what became of it. */
  async say(to: string, text: string, more: Partial<OutboundEnvelope> = {}) {
    const envelope = this.envelope(to, text, more);
    return { envelope, outcome: await this.send(envelope) };
  }

  /** Sends many, as many at once as the connector declares for one lane, in order. */
  async sendAll(envelopes: readonly OutboundEnvelope[]): Promise<readonly SendOutcome[]> {
    const { perLane, perLink } = this.connector.describe().inFlight;
    const width = Math.min(perLane, perLink);
    const outcomes: SendOutcome[] = new Array<SendOutcome>(envelopes.length);
    const flying = new Set<Promise<void>>();
    for (const [i, envelope] of envelopes.entries()) {
      while (flying.size >= width) await Promise.race(flying);
      await this.allowed(envelope.account, performance.now() + this.timing.factMs * 4);
      const flight: Promise<void> = this.session
        .send(envelope, new AbortController().signal)
        .then((outcome) => {
          outcomes[i] = outcome;
          flying.delete(flight);
        });
      flying.add(flight);
    }
    await Promise.all(flying);
    return outcomes;
  }

  /** Lets time pass on the wall: for what must not happen. */
  wait(ms: number): Promise<void> {
    return new Promise((over) => setTimeout(over, ms));
  }

  /** Somebody sets the clock of the machine. */
  jump(ms: number): void {
    const { clock } = this.context;
    if (clock instanceof RealClock) clock.jump(ms);
  }

  quiet(): Promise<void> {
    return this.wait(this.timing.quietMs);
  }

  /** What others said that bears this mark. */
  heard(mark: string): readonly string[] {
    return this.context
      .heard()
      .map(({ content }) => content.text)
      .filter((text) => text.includes(mark));
  }

  /** Ends the session; from then on it may touch nothing. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    // An orderly end with storage away would wait for it: nobody needs that at the end of a test.
    this.proxy.thaw();
    this.context.storage.release();
    await this.session.close('asked');
    this.context.closed = true;
  }

  private async allowed(account: AccountId, end: number): Promise<void> {
    if (!can(this.session, 'paces')) return;
    for (;;) {
      const { envelopes, againInMs } = this.session.allowance(account);
      if (envelopes > 0) return;
      if (performance.now() > end) throw new Error('never allowed to send');
      await this.wait(Math.max(1, againInMs));
    }
  }
}

/** What a suite's tests share: the network, observers, and the rigs of the test that runs. */
export class Bench {
  private network_: Network | undefined;
  private readonly rigs: Rig[] = [];
  private readonly observers: Observer[] = [];
  private readonly contexts: TestContext[] = [];
  private readonly leaving: PromiseLike<void>[] = [];
  private marks = 0;
  readonly timing: Timing;

  constructor(
    readonly harness: Harness,
    timing: Timing,
  ) {
    this.timing = timing;
  }

  get network(): Network {
    if (!this.network_) throw new Error('the network has not been started');
    return this.network_;
  }

  get connector(): Connector {
    return this.harness.connector;
  }

  async start(): Promise<void> {
    this.network_ = await this.harness.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.leaving.splice(0));
    await this.network_?.[Symbol.asyncDispose]();
  }

  /** A word that no other test uses, to tell one test's messages from another's. */
  mark(): string {
    return `mark${String(++this.marks)}x`;
  }

  async observer(): Promise<Observer> {
    const observer = await this.network.observer();
    this.observers.push(observer);
    return observer;
  }

  /** A room of the network, entered by these observers. */
  async room(...observers: readonly Observer[]): Promise<string> {
    const address = await this.network.room?.();
    if (address === undefined) throw new Error('the harness declares rooms and has none');
    for (const observer of observers) await observer.join(address);
    return address;
  }

  /** Opens a session on a fresh login, through a fault proxy of its own. */
  async rig(options: RigOptions = {}): Promise<Rig> {
    const { rooms = [], wrongSecrets = false, online = true, settings, manners, host, ...rest } = options;
    const proxy = await FaultProxy.start(this.network);
    manners?.(proxy);
    const login = await this.network.login({ host: host ?? proxy.host, port: proxy.port });
    const secrets = wrongSecrets ? login.wrongSecrets : login.secrets;
    const context = new TestContext({ ...rest, ...(secrets ? { secrets } : {}) });
    const session = this.connector.open(
      { id: newId<'LinkId'>(), settings: { ...login.settings, ...settings } },
      context,
    );
    const account = newId<'AccountId'>();
    const rig = new Rig(this.connector, context, session, proxy, login, account, this.timing);
    this.rigs.push(rig);
    this.contexts.push(context);
    session.attach(accountOf(account, login.localAddress, rooms));
    if (online) {
      session.connect();
      await rig.untilState('online');
      for (const room of rooms) {
        await rig.until(`in ${room}`, () => rig.isIn(room));
      }
    }
    return rig;
  }

  /** Ends what the test has opened; the contract's breaches that were seen on the way. */
  async clear(): Promise<readonly string[]> {
    const rigs = this.rigs.splice(0);
    // Observers take their time to leave, and the next test does not mind.
    for (const observer of this.observers.splice(0)) this.leaving.push(observer[Symbol.asyncDispose]());
    await Promise.all(rigs.map((rig) => rig.close()));
    await Promise.all(rigs.map(({ proxy }) => proxy[Symbol.asyncDispose]()));
    return rigs.flatMap(({ context }) => context.breaches);
  }

  /** Whatever was touched after its close, in any test. */
  late(): readonly string[] {
    return this.contexts.flatMap(({ breaches }) => breaches);
  }
}

export function accountOf(
  id: AccountId,
  localAddress: string | undefined,
  rooms: readonly string[],
): AttachedAccount {
  const desired: readonly DesiredRoom[] = rooms.map((address) => ({ address, options: {} }));
  return {
    id,
    ...(localAddress === undefined ? {} : { localAddress }),
    desired: { rooms: desired, contacts: [], presence: { presence: 'available' } },
  };
}
