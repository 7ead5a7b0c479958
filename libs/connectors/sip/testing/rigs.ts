/* A session with a house of its own, for specs: against whatever listens on a loopback port. */
import { randomBytes } from 'node:crypto';
import type { AttachedAccount, JsonObject, SendOutcome, Session, SessionClock } from '#connector';
import { directText, TestContext } from '#connector/testing';
import { createSip, type SipTimings } from '#connectors/sip';
import { newId, type AccountId, type SessionState } from '#model';
import { eventually } from '#peers';
import type { Timers } from '#protocols/sip';

/** Waits that a test can afford. */
export const brisk: Partial<SipTimings> = {
  find: 1_000,
  connect: 2_000,
  register: 3_000,
  deadline: 300,
  keepAlive: 150,
  probe: 200,
  firstRetry: 30,
  longestRetry: 120,
  throttled: 150,
  close: 600,
};

/** A server that makes accounts, as the rigs need it. */
export interface RigServer {
  readonly host: string;
  readonly port: number;
  readonly domain: string;
  createAccount(user: string, password: string): Promise<void>;
}

export interface RigOptions {
  /** The server to sign in to; a fresh account is made there. */
  readonly server: RigServer;
  /** The account's first part; a fresh one unless said. */
  readonly user?: string;
  readonly settings?: JsonObject;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly contacts?: readonly string[];
  readonly timings?: Partial<SipTimings>;
  readonly timers?: Partial<Timers>;
  readonly clock?: SessionClock;
  /** An earlier rig, to go on with its account and what was stored. */
  readonly after?: Rig;
}

export interface Rig {
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  /** The account's address. */
  readonly address: string;
  readonly password: string;
  /** Has the session say something to somebody. */
  readonly send: (to: string, text: string) => Promise<SendOutcome>;
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
    const user = options.user ?? after?.address.split('@')[0] ?? `alice${String(++this.#made)}`;
    const password = after?.password ?? randomBytes(9).toString('hex');
    if (after === undefined) await server.createAccount(user, password);
    const address = `${user}@${server.domain}`;
    const house =
      after?.house ??
      new TestContext({
        secrets: { password, ...options.secrets },
        ...(options.clock !== undefined && { clock: options.clock }),
      });
    const account = after?.account ?? newId<'AccountId'>();
    const { host, port } = server;
    const session = createSip({
      timings: { ...brisk, ...options.timings },
      timers: options.timers ?? {},
    }).open(
      { id: newId<'LinkId'>(), settings: { address, host, port, transport: 'udp', ...options.settings } },
      house,
    );
    this.#opened.push(session);
    const attached: AttachedAccount = {
      id: account,
      desired: {
        rooms: [],
        contacts: (options.contacts ?? []).map((one) => ({ address: one, groups: [] })),
        presence: { presence: 'available' },
      },
    };
    session.attach(attached);
    session.connect();
    const until = async <S extends SessionState['state']>(
      state: S,
    ): Promise<Extract<SessionState, { state: S }>> =>
      eventually(`the account is ${state}`, () => {
        const now = house.stateOf(account);
        if (now?.state === state) return now as Extract<SessionState, { state: S }>;
        if (state === 'online' && now?.state === 'needs-person') throw new Error(JSON.stringify(now));
        return undefined;
      });
    const send = (to: string, text: string): Promise<SendOutcome> =>
      session.send(directText(account, to, text), new AbortController().signal);
    return { house, session, account, address, password, send, until };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#opened.map((session) => session.close('asked')));
  }
}
