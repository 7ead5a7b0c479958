/* A session with a house of its own, for specs: against whatever listens on a loopback port. */
import { createIrc, type IrcTimings } from '#connectors/irc';
import type { JsonObject, Session, SessionClock } from '#connector';
import { TestContext } from '#connector/testing';
import { newId, type AccountId, type SessionState } from '#model';
import { eventually } from '#peers';

/** Waits that a test can afford. */
const brisk: Partial<IrcTimings> = {
  connect: 2_000,
  register: 2_000,
  welcome: 100,
  firstRetry: 30,
  longestRetry: 120,
  throttled: 150,
  reclaim: 60,
  rejoin: 80,
  occupancy: 10,
  close: 400,
};

export interface RigOptions {
  readonly port: number;
  readonly settings?: JsonObject;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly rooms?: readonly string[];
  readonly contacts?: readonly string[];
  readonly timings?: Partial<IrcTimings>;
  readonly clock?: SessionClock;
  /** As fast as the connector is by itself; otherwise nothing waits. */
  readonly unhurried?: boolean;
  /** An earlier rig's, to go on with what was stored. */
  readonly house?: TestContext;
  readonly account?: AccountId;
}

export interface Rig {
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  /** Waits for a state, and gives it. */
  readonly until: <S extends SessionState['state']>(state: S) => Promise<Extract<SessionState, { state: S }>>;
}

/** Sessions that are closed together. */
export class Rigs implements AsyncDisposable {
  readonly #opened: Session[] = [];

  /** Opens a session and lets it connect. */
  begin(options: RigOptions): Rig {
    const house =
      options.house ??
      new TestContext({
        secrets: options.secrets ?? {},
        ...(options.clock !== undefined && { clock: options.clock }),
      });
    const account = options.account ?? newId<'AccountId'>();
    const usual = {
      host: '127.0.0.1',
      port: options.port,
      tls: false,
      nick: 'alice',
      ...(options.unhurried !== true && { burst: 1_000, linesPerSecond: 1_000 }),
    };
    const session = createIrc({ timings: { ...brisk, ...options.timings } }).open(
      { id: newId<'LinkId'>(), settings: { ...usual, ...options.settings } },
      house,
    );
    this.#opened.push(session);
    const rooms = (options.rooms ?? []).map((address) => ({ address, options: {} }));
    const contacts = (options.contacts ?? []).map((address) => ({ address, groups: [] }));
    session.attach({ id: account, desired: { rooms, contacts, presence: { presence: 'available' } } });
    session.connect();
    const until = async <S extends SessionState['state']>(
      state: S,
    ): Promise<Extract<SessionState, { state: S }>> =>
      eventually(`the account is ${state}`, () => {
        const now = house.stateOf();
        if (now?.state === state) return now as Extract<SessionState, { state: S }>;
        if (state === 'online' && now?.state === 'needs-person') throw new Error(JSON.stringify(now));
        return undefined;
      });
    return { house, session, account, until };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((session) => session.close('asked')));
  }
}
