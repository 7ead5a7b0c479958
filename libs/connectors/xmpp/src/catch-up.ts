/*
 * Catching up with archives after an absence. From where an archive stood (its cursor) it is asked page by page what came
 * after that, until it says that there is no more. Meanwhile people go on talking, and that comes live.
 *
 * Why nothing is lost: the cursor says "no hole before this", so while an archive is caught up with only pages move it;
 * the id of what comes live is remembered and becomes the cursor when the pages have reached it. A crash in between begins
 * again after the last page that was stored, and a page is not asked for before the one before it is stored.
 * Why nothing comes twice: pages and what came live overlap, and every message bears the archive's id both times.
 * What the archive no longer has, or does not tell us, is a gap.
 */
import type { Inlet, Timers } from '#connector/session';
import type { InboundEvent, SessionClock } from '#connector';
import type { AccountId } from '#model';
import type { Archive, ArchiveAnswer, Archived } from './archive.js';
import type { ArchiveCursors, ArchivePlace } from './archive-cursors.js';
import { notBefore, type Moments } from './order.js';

/** What is asked for at once; servers give less where they like. */
const pageSize = 50;
/** More than this was missed: the rest is a gap, and history for whoever asks. */
const mostMissed = 20_000;
/** Of an archive that was never taken in, so much of the latest. */
const mostAtFirst = 250;
/** Our clock and the server's may differ; what comes twice for it is recognised. */
const overlapMs = 60_000;
/** A server lets go of nothing that is younger: whoever was away for less need not be asked how far it reaches back. */
const surelyKeptMs = 86_400_000;
/** Before an archive that did not answer is asked again, and the longest such wait. */
const againMs = 2_000;
const longestAgainMs = 300_000;

export interface CatchUpParts {
  readonly account: AccountId;
  readonly inlet: Pick<Inlet, 'push' | 'flush' | 'settled'>;
  readonly timers: Timers;
  readonly clock: SessionClock;
  readonly cursors: ArchiveCursors;
  readonly moments: Pick<Moments, 'placed' | 'of'>;
  readonly archive: Pick<Archive, 'ask'>;
  /** The server's time, in milliseconds since 1970. */
  readonly serverNow: () => number;
  /** How far back an archive is taken in that never was before, in milliseconds. */
  readonly firstMs: number;
  /** What archived messages mean to the house. */
  readonly read: (
    archive: string,
    archived: Archived,
    mode: 'catch-up' | 'history',
  ) => readonly InboundEvent[];
  /** An archive is complete. */
  readonly done: (archive: string) => void;
}

interface Open {
  /** The latest that came live since the last question. */
  live?: ArchivePlace;
}

export class CatchUp {
  readonly #parts: CatchUpParts;
  /** Archives that are not complete: their cursors move by pages only. */
  readonly #open = new Map<string, Open>();
  /** Archives that are complete: what comes live is the next after what is here. */
  readonly #complete = new Set<string>();
  #closed = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  isComplete(archive: string): boolean {
    return this.#complete.has(archive);
  }

  /**
   * Takes in what an archive has and we do not.
   * @param conversation the room, of a room's archive.
   * @param since where no cursor is noted: since when something is missing; undefined for never there before.
   */
  begin(archive: string, conversation?: string, since?: number): void {
    if (this.#open.has(archive) || this.#closed) return;
    this.#complete.delete(archive);
    const open: Open = {};
    this.#open.set(archive, open);
    void this.#catchUp(archive, open, conversation, since);
  }

  /** Nobody keeps what is missing: it is told as a gap, and from now on the clock is the cursor. */
  async without(archive: string, reason: string, conversation?: string, since?: number): Promise<void> {
    const noted = await this.#parts.cursors.read(archive);
    if (noted === 'unreadable' || this.#closed) return;
    const from = since === undefined ? noted?.at : Math.max(since, noted?.at ?? since);
    const now = this.#parts.serverNow();
    if (from !== undefined && from < now) this.#gap(conversation, from, now, reason);
    this.#parts.cursors.reached(archive, { at: now });
    this.#flush();
  }

  /** Something came live that an archive has under this id. */
  heard(archive: string, id: string): void {
    const place = { at: this.#parts.serverNow(), id };
    const open = this.#open.get(archive);
    this.#parts.moments.placed(archive, id, place.at);
    if (open !== undefined) open.live = place;
    else if (this.#complete.has(archive)) this.#parts.cursors.reached(archive, place);
  }

  /** We are out of a room: what it archives from now on is asked for when we are back. */
  left(archive: string): void {
    this.#open.delete(archive);
    this.#complete.delete(archive);
  }

  close(): void {
    this.#closed = true;
    this.#open.clear();
    this.#complete.clear();
  }

  async #catchUp(
    archive: string,
    open: Open,
    conversation: string | undefined,
    since: number | undefined,
  ): Promise<void> {
    let noted = await this.#parts.cursors.read(archive);
    while (noted === 'unreadable') {
      await this.#pause(archive, 0);
      if (this.#isOver(archive, open)) return;
      noted = await this.#parts.cursors.read(archive);
    }
    if (this.#isOver(archive, open)) return;
    const from = noted ?? (since === undefined ? undefined : { at: since });
    if (from === undefined) await this.#first(archive, open, conversation);
    else await this.#after(archive, open, conversation, from);
  }

  /** An archive that was never taken in: the latest of it, newest page first, as history. */
  async #first(archive: string, open: Open, conversation: string | undefined): Promise<void> {
    const { serverNow, firstMs, read, inlet, cursors } = this.#parts;
    const start = new Date(serverNow() - firstMs);
    // Whatever becomes of this: what is said from now on is missed, and no history.
    cursors.reached(archive, { at: serverNow() });
    this.#flush();
    let before = '';
    let left = firstMs > 0 ? mostAtFirst : 0;
    for (;;) {
      const max = Math.max(1, Math.min(pageSize, left));
      delete open.live;
      const answer = await this.#ask(archive, open, { page: { max, before }, start });
      if (answer === undefined) return;
      if (answer.answer === 'refused') {
        this.#refused(archive, open, conversation, undefined, answer);
        return;
      }
      const { results, page } = answer;
      if (left > 0) {
        let reached = 0;
        for (const one of results) {
          const settled = settledAfter(reached, one);
          reached = this.#placeOf(archive, settled).at;
          for (const event of read(archive, settled, 'history')) inlet.push(event);
        }
      }
      if (before === '') {
        const newest = results.at(-1);
        if (newest) cursors.reached(archive, this.#placeOf(archive, newest));
        this.#finish(archive, open, results);
      }
      left -= Math.max(1, results.length);
      await this.#stored();
      const oldest = page.first ?? results[0]?.id;
      if (page.complete || left <= 0 || oldest === undefined || oldest === before || this.#closed) return;
      before = oldest;
    }
  }

  async #after(
    archive: string,
    open: Open,
    conversation: string | undefined,
    from: ArchivePlace,
  ): Promise<void> {
    const { inlet, read, serverNow } = this.#parts;
    if (from.id !== undefined && from.at < serverNow() - surelyKeptMs) {
      if (!(await this.#reachesBack(archive, open, conversation, from))) return;
    }
    let reached = from;
    let messages = 0;
    // By an id that the archive knows; by the time where there is none, or where it is not known any more.
    let after = from.id;
    let start = after === undefined ? new Date(from.at - overlapMs) : undefined;
    while (messages < mostMissed) {
      delete open.live;
      const page = { max: pageSize, ...(after !== undefined && { after }) };
      const answer = await this.#ask(archive, open, { page, ...(start && { start }) });
      if (answer === undefined) return;
      if (answer.answer === 'refused') {
        if (answer.condition === 'item-not-found' && after !== undefined && start === undefined) {
          after = undefined;
          start = new Date(reached.at - overlapMs);
          if (!(await this.#reachesBack(archive, open, conversation, reached))) return;
          continue;
        }
        this.#refused(archive, open, conversation, reached, answer);
        return;
      }
      const { results } = answer;
      messages += results.length;
      for (const one of results) {
        const settled = settledAfter(reached.at, one);
        reached = this.#placeOf(archive, settled);
        for (const event of read(archive, settled, 'catch-up')) inlet.push(event);
      }
      if (results.length > 0) this.#parts.cursors.reached(archive, reached);
      const next = answer.page.last ?? results.at(-1)?.id;
      if (answer.page.complete || next === undefined || next === after) {
        if (reached.id === undefined) this.#parts.cursors.reached(archive, { at: serverNow() });
        this.#finish(archive, open, results);
        return;
      }
      after = next;
      await this.#stored();
      if (this.#isOver(archive, open)) return;
    }
    this.#gap(conversation, reached.at, serverNow(), tooMuch);
    this.#parts.cursors.reached(archive, { at: serverNow() });
    this.#finish(archive, open, []);
  }

  /**
   * Looks whether an archive still has what is as old as a place; where it begins later, what lies between is a gap.
   * False: we are not here any more.
   */
  async #reachesBack(
    archive: string,
    open: Open,
    conversation: string | undefined,
    { at }: ArchivePlace,
  ): Promise<boolean> {
    const older = await this.#ask(archive, open, { page: { max: 1, before: '' }, end: new Date(at + 1_000) });
    if (older === undefined) return false;
    if (older.answer === 'refused' || older.results.length > 0) return true;
    const first = await this.#ask(archive, open, { page: { max: 1 }, start: new Date(at) });
    if (first === undefined) return false;
    const begins = first.answer === 'page' ? first.results[0]?.at.getTime() : undefined;
    this.#gap(conversation, at, begins ?? this.#parts.serverNow(), letGo);
    return true;
  }

  /** Asks until somebody answers; undefined where we are not here any more. */
  async #ask(
    archive: string,
    open: Open,
    ask: Parameters<Archive['ask']>[1],
  ): Promise<Exclude<ArchiveAnswer, { answer: 'silent' }> | undefined> {
    for (let tries = 0; ; tries++) {
      const answer = await this.#parts.archive.ask(archive, ask);
      if (this.#isOver(archive, open)) return undefined;
      if (answer.answer !== 'silent') return answer;
      await this.#pause(archive, tries);
      if (this.#isOver(archive, open)) return undefined;
    }
  }

  #refused(
    archive: string,
    open: Open,
    conversation: string | undefined,
    from: ArchivePlace | undefined,
    { failure }: Extract<ArchiveAnswer, { answer: 'refused' }>,
  ): void {
    const now = this.#parts.serverNow();
    const why = failure.detail === undefined ? notTold : `${notTold} (${failure.detail})`;
    if (from !== undefined) this.#gap(conversation, from.at, now, why);
    this.#parts.cursors.reached(archive, { at: now });
    this.#finish(archive, open, []);
  }

  /** Where an archived message stands: pages have by the second what came live at its moment. */
  #placeOf(archive: string, { id, at }: Archived): ArchivePlace {
    return { at: Math.max(at.getTime(), this.#parts.moments.of(archive, id) ?? 0), id };
  }

  /** Everything up to the last page is here; what came live since that was asked for comes next. */
  #finish(archive: string, open: Open, lastPage: readonly Archived[]): void {
    const { live } = open;
    if (this.#open.get(archive) === open) this.#open.delete(archive);
    this.#complete.add(archive);
    if (live !== undefined && !lastPage.some(({ id }) => id === live.id))
      this.#parts.cursors.reached(archive, live);
    this.#parts.done(archive);
    this.#flush();
  }

  #gap(conversation: string | undefined, from: number, until: number, reason: string): void {
    if (until <= from) return;
    const { account, inlet } = this.#parts;
    inlet.push({
      type: 'gap',
      account,
      ...(conversation !== undefined && { conversation }),
      from: new Date(from),
      until: new Date(until),
      reason,
    });
  }

  #flush(): void {
    this.#parts.inlet.flush(this.#parts.cursors.notes());
  }

  /** Resolves when everything that was taken in so far is stored; never once the binding is over. */
  async #stored(): Promise<void> {
    this.#flush();
    await new Promise<void>((stored) => {
      this.#parts.inlet.settled(stored);
    });
  }

  async #pause(archive: string, tries: number): Promise<void> {
    const ms = Math.min(longestAgainMs, againMs * 2 ** Math.min(tries, 20));
    await new Promise<void>((go) => {
      this.#parts.timers.set(`archive ${archive}`, ms, go);
    });
  }

  /** Asked anew after every wait. */
  #isOver(archive: string, open: Open): boolean {
    return this.#closed || (this.#open.get(archive) !== open && !this.#complete.has(archive));
  }
}

/** With its own time it could stand in front of what came before it. */
function settledAfter(reached: number, one: Archived): Archived {
  return { ...one, at: new Date(notBefore(reached, one.at.getTime())) };
}

const tooMuch = 'More was said than is fetched at once; ask for the history to see it.';
const letGo = 'The server has let go of what was said then.';
const notTold = 'The server did not tell what was said meanwhile.';
