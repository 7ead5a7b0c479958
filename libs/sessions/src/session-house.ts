import { setMaxListeners } from 'node:events';
import { TargetRefused, TargetUnresolved, type TargetGuard } from '#accounts';
import type { Ephemerals } from '#bus';
import type {
  EmitOutcome,
  InboundBatch,
  JsonValue,
  OccupancyChange,
  SessionContext,
  SessionLog,
  Target,
  Turn,
} from '#connector';
import type { Files } from '#files';
import {
  failure,
  type AccountId,
  type Capabilities,
  type PersonId,
  type PresenceState,
  type SessionState,
} from '#model';
import type { Clock, Database } from '#platform';
import type { HostPacer } from './host-pacer.js';
import { receiveFile } from './inbound-files.js';
import { readFile } from './outbound-files.js';
import type { Taker } from './inbound-units.js';
import { EMIT_LIMIT, type Ingest } from './ingest.js';
import type { PresenceWriter } from './presence-writer.js';
import type { SessionStore } from './session.store.js';
import type { StateWriter } from './state-writer.js';

/** The parts of the house that a session comes to see. */
export interface HouseRooms {
  readonly database: Database;
  readonly ingest: Ingest;
  readonly states: StateWriter;
  readonly presences: PresenceWriter;
  readonly ephemerals: Ephemerals;
  readonly store: SessionStore;
  readonly guard: TargetGuard;
  readonly files: Files;
  readonly pacer: HostPacer;
  readonly clock: Clock;
  readonly log: SessionLog;
  openSecrets(link: Taker['link']): Promise<Readonly<Record<string, string>>>;
}

/** What the house does when a session speaks. */
interface Listener {
  /** Who holds an account that the session carries. */
  holderOf(account: AccountId): PersonId | undefined;
  /** Where an account's provider is to call. */
  ingressUrlOf(account: AccountId): string | undefined;
  online(account: AccountId, online: boolean): void;
  wake(account: AccountId): void;
  fenced(): void;
  /** What is wanted of the link's accounts may be otherwise than before. */
  wished(): void;
}

/** All that one session sees of the house. Muted when its lease ends: a session that goes on talks to nobody. */
export class SessionHouse implements SessionContext {
  readonly emitLimit = EMIT_LIMIT;
  readonly clock: Clock;
  readonly log: SessionLog;
  readonly keyValues: SessionContext['keyValues'];
  readonly files: SessionContext['files'];
  private readonly end = new AbortController();

  constructor(
    private readonly taker: Taker,
    private readonly privateLeave: boolean,
    private readonly rooms: HouseRooms,
    private readonly listener: Listener,
  ) {
    // Every send in flight listens for the end.
    setMaxListeners(0, this.end.signal);
    this.clock = rooms.clock;
    this.log = rooms.log;
    this.files = {
      receive: (account, file, content, signal) =>
        receiveFile(rooms.files, this.log, {
          workspace: taker.workspace,
          person: this.end.signal.aborted ? undefined : listener.holderOf(account),
          ...file,
          content,
          signal: AbortSignal.any([signal, this.end.signal]),
        }),
      read: async (account, file) =>
        this.end.signal.aborted || listener.holderOf(account) === undefined
          ? undefined
          : await readFile(rooms.files, this.log, { workspace: taker.workspace, account, file }),
    };
    this.keyValues = {
      read: async (account, key) =>
        (await rooms.store.note(rooms.database, account, key)) as JsonValue | undefined,
    };
  }

  /** Aborted when the session is to come to an end. */
  get ending(): AbortSignal {
    return this.end.signal;
  }

  mute(): void {
    this.end.abort();
  }

  /** Resolves when what was said of states is written. */
  async settle(): Promise<void> {
    await this.rooms.states.idle();
  }

  /** @param positions where messages are to stand that would not stand there by their time alone; one for each event */
  async emit(
    batch: InboundBatch,
    deadlineMs?: number,
    positions?: readonly number[],
  ): Promise<readonly EmitOutcome[]> {
    if (this.end.signal.aborted) return batch.events.map(() => ({ outcome: 'fenced' }));
    const outcomes = await this.rooms.ingest.take(this.taker, batch, deadlineMs, positions);
    if (outcomes.some(({ outcome }) => outcome === 'fenced')) this.listener.fenced();
    else if (batch.events.some((event) => event.type === 'room' && event.wanted !== undefined))
      this.listener.wished();
    return outcomes;
  }

  state(account: AccountId, state: SessionState): void {
    if (this.end.signal.aborted) return;
    this.rooms.states.tell(this.taker, { account, state });
    this.listener.online(account, state.state === 'online');
    if (state.state !== 'online') this.rooms.presences.lost(this.taker, account);
  }

  capabilities(account: AccountId, capabilities: Capabilities, conversation?: string): void {
    if (this.end.signal.aborted) return;
    if (conversation === undefined) this.rooms.states.tellCapabilities(this.taker, account, capabilities);
    else this.rooms.states.tellPlace(this.taker, account, conversation, capabilities);
  }

  presence(account: AccountId, address: string, presence: PresenceState): void {
    if (!this.end.signal.aborted) this.rooms.presences.tell(this.taker, account, address, presence);
  }

  typing(account: AccountId, conversation: string, address: string, active: boolean): void {
    if (this.end.signal.aborted) return;
    this.rooms.ephemerals.publish(
      this.taker.workspace,
      {
        type: 'typing',
        audience: { kind: 'account', account },
        data: { account, conversation, address, active },
      },
      `${conversation} ${address}`,
    );
  }

  occupancy(account: AccountId, conversation: string, change: OccupancyChange): void {
    if (this.end.signal.aborted) return;
    this.rooms.ephemerals.publish(this.taker.workspace, {
      type: 'occupancy',
      audience: { kind: 'account', account },
      data: { account, conversation, ...change },
    });
  }

  wake(account: AccountId): void {
    this.listener.wake(account);
  }

  async secrets(): Promise<Readonly<Record<string, string>>> {
    return await this.rooms.openSecrets(this.taker.link);
  }

  ingressUrl(account: AccountId): string | undefined {
    return this.muted() ? undefined : this.listener.ingressUrlOf(account);
  }

  async turn(target: Target): Promise<Turn> {
    const wait = this.rooms.pacer.take(target.host);
    if (wait > 0) await this.pause(wait);
    if (this.muted()) return { turn: 'closed' };
    try {
      const { addresses } = await this.rooms.guard.check(target, { allowPrivate: this.privateLeave });
      return this.muted() ? { turn: 'closed' } : { turn: 'go', addresses };
    } catch (error) {
      if (error instanceof TargetRefused) {
        return { turn: 'refused', failure: failure('not-allowed', error.message) };
      }
      if (error instanceof TargetUnresolved) {
        return { turn: 'refused', failure: failure('network-unreachable', error.message) };
      }
      this.log.warn({ err: error }, 'a target could not be judged');
      return { turn: 'refused', failure: failure('internal') };
    }
  }

  random(): number {
    return Math.random();
  }

  /** Asked anew after each wait: it may have changed meanwhile. */
  private muted(): boolean {
    return this.end.signal.aborted;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const cancel = this.clock.after(ms, () => {
        this.end.signal.removeEventListener('abort', stop);
        done();
      });
      const stop = (): void => {
        cancel();
        done();
      };
      this.end.signal.addEventListener('abort', stop, { once: true });
    });
  }
}
