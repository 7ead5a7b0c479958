/*
 * A link alive. One account, one stream at a time; between streams a pause that grows and has jitter. What goes wrong is
 * a state: `retry` failures back off, all others wait for a person, so a wrong password is tried once.
 *
 * A residence (a bound resource) outlives the stream that began it where the server lets the next one resume it: in this
 * process after a cut, and in the next after an orderly hand-over. After a crash everything begins anew.
 */
import type {
  Admits,
  Admission,
  AttachedAccount,
  CloseReason,
  DesiredContact,
  DesiredRoom,
  HasRooms,
  KeepsRoster,
  Edits,
  HasHistory,
  HistoryAsk,
  HistoryOutcome,
  MarksRead,
  Occupant,
  OutboundEnvelope,
  Place,
  Reacts,
  RequestOutcome,
  ResolvesUnknown,
  Retracts,
  SendOutcome,
  Session,
  SessionContext,
  SessionRequest,
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
import type { Binding } from './xmpp.binding.js';
import type { Wishes } from './crew.js';
import { commandRequestKinds } from './command-requests.js';
import { credentialsOf } from './credentials.js';
import { Residence } from './residence.js';
import { findWayIn } from './way-in.js';
import { peopleRequestKinds } from './people-requests.js';
import { roomRequestKinds } from './room-requests.js';
import type { XmppTimings } from './timings.js';
import type { XmppSettings } from './xmpp.settings.js';

const notOnline = failure('network-unreachable', 'The account is not online.');

/** What belongs to the one account of the link, from attach to detach. */
interface Attached {
  readonly id: AccountId;
  readonly wishes: Wishes;
  readonly inlet: Inlet;
  readonly residence: Residence;
}

/** What a session has of a link that it shares with others. */
interface Shared {
  readonly wayIn: typeof findWayIn;
  /** Another worker holds the link. */
  readonly fenced?: () => void;
}

export class XmppSession
  implements
    Session,
    HasRooms,
    KeepsRoster,
    Admits,
    SetsPresence,
    TakesRequests,
    Edits,
    Retracts,
    Reacts,
    ShowsTyping,
    MarksRead,
    HasHistory,
    ResolvesUnknown
{
  readonly edits = true;
  readonly retracts = true;
  readonly reacts = true;
  readonly keepsRoster = true;
  readonly #settings: XmppSettings;
  readonly #context: SessionContext;
  readonly #timings: XmppTimings;
  readonly #retries: Retries;
  readonly #shared: Shared;
  #attached: Attached | undefined;
  #wanted = false;
  #closed = false;
  /** From the beginning of a try to the end of the stream that it leads to. */
  #busy = false;
  /** Ends the try that is under way. */
  #trying: AbortController | undefined;
  #cancelStalled: (() => void) | undefined;
  #leaving: Promise<void> | undefined;

  /** @param shared where the link is not the account's own: how its stream is come by, and whom to tell of its end. */
  constructor(
    settings: XmppSettings,
    context: SessionContext,
    timings: XmppTimings,
    shared: Shared = { wayIn: findWayIn },
  ) {
    this.#settings = settings;
    this.#shared = shared;
    this.#context = context;
    this.#timings = timings;
    this.#retries = new Retries(context, timings, () => {
      this.#begin();
    });
  }

  attach(account: AttachedAccount): void {
    if (this.#closed) return;
    if (this.#attached !== undefined) {
      const why = failure('unsupported', 'A link to an XMPP account carries no other.');
      this.#context.state(account.id, { state: 'needs-person', ...why });
      return;
    }
    const { rooms, contacts, admissions = [] } = account.desired;
    const wishes = { rooms, contacts, admissions, presence: presenceOf(account.desired.presence) };
    const inlet = new Inlet(this.#context, account.id, {
      full: () => {
        this.#held();
      },
      eased: () => {
        this.#eased();
      },
      fenced: () => {
        void this.close('fenced');
        this.#shared.fenced?.();
      },
    });
    const residence = new Residence({
      context: this.#context,
      account: account.id,
      inlet,
      settings: this.#settings,
      timings: this.#timings,
      wishes,
      broken: ({ failure: why }) => {
        this.#ended(attached, why ?? failure('network-unreachable', 'The server closed the connection.'));
      },
    });
    const attached: Attached = { id: account.id, wishes, inlet, residence };
    this.#attached = attached;
    if (this.#wanted) this.#begin();
  }

  async detach(account: AccountId): Promise<void> {
    if (this.#attached?.id === account) await this.#leave('asked');
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
      this.#attached?.residence.abandon();
      this.#attached = undefined;
      return;
    }
    await this.#leave(reason);
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const binding = this.#bindingOf(envelope.account);
    if (binding === undefined) return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    return binding.send(envelope, signal);
  }

  typing(account: AccountId, conversation: string, active: boolean): void {
    this.#bindingOf(account)?.crew.talk.typing(conversation, active);
  }

  async history(account: AccountId, ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    const binding = this.#bindingOf(account);
    if (binding === undefined || signal.aborted) return { outcome: 'refused', failure: notOnline };
    return binding.history(ask, signal);
  }

  async resolve(envelope: OutboundEnvelope, signal: AbortSignal): Promise<'present' | 'absent' | 'unknown'> {
    return (await this.#bindingOf(envelope.account)?.resolve(envelope, signal)) ?? 'unknown';
  }

  markRead(account: AccountId, conversation: string, upTo: Place): void {
    this.#bindingOf(account)?.markRead(conversation, upTo);
  }

  setRooms(account: AccountId, rooms: readonly DesiredRoom[]): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.rooms = rooms;
    this.#attached.residence.wished('rooms');
  }

  occupants(account: AccountId, conversation: string): readonly Occupant[] {
    return this.#bindingOf(account)?.crew.rooms.occupants(conversation) ?? [];
  }

  readonly requestKinds = [...roomRequestKinds, ...peopleRequestKinds, ...commandRequestKinds];

  async request(account: AccountId, request: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const binding = this.#bindingOf(account);
    if (binding === undefined) return { outcome: 'refused', failure: notOnline };
    return binding.request(request, signal);
  }

  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.contacts = contacts;
    this.#bindingOf(account)?.crew.people.roster.setContacts(contacts);
  }

  setAdmissions(account: AccountId, admissions: readonly Admission[]): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.admissions = admissions;
    this.#bindingOf(account)?.crew.people.subscriptions.setAdmissions(admissions);
  }

  setPresence(account: AccountId, presence: PresenceState): void {
    if (this.#attached?.id !== account) return;
    this.#attached.wishes.presence = presence;
    this.#bindingOf(account)?.crew.people.presence.setPresence(presence);
    this.#attached.residence.wished('presence');
  }

  #bindingOf(account: AccountId): Binding | undefined {
    return this.#attached?.id === account ? this.#attached.residence.binding : undefined;
  }

  /** One try to get in. Everything that can go wrong ends in `#ended`. */
  #begin(): void {
    const attached = this.#attached;
    if (attached === undefined) return;
    this.#busy = true;
    const trying = (this.#trying = new AbortController());
    this.#state(attached, { state: 'connecting' });
    this.#enter(attached, trying.signal).catch((error: unknown) => {
      this.#context.log.warn({ account: attached.id, error: String(error) }, 'could not begin to connect');
      if (!trying.signal.aborted)
        this.#ended(attached, failure('internal', 'The session could not be prepared.'));
    });
  }

  async #enter(attached: Attached, signal: AbortSignal): Promise<void> {
    const { jid } = this.#settings;
    if (jid?.local === undefined) {
      this.#ended(attached, failure('not-found', 'The settings name no XMPP address.', 'ask-person'));
      return;
    }
    const givenUp = (): boolean => signal.aborted;
    const credentials = credentialsOf(await this.#context.secrets());
    if (givenUp()) return;
    const way = await this.#shared.wayIn({
      context: this.#context,
      settings: this.#settings,
      jid,
      credentials,
      timings: this.#timings,
      signal,
    });
    if (givenUp()) {
      if (way.way === 'in') way.stream.destroy();
      return;
    }
    if (way.way === 'closed') {
      this.#busy = false;
      return;
    }
    if (way.way === 'none') {
      this.#ended(attached, way.failure);
      return;
    }
    if (attached.inlet.isFull) {
      way.stream.destroy();
      this.#ended(attached, failure('storage-unavailable', 'What was read before is not stored yet.'));
      return;
    }
    const entered = await attached.residence.enter(way.stream, way.features);
    if (givenUp()) return;
    if ('code' in entered) {
      this.#ended(attached, entered);
      return;
    }
    // Said before others can reach us, it would promise too much. Meanwhile the stream may break, and another try begin.
    await attached.residence.binding?.visible();
    if (givenUp() || this.#trying?.signal !== signal || attached.residence.binding === undefined) return;
    this.#retries.online(attached.id, entered.address);
  }

  /** A try has failed, or the stream that it led to is over. */
  #ended(attached: Attached, why: Failure): void {
    if (this.#attached !== attached || !this.#busy) return;
    this.#retries.offline();
    this.#eased();
    if (this.#closed || this.#leaving !== undefined) return;
    this.#busy = why.remedy === 'retry';
    this.#retries.failed(attached.id, why);
  }

  /** The house is behind: nothing more is read, but not for ever. */
  #held(): void {
    this.#attached?.residence.holdBack();
    this.#cancelStalled ??= this.#context.clock.after(this.#timings.stalled, () => {
      const why = failure('storage-unavailable', 'What the network says could not be stored for too long.');
      this.#attached?.residence.cut(why);
    });
  }

  #eased(): void {
    this.#cancelStalled?.();
    this.#cancelStalled = undefined;
    this.#attached?.residence.easeOff();
  }

  #state(attached: Attached, state: SessionState): void {
    if (this.#attached === attached) this.#context.state(attached.id, state);
  }

  /** Takes the account off the network in order, and lets what was read be stored. Whoever asks again waits along. */
  async #leave(reason: CloseReason): Promise<void> {
    this.#leaving ??= this.#leaveOnce(reason).finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  async #leaveOnce(reason: CloseReason): Promise<void> {
    const attached = this.#attached;
    this.#stop();
    if (attached === undefined) return;
    const { clock } = this.#context;
    const before = clock.monotonic();
    await attached.residence.leave(reason);
    await attached.inlet.drained(Math.max(0, this.#timings.close - (clock.monotonic() - before)));
    attached.inlet.close();
    this.#state(attached, { state: 'offline' });
    if (this.#attached === attached) this.#attached = undefined;
  }

  #stop(): void {
    this.#trying?.abort();
    this.#trying = undefined;
    this.#busy = false;
    this.#cancelStalled?.();
    this.#cancelStalled = undefined;
    this.#retries.stop();
  }
}

function presenceOf({ presence, note }: AttachedAccount['desired']['presence']): PresenceState {
  const known = presences.find((one) => one === presence) ?? 'available';
  return { presence: known, ...(note !== undefined && { note }) };
}
