/*
 * A link alive. One account, one connection at a time; between connections a pause that grows and has jitter. What goes
 * wrong is a state: `retry` failures back off, all others wait for a person, so a wrong password is tried once.
 */
import type {
  AttachedAccount,
  CloseReason,
  DesiredContact,
  DesiredRoom,
  HasContacts,
  HasHistory,
  HasRooms,
  HistoryAsk,
  HistoryOutcome,
  MarksRead,
  Occupant,
  OutboundEnvelope,
  Paces,
  Place,
  RequestOutcome,
  SendOutcome,
  Session,
  SessionContext,
  SessionRequest,
  Reacts,
  Retracts,
  SetsPresence,
  ShowsTyping,
  TakesRequests,
} from '#connector';
import { Inlet, Retries } from '#connector/session';
import {
  failure,
  presences,
  type AccountId,
  type Failure,
  type PresenceState,
  type SessionState,
} from '#model';
import { Absence } from './absence.js';
import { credentialsOf, lackOf } from './credentials.js';
import { Holders } from './holders.js';
import { Cursors } from './cursors.js';
import { addressOf } from './irc.addresses.js';
import { Connection } from './irc.connection.js';
import type { IrcSettings } from './irc.settings.js';
import { Pace } from './pace.js';
import { Strictness } from './strictness.js';
import { requestKinds } from './room-requests.js';
import type { IrcTimings } from './timings.js';
import type { Wishes } from './upkeep.js';

const notOnline = failure('network-unreachable', 'The account is not online.');

/** What belongs to the one account of the link, from attach to detach. */
interface Attached {
  readonly id: AccountId;
  readonly wishes: Wishes;
  readonly inlet: Inlet;
  readonly absence: Absence;
  readonly pace: Pace;
  readonly strictness: Strictness;
  readonly holders: Holders;
  readonly cursors: Cursors;
}

export class IrcSession
  implements
    Session,
    HasHistory,
    MarksRead,
    HasRooms,
    HasContacts,
    SetsPresence,
    ShowsTyping,
    Paces,
    TakesRequests,
    Reacts,
    Retracts
{
  readonly reacts = true;
  readonly retracts = true;
  readonly requestKinds = requestKinds;
  readonly #settings: IrcSettings;
  readonly #context: SessionContext;
  readonly #timings: IrcTimings;
  readonly #retries: Retries;
  #attached: Attached | undefined;
  #connection: Connection | undefined;
  #wanted = false;
  #closed = false;
  /** Grows with every begin and end: what comes late from an earlier one is nobody's. */
  #turn = 0;
  #busy = false;
  #ended: (() => void) | undefined;
  #leaving: Promise<void> | undefined;

  constructor(settings: IrcSettings, context: SessionContext, timings: IrcTimings) {
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#retries = new Retries(context, timings, () => {
      this.#begin();
    });
  }

  attach(account: AttachedAccount): void {
    if (this.#closed) return;
    if (this.#attached !== undefined) {
      const why = failure('unsupported', 'A link to IRC carries one account.');
      this.#context.state(account.id, { state: 'needs-person', ...why });
      return;
    }
    this.#attached = {
      id: account.id,
      wishes: {
        rooms: account.desired.rooms,
        contacts: account.desired.contacts,
        presence: presenceOf(account.desired.presence),
      },
      inlet: new Inlet(this.#context, account.id, {
        full: () => {
          this.#connection?.pause();
        },
        eased: () => {
          this.#connection?.resume();
        },
        fenced: () => {
          void this.close('fenced');
        },
      }),
      absence: new Absence(this.#context, account.id),
      pace: new Pace(this.#context, account.id, this.#settings),
      strictness: new Strictness(this.#context, account.id, this.#settings),
      holders: new Holders(this.#context, account.id),
      cursors: new Cursors(this.#context, account.id),
    };
    if (this.#wanted) this.#begin();
  }

  async detach(account: AccountId): Promise<void> {
    if (this.#attached?.id !== account) return;
    await this.#leave();
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    if (this.#attached !== undefined && !this.#busy) this.#begin();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted = false;
    if (reason === 'fenced') {
      this.#attached?.inlet.close();
      this.#stop();
      this.#connection?.abandon();
      this.#attached = undefined;
      return;
    }
    await this.#leave();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const connection = this.#connectionOf(envelope.account);
    if (connection === undefined) return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    return connection.send(envelope, signal);
  }

  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.rooms = rooms;
    this.#connection?.wished();
  }

  occupants(account: AccountId, conversation: string): readonly Occupant[] {
    return this.#connectionOf(account)?.occupants(conversation) ?? [];
  }

  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.contacts = contacts;
    this.#connection?.watch();
  }

  setPresence(account: AccountId, presence: PresenceState): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.presence = presence;
    this.#connection?.showPresence();
  }

  typing(account: AccountId, conversation: string, active: boolean): void {
    this.#connectionOf(account)?.typing(conversation, active);
  }

  allowance(account: AccountId): { readonly envelopes: number; readonly againInMs: number } {
    return this.#connectionOf(account)?.allowance() ?? { envelopes: 0, againInMs: 1_000 };
  }

  async request(account: AccountId, request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const connection = this.#connectionOf(account);
    if (connection === undefined) return { outcome: 'refused', failure: notOnline };
    return connection.request(request, signal);
  }

  async history(account: AccountId, ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    const connection = this.#connectionOf(account);
    if (connection === undefined) return { outcome: 'refused', failure: notOnline };
    return connection.history(ask, signal);
  }

  markRead(account: AccountId, conversation: string, upTo: Place): void {
    this.#connectionOf(account)?.markRead(conversation, upTo);
  }

  #connectionOf(account: AccountId): Connection | undefined {
    return this.#attached?.id === account && this.#connection?.isOnline === true
      ? this.#connection
      : undefined;
  }

  /** One try to get online. Everything that can go wrong ends in `#failed`. */
  #begin(): void {
    const attached = this.#attached;
    if (attached === undefined) return;
    this.#busy = true;
    const turn = ++this.#turn;
    this.#state(attached, { state: 'connecting' });
    this.#open(attached, () => turn === this.#turn).catch((error: unknown) => {
      this.#context.log.warn({ account: attached.id, error: String(error) }, 'could not begin to connect');
      if (turn === this.#turn)
        this.#failed(attached, failure('internal', 'The session could not be prepared.'));
    });
  }

  async #open(attached: Attached, current: () => boolean): Promise<void> {
    const { absence, holders, pace, strictness, inlet } = attached;
    await Promise.all([absence.load(), holders.load(), pace.load(), strictness.load()]);
    const credentials = credentialsOf(await this.#context.secrets());
    if (!current()) return;
    const settings = strictness.applied(this.#settings);
    const lack = lackOf(settings, credentials);
    if (lack !== undefined) {
      this.#failed(attached, lack);
      return;
    }
    const { host, port, tls } = settings;
    const granted = await this.#context.turn({ host, port });
    if (!current()) return;
    if (granted.turn === 'closed') {
      this.#busy = false;
      return;
    }
    if (granted.turn === 'refused') {
      this.#failed(attached, granted.failure);
      return;
    }
    if (inlet.isFull) {
      this.#failed(attached, failure('storage-unavailable', 'What was read before is not stored yet.'));
      return;
    }
    /** Sent elsewhere by the server: what ends here goes on there at once. */
    let sent = false;
    let bound = false;
    this.#connection = new Connection({
      context: this.#context,
      account: attached.id,
      settings,
      addresses: granted.addresses,
      credentials,
      timings: this.#timings,
      wishes: attached.wishes,
      inlet,
      absence,
      holders,
      rate: (network) => pace.rate(network),
      strict: (value) => {
        if (!tls) return (sent = strictness.upgrades(value));
        const notes = strictness.binds(value, port);
        bound ||= notes.length > 0;
        inlet.flush(notes);
        return false;
      },
      cursors: attached.cursors,
      online: (nick) => {
        this.#online(attached, nick);
      },
      ended: (why) => {
        this.#connection = undefined;
        this.#retries.offline();
        inlet.flush([...pace.ended(why), ...(bound ? strictness.renewed() : [])]);
        this.#ended?.();
        if (!current()) return;
        if (why !== undefined) this.#failed(attached, why);
        else if (sent) this.#begin();
      },
    });
  }

  #online(attached: Attached, nick: string): void {
    if (this.#attached === attached) this.#retries.online(attached.id, addressOf(nick));
  }

  #failed(attached: Attached, why: Failure): void {
    this.#busy = why.remedy === 'retry';
    this.#retries.failed(attached.id, why);
  }

  #state(attached: Attached, state: SessionState): void {
    if (this.#attached === attached) this.#context.state(attached.id, state);
  }

  /** Takes the account off the network in order, and lets what was read be stored. Whoever asks again waits along. */
  async #leave(): Promise<void> {
    this.#leaving ??= this.#leaveOnce().finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  async #leaveOnce(): Promise<void> {
    const attached = this.#attached;
    this.#stop();
    if (attached === undefined) return;
    const before = this.#context.clock.monotonic();
    if (this.#connection !== undefined) {
      const ended = new Promise<void>((done) => {
        this.#ended = done;
      });
      this.#connection.quit();
      await ended;
    }
    const left = this.#timings.close - (this.#context.clock.monotonic() - before);
    await attached.inlet.drained(Math.max(0, left));
    attached.inlet.close();
    this.#state(attached, { state: 'offline' });
    this.#attached = undefined;
  }

  #stop(): void {
    this.#turn++;
    this.#busy = false;
    this.#retries.stop();
  }
}

function presenceOf(desired: { readonly presence: string; readonly note?: string }): PresenceState {
  const presence = presences.find((one) => one === desired.presence) ?? 'available';
  return { presence, ...(desired.note !== undefined && { note: desired.note }) };
}
