import {
  can,
  type CloseReason,
  type Connector,
  type ConnectorDescription,
  type InboundEvent,
  type JsonObject,
  type OutboundEnvelope,
  type Session,
} from '#connector';
import { RequestRefused } from '#bus';
import type { IngressAddresses, LinkAccount, LoadedLink } from '#accounts';
import { assess, type Dispatcher, type Outlet, type UnknownFates } from '#delivery';
import type { AccountId, LinkId, PresenceState, SessionState, WorkspaceId } from '#model';
import type { CallIntake } from './call-intake.js';
import type { Taker } from './inbound-units.js';
import type { IngressHandOver, IngressTaker } from './ingress-hand-over.js';
import { SessionHouse, type HouseRooms } from './session-house.js';

/** What a running link needs of the worker. */
export interface Surroundings extends HouseRooms {
  readonly dispatcher: Dispatcher;
  readonly unknowns: UnknownFates;
  readonly handOver: IngressHandOver;
  readonly ingresses: IngressAddresses;
  readonly calls: CallIntake;
  /** A write found that somebody else holds the link. */
  fenced(link: LinkId): void;
  wished(link: LinkId): void;
}

/** Outcomes of what is not stored and may be asked for again. */
const lost: ReadonlySet<string> = new Set(['not-stored', 'in-doubt', 'fenced']);

/** What a network's rate allows when its session does not pace itself: the limits in flight do. */
const UNPACED = { envelopes: Number.MAX_SAFE_INTEGER, againInMs: 0 };

/** One link alive under one lease epoch: its session, its accounts, their ways out. */
export class LinkRuntime implements Taker {
  readonly link: LinkId;
  readonly workspace: WorkspaceId;
  private readonly session: Session;
  private readonly house: SessionHouse;
  private readonly description: ConnectorDescription;
  private readonly accounts = new Map<AccountId, LinkAccount>();
  private readonly onlineNow = new Set<AccountId>();
  /** Ends of handing over what providers tell. */
  private readonly lines = new Map<AccountId, () => Promise<void>>();
  private closing: Promise<void> | undefined;

  constructor(
    private loaded: LoadedLink,
    readonly epoch: bigint,
    readonly connector: Connector,
    private readonly around: Surroundings,
  ) {
    this.link = loaded.id;
    this.workspace = loaded.workspace;
    this.description = connector.describe();
    this.house = new SessionHouse(this, loaded.privateLeave, around, {
      holderOf: (account) => this.accounts.get(account)?.holder,
      ingressUrlOf: (account) => {
        const seal = this.accounts.get(account)?.ingress;
        return seal && around.ingresses.url(account, seal);
      },
      online: (account, online) => {
        if (online) this.onlineNow.add(account);
        else this.onlineNow.delete(account);
        around.dispatcher.online(account, online);
      },
      wake: (account) => {
        around.dispatcher.wake(account);
      },
      fenced: () => {
        around.fenced(this.link);
      },
      wished: () => {
        around.wished(this.link);
      },
    });
    this.session = connector.open({ id: loaded.id, settings: loaded.settings }, this.house);
  }

  /** What a dead predecessor was sending has an unknown fate from now on; then the session begins. */
  async start(): Promise<void> {
    await this.around.unknowns.abandon(this);
    await this.around.calls.abandon(this.loaded.accounts.map(({ id }) => id));
    for (const account of this.loaded.accounts) if (account.wanted) this.attach(account);
    this.session.connect();
  }

  /** Brings the session in line with the tables; false when it must be opened anew, under other settings. */
  async follow(loaded: LoadedLink): Promise<boolean> {
    if (loaded.version !== this.loaded.version) return false;
    this.loaded = loaded;
    const wanted = new Map(
      loaded.accounts.filter((account) => account.wanted).map((account) => [account.id, account]),
    );
    for (const id of [...this.accounts.keys()]) if (!wanted.has(id)) await this.detach(id);
    for (const [id, account] of wanted) {
      const before = this.accounts.get(id);
      if (!before) this.attach(account);
      else this.desire(before, account);
    }
    return true;
  }

  /** Whether the link carries an account now. */
  carries(account: AccountId): boolean {
    return this.accounts.has(account);
  }

  /** Whether all of its accounts are online. */
  get online(): boolean {
    return this.onlineNow.size === this.accounts.size;
  }

  get carried(): ReadonlySet<AccountId> {
    return new Set(this.accounts.keys());
  }

  get settings(): JsonObject {
    return this.loaded.settings;
  }

  get protocol(): string {
    return this.description.protocol;
  }

  /** The live session, for requests. */
  get live(): Session {
    return this.session;
  }

  /**
   * Takes in what a session was asked for. Answers how many were new.
   * @param positions where each is to stand
   * @throws RequestRefused `storage-unavailable` where some of it could not be stored
   */
  async takeIn(events: readonly InboundEvent[], positions: readonly number[]): Promise<number> {
    if (events.length === 0) return 0;
    const outcomes = await this.house.emit({ events }, undefined, positions);
    if (outcomes.some(({ outcome }) => lost.has(outcome))) {
      throw new RequestRefused('storage-unavailable', 'What the network told could not be stored.');
    }
    return outcomes.filter(({ outcome }) => outcome === 'stored').length;
  }

  /** Ends the session: what is in flight is settled and written, then its accounts are told offline unless they move on. */
  close(reason: CloseReason): Promise<void> {
    this.closing ??= this.closeOnce(reason);
    return this.closing;
  }

  private async closeOnce(reason: CloseReason): Promise<void> {
    const lines = [...this.lines.values()].map((end) => end());
    await this.session.close(reason);
    for (const account of this.accounts.keys()) await this.around.dispatcher.close(account);
    if (reason === 'fenced') {
      this.house.mute();
      await Promise.all(lines);
      return;
    }
    for (const account of this.accounts.keys()) this.house.state(account, { state: 'offline' });
    await this.house.settle();
    this.house.mute();
    await Promise.all(lines);
  }

  private attach(account: LinkAccount): void {
    this.accounts.set(account.id, account);
    this.around.dispatcher.open(this.outletOf(account));
    this.session.attach({
      id: account.id,
      ...(this.loaded.shared && account.localAddress !== null ? { localAddress: account.localAddress } : {}),
      desired: account.desired,
    });
    this.takeIngress(account.id);
  }

  /** What its provider tells is handed to the session from now on. */
  private takeIngress(account: AccountId): void {
    const { session, workspace } = this;
    if (!can(session, 'accepts-http')) return;
    const takeIn: IngressTaker['takeIn'] = (item) => session.takeIn(account, item);
    this.lines.set(account, this.around.handOver.open({ workspace, account, takeIn }));
  }

  private async detach(id: AccountId): Promise<void> {
    const line = this.lines.get(id)?.();
    await this.session.detach(id);
    await line;
    this.lines.delete(id);
    await this.around.dispatcher.close(id);
    this.accounts.delete(id);
    this.house.state(id, { state: 'offline' } satisfies SessionState);
  }

  private desire(before: LinkAccount, now: LinkAccount): void {
    this.accounts.set(now.id, now);
    const { session } = this;
    if (
      can(session, 'has-rooms') &&
      JSON.stringify(before.desired.rooms) !== JSON.stringify(now.desired.rooms)
    ) {
      session.setRooms(now.id, now.desired.rooms);
    }
    if (
      can(session, 'has-contacts') &&
      JSON.stringify(before.desired.contacts) !== JSON.stringify(now.desired.contacts)
    ) {
      session.setContacts(now.id, now.desired.contacts);
    }
    if (
      can(session, 'admits') &&
      JSON.stringify(before.desired.admissions) !== JSON.stringify(now.desired.admissions)
    ) {
      session.setAdmissions(now.id, now.desired.admissions ?? []);
    }
    if (
      can(session, 'sets-presence') &&
      JSON.stringify(before.desired.presence) !== JSON.stringify(now.desired.presence)
    ) {
      session.setPresence(now.id, now.desired.presence as PresenceState);
    }
  }

  private outletOf(account: LinkAccount): Outlet {
    const { session, description } = this;
    const never = new AbortController().signal;
    return {
      workspace: this.workspace,
      link: this.link,
      account: account.id,
      connector: description.protocol,
      epoch: this.epoch,
      inFlight: description.inFlight,
      onUnknown: account.onUnknown,
      allowance: () => (can(session, 'paces') ? session.allowance(account.id) : UNPACED),
      assess: (ask) => assess(this, ask),
      send: (envelope) => session.send(envelope, this.house.ending),
      ...(can(session, 'resolves-unknown')
        ? { resolve: (envelope: OutboundEnvelope) => session.resolve(envelope, never) }
        : {}),
      fenced: () => {
        this.around.fenced(this.link);
      },
    };
  }
}
