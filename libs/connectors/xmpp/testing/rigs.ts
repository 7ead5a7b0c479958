/* A session with a house of its own, for specs: against whatever listens on a loopback port. */
import { randomBytes } from 'node:crypto';
import type { DesiredRoom, JsonObject, Session, SessionClock } from '#connector';
import { TestContext } from '#connector/testing';
import { createXmpp, type XmppTimings } from '#connectors/xmpp';
import { newId, type AccountId, type SessionState } from '#model';
import { eventually } from '#peers';
import type { XmppServerUp } from './harness.js';

/** Waits that a test can afford. */
const brisk: Partial<XmppTimings> = {
  find: 1_000,
  connect: 2_000,
  negotiate: 3_000,
  iq: 5_000,
  firstRetry: 30,
  longestRetry: 120,
  throttled: 150,
  rejoin: 80,
  occupancy: 10,
  close: 400,
};

export interface RigOptions {
  /** The server to sign in to; a fresh account is made there. */
  readonly server: Pick<XmppServerUp, 'host' | 'port' | 'names' | 'createAccount'>;
  /** The account's local part; a fresh one unless said. */
  readonly user?: string;
  /** Where to connect instead of the server itself: a proxy in front of it. */
  readonly at?: { readonly host: string; readonly port: number };
  readonly settings?: JsonObject;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly rooms?: readonly (string | DesiredRoom)[];
  readonly contacts?: readonly string[];
  readonly timings?: Partial<XmppTimings>;
  readonly clock?: SessionClock;
  /** An earlier rig, to go on with its account and what was stored. */
  readonly after?: Rig;
}

export interface Rig {
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  /** The account's bare address. */
  readonly jid: string;
  readonly password: string;
  /** Waits for a state, and gives it. */
  readonly until: <S extends SessionState['state']>(state: S) => Promise<Extract<SessionState, { state: S }>>;
}

/** Sessions that are closed together. */
export class Rigs implements AsyncDisposable {
  readonly #opened: Session[] = [];
  #made = 0;

  /** Makes an account, opens a session on it and lets it connect. */
  async begin(options: RigOptions): Promise<Rig> {
    const { server, after } = options;
    const user = options.user ?? after?.jid.split('@')[0] ?? `alice${String(++this.#made)}`;
    const password = after?.password ?? randomBytes(9).toString('hex');
    if (after === undefined) await server.createAccount(user, password);
    const jid = `${user}@${server.names.domain}`;
    const house =
      after?.house ??
      new TestContext({
        secrets: { password, ...options.secrets },
        ...(options.clock !== undefined && { clock: options.clock }),
      });
    const account = after?.account ?? newId<'AccountId'>();
    const { host, port } = options.at ?? server;
    const session = createXmpp({ timings: { ...brisk, ...options.timings } }).open(
      { id: newId<'LinkId'>(), settings: { jid, host, port, security: 'none', ...options.settings } },
      house,
    );
    this.#opened.push(session);
    const rooms = (options.rooms ?? []).map((room) =>
      typeof room === 'string' ? { address: room, options: {} } : room,
    );
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
    return { house, session, account, jid, password, until };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((session) => session.close('asked')));
  }
}
