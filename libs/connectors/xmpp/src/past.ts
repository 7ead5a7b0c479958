/*
 * The past of one account, in one place: what was missed is caught up with, what is older is fetched when asked for, what
 * is of unknown fate is looked for, and how far was read is known to all devices. It sees every message before those who
 * read it, for the ids that archives gave it, and moves no cursor past what is not here.
 */
import type { HistoryAsk, HistoryOutcome, InboundEvent, OutboundEnvelope, Place } from '#connector';
import type { Notes } from '#connector/session';
import { failure } from '#model';
import { Archive, type Archived } from './archive.js';
import { ArchiveCursors } from './archive-cursors.js';
import { CatchUp } from './catch-up.js';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { askHistory, type Searched } from './deep-history.js';
import type { Disco } from './disco.js';
import { eventsOf, type KnownRooms } from './from-xmpp.js';
import { ReadMarks } from './read-marks.js';
import { resolveFate, type Fate } from './resolving.js';
import { stanzasOf } from './to-xmpp.js';
import { timeAsk, timeOf } from './xep/0202.js';
import { archiveNs, preferences, preferencesOf, type ArchivePreferences } from './xep/0313.js';
import { stanzaIdIn } from './xep/0359.js';
import { addressOf, bareOf, resourceOf } from './xmpp.addresses.js';

const day = 86_400_000;
const away = 'This server keeps no archive: what went to other devices meanwhile is not known.';
const roomAway = 'This room keeps no archive, and tells only the latest of what was said meanwhile.';

export class Past implements Service {
  readonly features: readonly string[];
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #rooms: KnownRooms;
  readonly #archive: Archive;
  readonly #cursors: ArchiveCursors;
  readonly #catchUp: CatchUp;
  readonly #marks: ReadMarks;
  /** Rooms that keep what is said. */
  readonly #keeping = new Set<string>();
  /** Whether our own account keeps an archive; undefined until it says. */
  #kept: boolean | undefined;
  #preferences: Promise<ArchivePreferences | undefined> | undefined;
  /** How far the server's clock is ahead of ours, in milliseconds. */
  #ahead = 0;
  #onlineSince = 0;
  #over = false;

  constructor(parts: Parts, disco: Disco, rooms: KnownRooms) {
    this.#parts = parts;
    this.#disco = disco;
    this.#rooms = rooms;
    const { context, account, inlet, timers, settings } = parts;
    this.#archive = new Archive(parts);
    this.#cursors = new ArchiveCursors(context, account);
    this.#marks = new ReadMarks(parts, disco, (address) => rooms.isRoom(address));
    this.features = this.#marks.features;
    this.#catchUp = new CatchUp({
      account,
      inlet,
      timers,
      clock: context.clock,
      cursors: this.#cursors,
      moments: parts.moments,
      archive: this.#archive,
      serverNow: () => this.#now(),
      firstMs: settings.firstHistoryDays * day,
      read: (archive, archived, mode) => {
        const events = this.#read(archive, archived, mode);
        for (const event of events) {
          if ('conversation' in event) parts.moments.told(event.conversation, archived.at.getTime());
        }
        return events;
      },
      done: (archive) => {
        this.#marks.caughtUp(archive);
      },
    });
  }

  /** What to store with what is stored now: how far all of it is here. */
  notes(): Notes {
    if (this.#kept === false) this.#cursors.reached(this.#self, { at: this.#now() });
    return this.#cursors.notes();
  }

  // ---- what is heard ----

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message') return false;
    if (this.#archive.hear(stanza) || this.#marks.hear(stanza)) return true;
    const { from, type } = stanza.attrs;
    const sender = from === undefined ? this.#self : bareOf(from);
    if (type === 'error' || sender === undefined) return false;
    // A room's own id counts where the room speaks; our server gives ours to whatever else comes. While it is not known
    // whether we have an archive, when it came is remembered all the same: the first page may have it by the second.
    if (type === 'groupchat') {
      if (this.#keeping.has(sender)) this.#heard(stanza, sender);
    } else if (this.#kept !== false) this.#heard(stanza, this.#self);
    return false;
  }

  // ---- rooms ----

  /**
   * We are in a room.
   * @param since when it was last heard before; undefined where it never was.
   */
  entered(room: string, keepsArchive: boolean, since: Date | undefined): void {
    const from = since?.getTime();
    if (keepsArchive) {
      this.#keeping.add(room);
      this.#catchUp.begin(room, room, from);
    } else if (from !== undefined) {
      void this.#catchUp.without(room, roomAway, room, from);
    }
  }

  /** We are out of a room. */
  left(room: string): void {
    this.#keeping.delete(room);
    this.#catchUp.left(room);
  }

  // ---- what the house asks ----

  async history(ask: HistoryAsk, signal: AbortSignal): Promise<HistoryOutcome> {
    const searched = await this.#searched(ask.conversation);
    if (searched === undefined) {
      return { outcome: 'refused', failure: failure('unsupported', 'No archive is kept of this.') };
    }
    return askHistory(this.#archive, searched, ask, signal, (archive, archived, mode) =>
      this.#read(archive, archived, mode),
    );
  }

  async resolve(envelope: OutboundEnvelope, signal: AbortSignal): Promise<Fate> {
    const searched = await this.#searched(envelope.to);
    if (searched === undefined || signal.aborted) return 'unknown';
    return resolveFate(
      {
        archive: this.#archive,
        clock: this.#parts.context.clock,
        serverNow: () => this.#now(),
        onlineSince: () => this.#onlineSince,
        settleMs: this.#parts.timings.settle,
        keeps: (where) => this.#keeps(where),
        parts: this.#partsOf(envelope),
        isOurs: (archive, message) => this.#isOurs(archive, message),
      },
      searched,
      envelope,
      signal,
    );
  }

  markRead(conversation: string, upTo: Place): void {
    this.#marks.read(conversation, this.#rooms.isRoom(conversation) ? conversation : this.#self, upTo);
  }

  // ---- the binding ----

  online(how: 'new' | 'resumed'): void {
    this.#onlineSince = this.#parts.context.clock.monotonic();
    if (how === 'new') void this.#begin();
  }

  ended(): void {
    this.#over = true;
    this.#archive.ended();
    this.#marks.ended();
    this.#catchUp.close();
  }

  async #begin(): Promise<void> {
    const [kept] = await Promise.all([this.keepsArchive(), this.#readClock()]);
    if (this.#over) return;
    this.#kept = kept;
    if (kept) {
      if (this.#parts.settings.archiveAll) await this.#archiveAll();
      this.#catchUp.begin(this.#self);
    } else {
      await this.#catchUp.without(this.#self, away);
      this.#note();
    }
    if (!this.#isOver()) await this.#marks.begin();
  }

  /** Whether our account keeps an archive; asked again until it says. */
  async keepsArchive(): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      const about = await this.#disco.account();
      if (about !== undefined || this.#over) return about?.features.includes(archiveNs) === true;
      // A server whose account says nothing of itself may say it for all.
      const server = await this.#disco.server();
      if (server !== undefined || tries > 3) return server?.features.includes(archiveNs) === true;
      this.#disco.forget(this.#self);
    }
  }

  async #readClock(): Promise<void> {
    const { port, context } = this.#parts;
    const asked = context.clock.now();
    const answer = await port.iq({ type: 'get', to: port.self.domain, payload: timeAsk() });
    const told = answer.ok ? timeOf(answer.payload) : undefined;
    if (told === undefined) return;
    const ahead = told.at.getTime() - (asked + context.clock.now()) / 2;
    // A server tells its seconds; what is less is nothing that it said.
    this.#ahead = Math.abs(ahead) < 2_000 ? 0 : ahead;
  }

  /** Without an archive the clock is all there is: when we last heard anything is noted now and then. */
  #note(): void {
    const { timers, timings, inlet } = this.#parts;
    timers.set('past', timings.heard, () => {
      inlet.flush(this.notes());
      this.#note();
    });
  }

  async #archiveAll(): Promise<void> {
    const now = await this.#asked();
    if (now === undefined || now.byDefault === 'always') return;
    const wanted: ArchivePreferences = { ...now, byDefault: 'always' };
    await this.#parts.port.iq({ type: 'set', payload: preferences(wanted) });
    this.#preferences = undefined;
  }

  /** Whether what we say to somebody is kept, as the preferences have it (XEP-0441). */
  async #keeps({ archive, with: peer }: Searched): Promise<boolean | undefined> {
    // A room keeps what is said in it, or says that it keeps nothing.
    if (archive !== this.#self) return true;
    const set = await this.#asked();
    if (set === undefined || peer === undefined) return undefined;
    const named = (jids: readonly string[]): boolean => jids.some((jid) => bareOf(jid) === bareOf(peer));
    if (named(set.never)) return false;
    return named(set.always) || (set.byDefault === 'always' ? true : undefined);
  }

  async #asked(): Promise<ArchivePreferences | undefined> {
    this.#preferences ??= this.#parts.port
      .iq({ type: 'get', payload: preferences() })
      .then((answer) => (answer.ok ? preferencesOf(answer.payload) : undefined));
    return this.#preferences;
  }

  /** Which archive has what was said in a conversation; undefined where none has. */
  async #searched(conversation: string): Promise<Searched | undefined> {
    const bare = bareOf(conversation);
    if (bare === undefined) return undefined;
    if (this.#rooms.isRoom(bare) && resourceOf(conversation) === undefined) {
      const keeps = this.#keeping.has(bare) || (await this.#disco.info(bare))?.features.includes(archiveNs);
      return keeps === true ? { archive: bare } : undefined;
    }
    this.#kept ??= await this.keepsArchive();
    return this.#kept ? { archive: this.#self, with: conversation } : undefined;
  }

  #read(archive: string, archived: Archived, mode: 'catch-up' | 'history'): readonly InboundEvent[] {
    this.#marks.place(archive, archived.id, archived.at.getTime());
    const { account, context, port } = this.#parts;
    return eventsOf(archived.message, {
      account,
      self: this.#self,
      domain: port.self.domain,
      rooms: this.#rooms,
      mode,
      now: new Date(context.clock.now()),
      archived: { by: archive, id: archived.id, at: archived.at },
    });
  }

  /** Whether a message in an archive is from us. */
  #isOurs(archive: string, message: Element): boolean {
    const from = addressOf(message.attrs['from']);
    if (from === undefined) return false;
    if (archive === this.#self) return bareOf(from) === this.#self;
    return resourceOf(from) === this.#rooms.nickIn(archive);
  }

  /** In how many stanzas an envelope leaves. */
  #partsOf(envelope: OutboundEnvelope): number {
    const inPrivate = resourceOf(envelope.to) !== undefined && this.#rooms.isRoom(bareOf(envelope.to) ?? '');
    const stanzas = stanzasOf(envelope, { inPrivate, maxBytes: this.#parts.port.maxBytes });
    return 'code' in stanzas ? 1 : stanzas.length;
  }

  #heard(stanza: Element, archive: string): void {
    const id = stanzaIdIn(stanza, (by) => bareOf(by) === archive);
    if (id === undefined) return;
    this.#marks.place(archive, id, this.#now());
    this.#catchUp.heard(archive, id);
  }

  #now(): number {
    return this.#parts.context.clock.now() + this.#ahead;
  }

  get #self(): string {
    return this.#parts.port.self.bare;
  }

  /** Asked anew after every wait. */
  #isOver(): boolean {
    return this.#over;
  }
}
