import type {
  Admission,
  AttachedAccount,
  DesiredContact,
  DesiredRoom,
  Occupant,
  SessionContext,
} from '#connector';
import {
  failure,
  presences,
  unreachable,
  type AccountId,
  type Capabilities,
  type PresenceState,
} from '#model';
import { Bucket } from './bucket.js';
import type { Arrived } from './file-inbox.js';
import { fileOf, fromLoopback, occupantOf, withoutCapabilities } from './from-loopback.js';
import type { Inbound } from './inlet.js';
import { isCanonical } from './loopback.addresses.js';
import type { ClientFrame, LoopbackEvent, ServerFrame } from './loopback.frames.js';
import type { LoopbackSettings } from './loopback.settings.js';
import { Prefix } from './prefix.js';

/** The frames that are about one name. */
export type SeatFrame = Extract<
  ServerFrame,
  { readonly t: 'attached' | 'deliver' | 'joined' | 'unjoined' | 'came' | 'went' | 'presence' | 'typing' }
>;

/** What a seat needs of its session. */
export interface SeatHost {
  readonly context: SessionContext;
  readonly settings: LoopbackSettings;
  readonly capabilities: Capabilities;
  /** The scope in which the network's ids are unique. */
  readonly scope: string;
  write(frame: ClientFrame): void;
  /** More of a seat's inbox is kept than was acknowledged. */
  grew(seat: Seat): void;
}

const checkpointKey = 'inbox';

/** One account on the link: its name, what should be true of it, and how far its inbox is kept. */
export class Seat {
  readonly id: AccountId;
  readonly name: string;
  readonly bucket: Bucket;
  online = false;
  /** On its way out: nothing more is sent for it. */
  leaving = false;
  private desired: readonly DesiredRoom[];
  private contacts: readonly DesiredContact[];
  private admissions: readonly Admission[];
  private presence: PresenceState;
  private readonly rooms = new Map<string, Map<string, Occupant>>();
  private prefix = new Prefix(1);
  private acknowledged = 0;
  private instance = '';

  constructor(
    account: AttachedAccount,
    private readonly host: SeatHost,
  ) {
    const { settings, context } = host;
    this.id = account.id;
    this.name = account.localAddress ?? settings.name;
    this.desired = account.desired.rooms.filter(isRoom);
    this.contacts = contactsOf(account.desired.contacts);
    this.admissions = account.desired.admissions ?? [];
    this.presence = presenceOf(account.desired.presence);
    this.bucket = new Bucket(settings.flood, context.clock.monotonic());
  }

  /** The frame that asks for the seat; with checkpoints, from where the stored position says. */
  async attachFrame(): Promise<ClientFrame> {
    const { context, settings } = this.host;
    const kept = settings.checkpoints ? await context.keyValues.read(this.id, checkpointKey) : undefined;
    const after = positionOf(kept);
    return { t: 'attach', as: this.name, ...(after ? { after } : {}) };
  }

  /** The link is gone. Rooms are forgotten: they are entered again at the next connect. */
  lost(): void {
    this.online = false;
    this.rooms.clear();
  }

  setRooms(rooms: readonly DesiredRoom[]): void {
    this.desired = rooms.filter(isRoom);
    if (!this.online) return;
    const wanted = new Set(this.desired.map(({ address }) => address));
    for (const room of this.rooms.keys()) {
      if (!wanted.has(room)) this.host.write({ t: 'part', as: this.name, room });
    }
    for (const room of this.desired) if (!this.rooms.has(room.address)) this.join(room);
  }

  setContacts(contacts: readonly DesiredContact[]): void {
    this.contacts = contactsOf(contacts);
    if (this.online) this.tellContacts();
  }

  setAdmissions(admissions: readonly Admission[]): void {
    this.admissions = admissions;
    if (this.online) this.tellAdmissions();
  }

  setPresence(presence: PresenceState): void {
    this.presence = presence;
    if (this.online) this.tellPresence();
  }

  occupants(room: string): readonly Occupant[] {
    return [...(this.rooms.get(room)?.values() ?? [])];
  }

  /** Says how far the inbox is kept, if that has grown. */
  acknowledge(): void {
    const n = this.prefix.settled;
    if (!this.online || n <= this.acknowledged) return;
    this.acknowledged = n;
    this.host.write({ t: 'ack', as: this.name, n });
  }

  /** The position that may be stored: never past what is known to be kept, so that a crash repeats and never skips. */
  checkpoint() {
    if (!this.host.settings.checkpoints || this.instance === '') return undefined;
    return { key: checkpointKey, value: { instance: this.instance, n: this.prefix.settled } };
  }

  /** Takes a frame about this name and gives what is to be stored because of it. */
  take(frame: SeatFrame): Arrived | undefined {
    const { context } = this.host;
    switch (frame.t) {
      case 'attached':
        return this.attached(frame);
      case 'deliver':
        return this.deliver(frame);
      case 'joined':
        return this.joined(frame);
      case 'unjoined':
        return this.unjoined(frame);
      case 'came': {
        const occupant = occupantOf(frame.who);
        this.rooms.get(frame.room)?.set(occupant.address, occupant);
        context.occupancy(this.id, frame.room, { joined: [occupant] });
        return undefined;
      }
      case 'went':
        this.rooms.get(frame.room)?.delete(frame.who);
        context.occupancy(this.id, frame.room, { left: [frame.who] });
        return undefined;
      case 'presence':
        context.presence(this.id, frame.who, {
          presence: frame.presence,
          ...(frame.note === undefined ? {} : { note: frame.note }),
          since: this.at().toISOString(),
        });
        return undefined;
      case 'typing':
        context.typing(this.id, frame.conversation, frame.who, frame.active);
        return undefined;
      default:
        return unreachable(frame);
    }
  }

  private attached(frame: Extract<SeatFrame, { t: 'attached' }>): Inbound | undefined {
    const { context, capabilities } = this.host;
    this.online = true;
    this.instance = frame.instance;
    this.prefix = new Prefix(frame.first);
    this.acknowledged = this.prefix.settled;
    context.state(this.id, { state: 'online', localAddress: this.name });
    context.capabilities(this.id, capabilities);
    this.tellPresence();
    if (this.contacts.length > 0) this.tellContacts();
    this.tellAdmissions();
    for (const room of this.desired) this.join(room);
    if (!frame.lost) return undefined;
    const { from, until, reason } = frame.lost;
    return {
      event: { type: 'gap', account: this.id, from: new Date(from), until: new Date(until), reason },
    };
  }

  private deliver(frame: Extract<SeatFrame, { t: 'deliver' }>): Arrived {
    const { n } = frame;
    const prefix = this.prefix;
    const event = fromLoopback(frame.event, {
      account: this.id,
      scope: this.host.scope,
      mode: frame.late === true ? 'catch-up' : 'live',
      receiptsById: this.host.settings.receiptsById,
      consentWords: this.host.settings.consentWords,
    });
    if (frame.event.kind === 'contact') this.listed(frame.event.who.address, frame.event.listed);
    if (frame.event.kind === 'room' && frame.event.joined === false)
      this.rooms.delete(frame.event.conversation);
    return {
      event,
      ...fileIn(frame.event),
      settled: (refused) => {
        // Numbers belong to the connection that they came on.
        if (prefix !== this.prefix) return;
        if (refused && this.online) this.host.write({ t: 'decline', as: this.name, n, code: refused.code });
        if (prefix.settle(n)) this.host.grew(this);
      },
    };
  }

  private joined(frame: Extract<SeatFrame, { t: 'joined' }>): Inbound {
    const { context, capabilities } = this.host;
    const occupants = frame.who.map(occupantOf);
    this.rooms.set(frame.room, new Map(occupants.map((occupant) => [occupant.address, occupant])));
    context.occupancy(this.id, frame.room, { joined: occupants });
    if (frame.without && frame.without.length > 0) {
      context.capabilities(this.id, withoutCapabilities(capabilities, frame.without), frame.room);
    }
    return {
      event: {
        ...this.roomEvent(frame.room),
        joined: true,
        ...(frame.topic === undefined ? {} : { topic: frame.topic }),
      },
    };
  }

  private unjoined(frame: Extract<SeatFrame, { t: 'unjoined' }>): Inbound {
    this.rooms.delete(frame.room);
    return {
      event: {
        ...this.roomEvent(frame.room),
        joined: false,
        ...(frame.code === undefined ? {} : { failure: failure(frame.code, frame.detail) }),
      },
    };
  }

  private roomEvent(room: string) {
    return {
      type: 'room',
      account: this.id,
      conversation: room,
      conversationKind: 'room',
      at: this.at(),
    } as const;
  }

  private join({ address, options }: DesiredRoom): void {
    const key = options['key'];
    this.host.write({
      t: 'join',
      as: this.name,
      room: address,
      ...(typeof key === 'string' ? { key } : {}),
    });
  }

  private tellPresence(): void {
    const { presence, note } = this.presence;
    this.host.write({ t: 'presence', as: this.name, presence, ...(note === undefined ? {} : { note }) });
  }

  private tellContacts(): void {
    const off = this.contacts.filter(({ removed }) => removed === true).map(({ address }) => address);
    const who = this.contacts.flatMap(({ address, name, groups, settled, removed }) =>
      removed === true
        ? []
        : [
            {
              address,
              groups,
              ...(name === undefined ? {} : { name }),
              ...(settled === undefined ? {} : { settled }),
            },
          ],
    );
    this.host.write({ t: 'contacts', as: this.name, who, off });
  }

  /** The network has somebody on the roster as they were wanted, or has them no longer: from now on its word counts. */
  private listed(address: string, listed: boolean): void {
    this.contacts = this.contacts.flatMap((contact) => {
      if (contact.address !== address) return [contact];
      return listed ? [{ ...contact, settled: true }] : [];
    });
  }

  private tellAdmissions(): void {
    for (const { address: who, answer } of this.admissions) {
      if (isCanonical(who)) this.host.write({ t: 'admit', as: this.name, who, answer });
    }
  }

  private at(): Date {
    return new Date(this.host.context.clock.now());
  }
}

/** The file that an event brings: of a message, or what somebody looks like. */
function fileIn(event: LoopbackEvent): Pick<Arrived, 'file'> {
  const file = event.kind === 'message' ? event.file : event.kind === 'identity' ? event.avatar : undefined;
  return file === undefined ? {} : { file: fileOf(file) };
}

/** A stored position read back; undefined when the note is none of ours. */
function positionOf(note: unknown): { readonly instance: string; readonly n: number } | undefined {
  if (typeof note !== 'object' || note === null) return undefined;
  const { instance, n } = note as Record<string, unknown>;
  return typeof instance === 'string' && typeof n === 'number' ? { instance, n } : undefined;
}

/** What is no address of ours is no room either: it could only end the connection. */
function isRoom({ address }: DesiredRoom): boolean {
  return address.startsWith('#') && isCanonical(address);
}

/** What has no form of ours could only end the connection. */
function contactsOf(contacts: readonly DesiredContact[]): readonly DesiredContact[] {
  return contacts.filter(({ address }) => isCanonical(address));
}

function presenceOf(desired: AttachedAccount['desired']['presence']): PresenceState {
  const presence = presences.find((word) => word === desired.presence) ?? 'available';
  return { presence, ...(desired.note === undefined ? {} : { note: desired.note }) };
}
