/*
 * The session of one account that is registered with its server. Everything it says goes to that server over the flow of its
 * registration; within a dialog where the dialog says.
 */
import { createHash } from 'node:crypto';
import type {
  Admission,
  Admits,
  AttachedAccount,
  CallName,
  CallOrder,
  CloseReason,
  DesiredContact,
  EndOutcome,
  HasContacts,
  MarksRead,
  OutboundEnvelope,
  Paces,
  Place,
  PlaceOutcome,
  PlacesCalls,
  SendOutcome,
  Session,
  SessionClock,
  SessionContext,
  SetsPresence,
  ShowsTyping,
} from '#connector';
import { Keeper, Life, readNote, TokenBucket, type Entry } from '#connector/session';
import { failure, type AccountId, type Failure, type PresenceState } from '#model';
import {
  Credentials,
  Headers,
  parseUri,
  type Answer,
  type Ask,
  type Flow,
  type Hop,
  type InviteHandle,
  type SipRequest,
} from '#protocols/sip';
import { withContact, type AskOptions, type InviteOptions, type Line } from './line.js';
import { capabilities } from './capabilities.js';
import { contactUri, type Pool, type Seat } from './pool.js';
import { Registration } from './registration.js';
import { noCalls, Residence } from './residence.js';
import { addressOf, domainOf, uriOf } from './sip.addresses.js';
import type { SipSettings } from './sip.settings.js';
import { serverUri, wayTo, wayToText, type WayOptions } from './server-way.js';
import type { SipTimings } from './timings.js';

const notOnline = failure('network-unreachable', 'The account is not online.');
const behind = failure('storage-unavailable', 'What came from the network could not be stored for too long.');
/** There is no way to anybody. */
const offline: Answer = {
  answer: 'none',
  why: 'not-sent',
  left: false,
  detail: 'the account is not online',
};
const noAddress = failure('not-found', 'The settings have no SIP address that can be read.', 'ask-person');
/** The Contact of the last session, to take it back where that could not. */
const contactKey = 'sip.contact';

/** What belongs to the one account of the link, from attach to detach. */
interface Attached {
  readonly id: AccountId;
  readonly seat: Seat;
  readonly keeper: Keeper;
  readonly life: Life;
  readonly line: Line;
  readonly residence: Residence;
  registration: Registration | undefined;
  credentials: Credentials | undefined;
  clientKey: string | undefined;
}

export class SipSession
  implements Session, Paces, ShowsTyping, MarksRead, HasContacts, Admits, SetsPresence, PlacesCalls
{
  readonly #settings: SipSettings;
  readonly #context: SessionContext;
  readonly #timings: SipTimings;
  readonly #pool: Pool;
  readonly #self: string | undefined;
  readonly #bucket: TokenBucket;
  #attached: Attached | undefined;
  #wanted = false;
  #closed = false;
  #leaving: Promise<void> | undefined;

  constructor(settings: SipSettings, context: SessionContext, timings: SipTimings, pool: Pool) {
    this.#settings = settings;
    this.#context = context;
    this.#timings = timings;
    this.#pool = pool;
    this.#self = addressOf(/^sips?:/i.test(settings.address) ? settings.address : `sip:${settings.address}`);
    this.#bucket = new TokenBucket(settings.rate, settings.rate, () => context.clock.monotonic());
  }

  attach(account: AttachedAccount): void {
    if (this.#closed) return;
    const why =
      this.#attached !== undefined
        ? failure('unsupported', 'A registration carries no other account.', 'ask-person')
        : this.#self === undefined
          ? noAddress
          : undefined;
    if (why !== undefined || this.#self === undefined) {
      this.#context.state(account.id, { state: 'needs-person', ...(why ?? noAddress) });
      return;
    }
    this.#attached = this.#make(account, this.#self);
    if (this.#wanted) this.#attached.life.begin();
  }

  async detach(account: AccountId): Promise<void> {
    if (this.#attached?.id === account) await this.#leave();
  }

  connect(): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#attached?.life.begin();
  }

  async close(reason: CloseReason): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wanted = false;
    if (reason !== 'fenced') {
      await this.#leave();
      return;
    }
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    attached.life.stop();
    attached.keeper.close();
    this.#offline(attached);
    await attached.seat.leave();
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    const attached = this.#of(envelope.account);
    if (attached?.registration?.registered === undefined || this.#leaving !== undefined) {
      return { outcome: 'later', retryAfterMs: 1_000, failure: notOnline };
    }
    this.#bucket.take();
    return attached.residence.send(envelope, signal);
  }

  allowance(account: AccountId): ReturnType<Paces['allowance']> {
    if (this.#of(account)?.registration?.registered === undefined) return { envelopes: 0, againInMs: 1_000 };
    return { envelopes: this.#bucket.available(), againInMs: Math.max(1, this.#bucket.wait(1)) };
  }

  typing(account: AccountId, conversation: string, active: boolean): void {
    this.#of(account)?.residence.typing(conversation, active);
  }

  markRead(account: AccountId, conversation: string, upTo: Place): void {
    this.#of(account)?.residence.markRead(conversation, upTo);
  }

  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void {
    this.#of(account)?.residence.setContacts(contacts);
  }

  setAdmissions(account: AccountId, admissions: readonly Admission[]): void {
    this.#of(account)?.residence.setAdmissions(admissions);
  }

  setPresence(account: AccountId, presence: PresenceState): void {
    this.#of(account)?.residence.setPresence(presence);
  }

  placeCall(account: AccountId, order: CallOrder): Promise<PlaceOutcome> {
    return Promise.resolve(this.#of(account)?.residence.placeCall(order) ?? noCalls);
  }

  endCall(account: AccountId, call: CallName): Promise<EndOutcome> {
    return Promise.resolve(this.#of(account)?.residence.endCall(call) ?? noCalls);
  }

  #of(account: AccountId): Attached | undefined {
    return this.#attached?.id === account ? this.#attached : undefined;
  }

  #make({ id, desired }: AttachedAccount, self: string): Attached {
    const context = this.#context;
    const name = createHash('sha256').update(id).digest('hex').slice(0, 20);
    const seat = this.#pool.enter(name, (incoming) => {
      attached.residence.take(incoming);
    });
    const keeper = new Keeper(context, id, this.#timings, {
      // The peer is told to come again; there is nothing to hold.
      full: () => undefined,
      eased: () => undefined,
      stalled: () => {
        this.#broken(attached, behind);
      },
      fenced: () => {
        void this.close('fenced');
      },
    });
    const line: Line = {
      self,
      displayName: this.#settings.displayName,
      contact: (flow) => contactUri(name, flow),
      ask: (request, options) => this.#ask(attached, request, options),
      invite: (request, options) => this.#invite(attached, request, options),
      cancel: (invite, headers) => this.#cancel(attached, invite, headers),
      flowTo: (hop) => this.#flowTo(attached, hop),
    };
    const parts = { context, account: id, settings: this.#settings, timings: this.#timings, line, keeper };
    const attached: Attached = {
      id,
      seat,
      keeper,
      life: new Life(context, id, this.#timings, (signal) => this.#enter(attached, self, signal)),
      line,
      residence: new Residence(parts, desired, true),
      registration: undefined,
      credentials: undefined,
      clientKey: undefined,
    };
    return attached;
  }

  async #enter(attached: Attached, self: string, signal: AbortSignal): Promise<Entry> {
    const givenUp = (): boolean => signal.aborted;
    const { password, ha1, clientKey } = await this.#context.secrets();
    attached.clientKey = clientKey;
    // The numbers that a server gives us for signing are good for the next try, too.
    attached.credentials = this.#credentials(self, password, ha1);
    const distrusted: Failure[] = [];
    const way = await wayTo(this.#server(self), {
      ...this.#wayOptions(attached),
      distrusted: (why) => {
        distrusted.push(why);
      },
    });
    if (way.way === 'closed' || givenUp()) return { entry: 'closed' };
    if (way.way === 'none') return { entry: 'none', failure: way.failure };
    const former = await readNote(this.#context, attached.id, contactKey);
    const registration = new Registration({
      context: this.#context,
      account: attached.id,
      seat: attached.seat,
      self,
      credentials: attached.credentials,
      expires: this.#settings.expires,
      timings: this.#timings,
      ended: (why) => {
        if (attached.registration === registration) this.#broken(attached, why);
      },
    });
    const registered = await registration.begin(
      way.hops,
      signal,
      typeof former?.value === 'string' ? former.value : undefined,
    );
    if (givenUp()) {
      void registration.end(this.#timings.close);
      return { entry: 'closed' };
    }
    if ('code' in registered) {
      registration.stop();
      return { entry: 'none', failure: distrusted[0] ?? registered };
    }
    attached.registration = registration;
    void attached.keeper.store({
      events: [],
      keyValues: [{ account: attached.id, key: contactKey, value: registered.contact }],
    });
    this.#context.capabilities(attached.id, capabilities);
    attached.residence.online();
    return { entry: 'in', localAddress: self };
  }

  /** The server that the settings name, or that the domain has. */
  #server(self: string): Parameters<typeof wayTo>[0] {
    const { host, port, transport, address } = this.#settings;
    const domain = domainOf(self);
    const uri = parseUri(uriOf(self));
    const named = serverUri(host ?? uri?.host ?? domain, host === undefined ? uri?.port : port, transport);
    return /^sips:/i.test(address) ? { ...named, scheme: 'sips' } : named;
  }

  #credentials(self: string, password: string | undefined, ha1: string | undefined): Credentials | undefined {
    const user = this.#settings.authUser ?? parseUri(uriOf(self))?.user ?? '';
    if (password !== undefined) return new Credentials({ user, password });
    const realm = domainOf(self);
    return ha1 === undefined ? undefined : new Credentials({ user, ha1, realm });
  }

  #wayOptions({ clientKey }: Attached): WayOptions {
    const { host } = this.#settings;
    const domain = host ?? (this.#self && domainOf(this.#self));
    return {
      context: this.#context,
      tls: { ...this.#settings, ...(clientKey !== undefined && { clientKey }) },
      findMs: this.#timings.find,
      ...(domain !== undefined && { domain }),
    };
  }

  async #ask(
    attached: Attached,
    request: SipRequest,
    { hop, contact, signal, timeoutMs }: AskOptions = {},
  ): Promise<Answer> {
    const way = await this.#way(attached, request, hop, contact);
    if (way === undefined) return offline;
    const answer = await attached.seat.stack.request({
      ...way,
      ...(signal !== undefined && { signal }),
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    // Over UDP nothing else tells that the server is gone.
    if (answer.answer === 'none' && answer.why === 'timeout') attached.registration?.check();
    return answer;
  }

  async #invite(
    attached: Attached,
    request: SipRequest,
    { hop, contact, ...options }: InviteOptions = {},
  ): Promise<InviteHandle | undefined> {
    const way = await this.#way(attached, request, hop, contact);
    return way && attached.seat.stack.invite({ ...way, ...options });
  }

  async #cancel(
    attached: Attached,
    invite: SipRequest,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const registered = attached.registration?.registered;
    if (registered === undefined) return offline;
    return attached.seat.stack.cancel(invite, [hopOf(registered.flow)], headers);
  }

  async #flowTo(attached: Attached, hop: string): Promise<Flow | undefined> {
    const registered = attached.registration?.registered;
    const way = await wayToText(hop, this.#wayOptions(attached));
    if (registered === undefined || way.way !== 'hops') return undefined;
    if (way.hops.some((one) => isOver(one, registered.flow))) return registered.flow;
    const [first] = way.hops;
    return first && (await attached.seat.stack.flowTo(first).catch(() => undefined));
  }

  /** Where a request goes: over the registration; or, within a dialog, where that says (RFC 3261 §12.2.1.1). */
  async #way(
    attached: Attached,
    request: SipRequest,
    hop: string | undefined,
    contact = false,
  ): Promise<Pick<Ask, 'request' | 'hops' | 'credentials'> | undefined> {
    const registered = attached.registration?.registered;
    if (registered === undefined) return undefined;
    const { flow, routes } = registered;
    const { credentials } = attached;
    const whole = contact ? withContact(attached.line, request) : request;
    const signed = credentials !== undefined && { credentials };
    if (hop === undefined) return { request: routed(whole, routes), hops: [hopOf(flow)], ...signed };
    const way = await wayToText(hop, this.#wayOptions(attached));
    if (way.way !== 'hops') return undefined;
    const overOurs = way.hops.some((one) => isOver(one, flow));
    return { request: whole, hops: overOurs ? [hopOf(flow)] : way.hops, ...signed };
  }

  /** The registration is over, by itself or because the house is behind. */
  #broken(attached: Attached, why: Failure): void {
    this.#offline(attached);
    if (this.#attached === attached && this.#leaving === undefined) attached.life.ended(why);
  }

  #offline(attached: Attached): void {
    attached.registration?.stop();
    attached.registration = undefined;
    attached.residence.offline();
  }

  /** Takes the account off in order: what came is stored, and the server told. Whoever asks again waits along. */
  async #leave(): Promise<void> {
    this.#leaving ??= this.#leaveOnce().finally(() => {
      this.#leaving = undefined;
    });
    await this.#leaving;
  }

  async #leaveOnce(): Promise<void> {
    const attached = this.#attached;
    if (attached === undefined) return;
    const { clock } = this.#context;
    const before = clock.monotonic();
    const left = (): number => Math.max(1, this.#timings.close - (clock.monotonic() - before));
    attached.life.stop();
    await attached.residence.leave();
    const { registration } = attached;
    attached.registration = undefined;
    await registration?.end(left() / 2);
    attached.residence.offline();
    await attached.keeper.drained(left());
    attached.keeper.close();
    await inTime(attached.seat.leave(), left(), clock);
    this.#context.state(attached.id, { state: 'offline' });
    if (this.#attached === attached) this.#attached = undefined;
  }
}

/** Requests over a connection stay on it; over UDP a large one may take another way to the same place (§18.1.1). */
function hopOf(flow: Flow): Hop | Flow {
  if (flow.transport !== 'udp') return flow;
  return { transport: 'udp', address: flow.remote.address, port: flow.remote.port };
}

function isOver({ transport, address, port }: Hop, flow: Flow): boolean {
  return transport === flow.transport && address === flow.remote.address && port === flow.remote.port;
}

/** With the routes that the registrar wants taken (RFC 3608 §6.1). */
function routed(
  request: SipRequest | ((flow: Flow) => SipRequest),
  routes: readonly string[],
): SipRequest | ((flow: Flow) => SipRequest) {
  if (routes.length === 0) return request;
  return (flow) => {
    const made = typeof request === 'function' ? request(flow) : request;
    if (made.headers.has('route')) return made;
    const headers = Headers.from(made.headers);
    for (const route of routes.toReversed()) headers.prepend('route', route);
    return { ...made, headers };
  };
}

async function inTime(work: Promise<unknown>, ms: number, clock: SessionClock): Promise<void> {
  await Promise.race([
    work,
    new Promise<void>((done) => {
      clock.after(ms, done);
    }),
  ]);
}
