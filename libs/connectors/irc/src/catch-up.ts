/*
 * Catching up after an absence. From where a conversation stood (its cursor) the server is asked page by page what came
 * after it, until it says "nothing more". Meanwhile people go on talking, and those lines come live.
 *
 * Why nothing is lost: the cursor says "no hole before this", so while a conversation is caught up with, only pages move
 * it; what comes live is remembered (`live`) and becomes the cursor when the pages have reached it. A crash in between
 * begins again after the last page that was stored.
 * Why nothing comes twice: pages overlap with each other and with what came live, and every message bears an id that is
 * the same both times; the house drops the second.
 * What cannot be caught up with is a gap: from the last message of the last page to when we were back.
 *
 * Rooms begin when we are in them. Direct conversations begin once per connection, with the question who said something
 * since (TARGETS).
 */
import type { Inlet } from '#connector/session';
import type { AccountId } from '#model';
import { timestampOf, type Answer, type ChatHistory, type Question } from './chat-history.js';
import type { Cursors, Place } from './cursors.js';
import { addressOf } from './irc.addresses.js';
import { channelIn, type Network } from './network.js';

/** What is fetched at once where the server sets no limit. */
const usualPage = 200;
/** More than this was missed: the rest is a gap, and history for whoever asks. */
const mostMissed = 5_000;
const mostPages = 200;
/** Pages of people who wrote, and people. */
const mostTargetPages = 10;
const mostTargets = 500;
/** Clocks of two servers of one network may differ so much; what comes twice for it is dropped. */
const skewMs = 10_000;
const day = 86_400_000;

export interface CatchUpParts {
  readonly account: AccountId;
  readonly inlet: Pick<Inlet, 'push'>;
  readonly cursors: Cursors;
  readonly history: ChatHistory;
  readonly network: () => Network;
  /** When the last connection heard its last; undefined where there was none. */
  readonly lastHeard: number | undefined;
  readonly isSelf: (nick: string) => boolean;
  /** Cursors have moved: store them, with what they stand for. */
  readonly flush: () => void;
  /** A conversation is complete; `name` is what it is called on the wire. */
  readonly done: (conversation: string, name: string) => void;
}

interface Open {
  /** Since when something is missing, as far as pages have told. */
  since: number;
  /** The latest that came live. */
  live?: Place;
}

export class CatchUp {
  readonly #parts: CatchUpParts;
  /** Conversations that are not complete: their cursors move by pages only. */
  readonly #open = new Map<string, Open>();
  /** What came live in direct conversations before we know which of them are incomplete. */
  #directs: Map<string, Place> | undefined;
  /** All direct conversations are complete: only then does what comes live say that nothing before it is missing. */
  #directsComplete = false;
  #closed = false;

  constructor(parts: CatchUpParts) {
    this.#parts = parts;
  }

  /** Online: asks who has written to us since. `now` is the server's time: it is compared with the times of messages. */
  begin(now: number): void {
    this.#directs = new Map();
    void this.#catchUpDirects(now);
  }

  /** We are in a room; what was said since a moment is missing, or nothing is (a room we have not been in). */
  entered(name: string, conversation: string, at: number, since: number | undefined): void {
    if (since === undefined) {
      this.#parts.cursors.reached(conversation, { at });
      return;
    }
    if (this.#open.has(conversation)) return;
    this.#open.set(conversation, { since });
    void this.#catchUp(name, conversation, since, at);
  }

  /** We are out of a room for good. */
  left(conversation: string): void {
    this.#open.delete(conversation);
  }

  /** Something was said just now. */
  heard(conversation: string, isDirect: boolean, place: Place): void {
    const open = this.#open.get(conversation);
    if (open !== undefined) {
      open.live = place;
      return;
    }
    if (isDirect && this.#directs !== undefined) {
      if (this.#directs.size < mostTargets) this.#directs.set(conversation, place);
      return;
    }
    this.#parts.cursors.reached(conversation, place);
    if (isDirect && this.#directsComplete) this.#parts.cursors.directsReached(place.at);
  }

  /** The connection is over; answers what is incomplete, and since when. */
  close(): readonly { readonly conversation: string; readonly since: number }[] {
    this.#closed = true;
    return [...this.#open].map(([conversation, { since }]) => ({ conversation, since }));
  }

  async #catchUpDirects(now: number): Promise<void> {
    const { cursors } = this.#parts;
    const since = (await cursors.readDirects()) ?? this.#parts.lastHeard;
    const names = since === undefined ? [] : await this.#writers(since - skewMs, now + day);
    if (this.#closed) return;
    const waiting = this.#directs ?? new Map<string, Place>();
    this.#directs = undefined;
    const open = names.map((name): [string, string] => [name, addressOf(name)]);
    for (const [, conversation] of open) {
      const live = waiting.get(conversation);
      waiting.delete(conversation);
      this.#open.set(conversation, { since: since ?? now, ...(live && { live }) });
    }
    for (const [conversation, place] of waiting) cursors.reached(conversation, place);
    const complete = await Promise.all(
      open.map(([name, conversation]) => this.#catchUp(name, conversation, since ?? now, now)),
    );
    // Until all are caught up with, the next session begins where this one did.
    if (!this.#isClosed() && complete.every(Boolean)) {
      this.#directsComplete = true;
      cursors.directsReached(Math.max(since ?? 0, now - skewMs));
      this.#parts.flush();
    }
  }

  /** Who wrote between two moments. */
  async #writers(from: number, to: number): Promise<readonly string[]> {
    const { history, network, isSelf } = this.#parts;
    const names = new Map<string, string>();
    const limit = this.#pageSize();
    let start = from;
    for (let page = 0; page < mostTargetPages; page++) {
      const answer = await history.ask({
        verb: 'TARGETS',
        target: '',
        parameters: [timestampOf(start), timestampOf(to), String(limit)],
        use: 'catch-up',
      });
      const { targets } = answer.answer === 'refused' ? { targets: [] } : answer.page;
      for (const { name } of targets) {
        if (channelIn(network(), name) !== undefined || isSelf(name) || names.size >= mostTargets) continue;
        names.set(addressOf(name), name);
      }
      const last = Math.max(...targets.map(({ at }) => at));
      if (answer.answer !== 'page' || targets.length < limit || last <= start) break;
      start = last;
    }
    return [...names.values()];
  }

  /** Answers whether the conversation is known to be complete. */
  async #catchUp(name: string, conversation: string, since: number, until: number): Promise<boolean> {
    const { cursors } = this.#parts;
    const open = this.#open.get(conversation);
    const from = (await cursors.read(conversation)) ?? { at: since };
    const { reached, why } = await this.#pages(name, conversation, from);
    // Left meanwhile, or the connection is over: the next time begins where the last page ended.
    if (this.#isClosed() || this.#open.get(conversation) !== open) return false;
    this.#open.delete(conversation);
    const live = open?.live;
    if (why !== undefined) this.#gap(conversation, reached.at, Math.max(until, reached.at), why);
    const end = live ?? (why === undefined ? reached : { at: Math.max(until, reached.at) });
    cursors.reached(conversation, end);
    this.#parts.done(conversation, name);
    this.#parts.flush();
    return true;
  }

  /** Fetches all that came after a place; says how far it got and, where that is not the end, why. */
  async #pages(
    name: string,
    conversation: string,
    from: Place,
  ): Promise<{ readonly reached: Place; readonly why?: string }> {
    const { history, cursors, flush } = this.#parts;
    let reached = from;
    let messages = 0;
    let reference = this.#referenceTo(from);
    for (let page = 0; page < mostPages && messages < mostMissed; page++) {
      const answer: Answer = await history.ask(this.#question(name, reference));
      if (this.#isClosed()) return { reached };
      if (answer.answer === 'refused') {
        // An id that the server does not know any more, or does not take: the time will do.
        const again = reference.startsWith('msgid=') ? overlapping(reached.at) : undefined;
        if (again === undefined) return { reached, why: refusedFor(answer) };
        reference = again;
        continue;
      }
      const { last } = answer.page;
      const stood = last === undefined || (last.at === reached.at && last.msgid === reached.msgid);
      if (last !== undefined) {
        messages += answer.page.messages;
        reached = last;
        cursors.reached(conversation, last);
        const open = this.#open.get(conversation);
        if (open !== undefined) open.since = last.at;
        flush();
      }
      if (answer.answer === 'broken') return { reached, why: brokenOff };
      if (last === undefined) return { reached };
      if (!stood) reference = this.#referenceTo(last);
      // Only what overlaps has come: past it, then.
      else if (reference === timestampOf(reached.at)) return { reached };
      else reference = timestampOf(reached.at);
    }
    return { reached, why: tooMuch };
  }

  #question(name: string, reference: string): Question {
    const parameters = [reference, String(this.#pageSize())];
    return { verb: 'AFTER', target: name, parameters, use: 'catch-up' };
  }

  #pageSize(): number {
    const { historyLimit = usualPage } = this.#parts.network();
    return historyLimit === 0 ? usualPage : Math.min(historyLimit, usualPage);
  }

  #referenceTo(place: Place): string {
    return referenceTo(place, this.#parts.network()) ?? overlapping(place.at);
  }

  #gap(conversation: string, from: number, until: number, reason: string): void {
    const { inlet, account } = this.#parts;
    inlet.push({
      type: 'gap',
      account,
      conversation,
      from: new Date(from),
      until: new Date(until),
      reason,
    });
  }

  /** Asked anew after every wait. */
  #isClosed(): boolean {
    return this.#closed;
  }
}

const tooMuch = 'More was said than is fetched at once; ask for the history to see it.';
const brokenOff = 'The server broke off telling what was said meanwhile.';

function refusedFor({ failure }: Extract<Answer, { answer: 'refused' }>): string {
  return failure.detail === undefined
    ? 'The server did not tell what was said meanwhile.'
    : `The server did not tell what was said meanwhile: ${failure.detail}`;
}

/** By its id, where the server takes ids and this one is fit for a line. */
export function referenceTo({ msgid }: Pick<Place, 'msgid'>, network: Network): string | undefined {
  const fits = msgid !== undefined && /^[^\s,]{1,200}$/.test(msgid);
  return fits && network.historyReferences.includes('msgid') ? `msgid=${msgid}` : undefined;
}

/** Just before a moment, so that what was said in the same millisecond is not passed over. */
function overlapping(at: number): string {
  return timestampOf(at - 1);
}
