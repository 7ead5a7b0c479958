import { isIP } from 'node:net';
import type {
  EmitOutcome,
  InboundBatch,
  InboundChange,
  InboundEvent,
  InboundMessage,
  InboundReceipt,
  Occupant,
  OccupancyChange,
  SessionClock,
  SessionContext,
  SessionLog,
  Target,
  Turn,
} from '#connector';
import type { AccountId, Capabilities, Failure, PresenceState, SessionState } from '#model';
import { breachesOf, stateBreaches } from './breaches.js';
import { RealClock } from './clock.js';
import { MemoryStorage } from './storage.js';
import { TestFiles } from './test-files.js';

export interface TestContextOptions {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly emitLimit?: number;
  readonly clock?: SessionClock;
  /** Seed of `random`. */
  readonly seed?: number;
}

/**
 * A house for one session: remembers what it was told, keeps events in memory, fails on demand, and notes every breach
 * of the contract that it can see from its side.
 */
export class TestContext implements SessionContext {
  readonly emitLimit: number;
  readonly clock: SessionClock;
  readonly storage: MemoryStorage;
  /** The files that networks hand over. */
  readonly inbox = new TestFiles();
  /** Every state that was reported, in order. */
  readonly states: { readonly account: AccountId; readonly state: SessionState; readonly at: number }[] = [];
  /** How long each announced back-off was to be, in milliseconds, in order. */
  readonly backoffs: number[] = [];
  readonly presences = new Map<string, PresenceState>();
  readonly typings: { readonly conversation: string; readonly address: string; readonly active: boolean }[] =
    [];
  /** Who is in each room, by what was reported. */
  readonly rooms = new Map<string, Map<string, Occupant>>();
  readonly woken: AccountId[] = [];
  /** The hosts that a turn was asked for. */
  readonly turns: string[] = [];
  readonly logged: { readonly facts: Readonly<Record<string, unknown>>; readonly sentence: string }[] = [];
  /** What the session did that the contract forbids. */
  readonly breaches: string[] = [];
  /** From now on the session may touch nothing. */
  closed = false;
  /** How a turn is answered: with the address of this machine, with a refusal, or not until `closeTurns`. */
  turnsAre: 'given' | 'waiting' | Failure = 'given';
  private readonly waitingTurns: ((turn: Turn) => void)[] = [];
  private readonly offered = new Map<string, Capabilities>();
  private readonly opened: Readonly<Record<string, string>>;
  private seed: number;

  constructor(options: TestContextOptions = {}) {
    this.emitLimit = options.emitLimit ?? 500;
    this.clock = options.clock ?? new RealClock();
    this.storage = new MemoryStorage(this.clock);
    this.opened = options.secrets ?? {};
    this.seed = options.seed ?? 1;
  }

  // ---- what the kit asks ----

  /** The last state of an account (of the only one, if none is named). */
  stateOf(account?: AccountId): SessionState | undefined {
    return this.states.findLast((told) => account === undefined || told.account === account)?.state;
  }

  capabilitiesOf(account: AccountId, conversation = ''): Capabilities | undefined {
    return this.offered.get(`${account}\n${conversation}`);
  }

  messages(): readonly InboundMessage[] {
    return this.storage.stored.filter((event) => event.type === 'message');
  }

  /** The messages of others, live or caught up with. */
  heard(): readonly InboundMessage[] {
    return this.messages().filter(({ origin }) => origin === 'remote');
  }

  changes(): readonly InboundChange[] {
    return this.storage.stored.filter(
      (event): event is InboundChange =>
        event.type === 'edit' || event.type === 'retraction' || event.type === 'reaction',
    );
  }

  receipts(): readonly InboundReceipt[] {
    return this.storage.stored.filter((event) => event.type === 'receipt');
  }

  /** Answers the turns that wait: the session was closed meanwhile. */
  closeTurns(): void {
    for (const answer of this.waitingTurns.splice(0)) answer({ turn: 'closed' });
  }

  // ---- what the session sees ----

  emit(batch: InboundBatch, deadlineMs?: number): Promise<readonly EmitOutcome[]> {
    this.touched('emit');
    for (const event of batch.events) this.check(event);
    if (this.storage.outstanding + batch.events.length > this.emitLimit) {
      this.breaches.push(`more than ${String(this.emitLimit)} events are outstanding`);
    }
    return this.storage.emit(batch, deadlineMs);
  }

  state(account: AccountId, state: SessionState): void {
    this.touched(`state ${state.state}`);
    this.breaches.push(...stateBreaches(state));
    this.states.push({ account, state, at: this.clock.monotonic() });
    if (state.state === 'backing-off') this.backoffs.push(Date.parse(state.until) - this.clock.now());
  }

  capabilities(account: AccountId, capabilities: Capabilities, conversation = ''): void {
    this.touched('capabilities');
    this.offered.set(`${account}\n${conversation}`, capabilities);
  }

  presence(_account: AccountId, address: string, presence: PresenceState): void {
    this.touched('presence');
    this.presences.set(address, presence);
  }

  typing(_account: AccountId, conversation: string, address: string, active: boolean): void {
    this.touched('typing');
    this.typings.push({ conversation, address, active });
  }

  occupancy(_account: AccountId, conversation: string, { joined = [], left = [] }: OccupancyChange): void {
    this.touched('occupancy');
    const room = this.rooms.get(conversation) ?? new Map<string, Occupant>();
    for (const occupant of joined) room.set(occupant.address, occupant);
    for (const address of left) room.delete(address);
    this.rooms.set(conversation, room);
  }

  wake(account: AccountId): void {
    this.touched('wake');
    this.woken.push(account);
  }

  secrets(): Promise<Readonly<Record<string, string>>> {
    this.touched('secrets');
    return Promise.resolve(this.opened);
  }

  ingressUrl(account: AccountId): string | undefined {
    this.touched('ingressUrl');
    return `https://parley.example.org/in/${account}/secret`;
  }

  readonly keyValues = {
    read: (account: AccountId, key: string) => {
      this.touched('keyValues');
      return Promise.resolve(this.storage.read(account, key));
    },
  };

  readonly files: SessionContext['files'] = {
    receive: async (...file) => {
      this.touched('files');
      return await this.inbox.receive(...file);
    },
    read: async (...file) => {
      this.touched('files');
      return await this.inbox.read(...file);
    },
  };

  /** Every name is found on this machine, so that a test sees who looks names up on its own. */
  turn({ host }: Target): Promise<Turn> {
    this.touched('turn');
    this.turns.push(host);
    const { turnsAre } = this;
    if (turnsAre === 'waiting') return new Promise((answer) => this.waitingTurns.push(answer));
    if (turnsAre !== 'given') return Promise.resolve({ turn: 'refused', failure: turnsAre });
    return Promise.resolve({ turn: 'go', addresses: [isIP(host) === 0 ? '127.0.0.1' : host] });
  }

  /** A linear congruential generator (Numerical Recipes): the same sequence in every run. */
  random(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.seed / 2 ** 32;
  }

  readonly log: SessionLog = {
    debug: (facts, sentence) => this.logged.push({ facts, sentence }),
    info: (facts, sentence) => this.logged.push({ facts, sentence }),
    warn: (facts, sentence) => this.logged.push({ facts, sentence }),
  };

  private touched(what: string): void {
    if (this.closed) this.breaches.push(`${what} after close`);
  }

  private check(event: InboundEvent): void {
    this.breaches.push(...breachesOf(event));
  }
}
