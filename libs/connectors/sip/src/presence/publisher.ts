/*
 * Our person's presence at the server that keeps it (RFC 3903). What the server calls our document (its entity tag) is noted,
 * for a document whose tag is lost stays beside its successor until it expires: after a restart it is changed, not doubled.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Backoff, fieldsOf, readNote, Timers } from '#connector/session';
import { failure, type PresenceState } from '#model';
import { parseSeconds, pidfType, writePidf, type Answer } from '#protocols/sip';
import { waitOf } from '../failures.js';
import { newRequest, type Service } from '../line.js';
import type { Parts } from '../parts.js';
import { pidfOf } from '../presence-states.js';
import { uriOf } from '../sip.addresses.js';

const noteKey = 'sip.publication';
/** Not long, so that a document whose tag was lost with an answer is soon gone. */
const usualExpires = 600;
const longest = 86_400;
const shortest = 5;
/** Answers by which a server keeps no presence. */
const unwilling = new Set([403, 404, 405, 410, 415, 416, 420, 488, 489, 501, 603, 606]);
const failed = failure('refused', 'The presence could not be published.');

export class Publisher implements Service {
  readonly methods = [];
  readonly #parts: Parts;
  readonly #timers: Timers;
  readonly #backoff: Backoff;
  /** By it our document is told from those of other devices, over restarts. */
  readonly #id: string;
  #state: PresenceState;
  #tag: string | undefined;
  #isNoted = false;
  #expires = usualExpires;
  #online = false;
  /** Ends what still waits for an answer that cannot come any more. */
  #over = new AbortController();
  /** What the server has by our last word. */
  #published: string | undefined;
  #running: Promise<void> | undefined;
  /** Counts changes of what is to be done: a run that finds another number goes round again. */
  #wish = 0;

  constructor(parts: Parts, state: PresenceState) {
    const { context, timings, account } = parts;
    this.#parts = parts;
    this.#state = state;
    this.#timers = new Timers(context.clock);
    this.#backoff = new Backoff(context.clock, () => context.random(), timings);
    this.#id = `p${createHash('sha256').update(account).digest('hex').slice(0, 16)}`;
  }

  /** Our person is reachable otherwise from now on. */
  setPresence(state: PresenceState): void {
    this.#state = state;
    if (this.#online && keyOf(state) !== this.#published) this.#pursue();
  }

  online(): void {
    this.#online = true;
    this.#over.abort();
    this.#over = new AbortController();
    this.#published = undefined;
    this.#pursue();
  }

  offline(): void {
    this.#halt();
    this.#over.abort();
  }

  /** Takes the document away (§4.5). */
  async leave(): Promise<void> {
    this.#halt();
    await this.#running;
    const tag = this.#tag;
    if (tag === undefined) return;
    this.#tag = undefined;
    const farewell = { 'sip-if-match': tag, expires: '0' };
    let answer = await this.#say(farewell);
    // It cannot be said later: what fails in passing is said once more.
    if (answer.answer === 'response' && [401, 407, 408, 500, 503].includes(answer.response.status)) {
      answer = await this.#say(farewell);
    }
    // What is not known to be gone is still known by its tag.
    const gone =
      answer.answer === 'response' && (answer.response.status < 300 || answer.response.status === 412);
    if (gone) await this.#note(undefined);
  }

  take(): void {
    // Nobody publishes to us.
  }

  #halt(): void {
    this.#online = false;
    this.#timers.clear();
    this.#backoff.offline();
  }

  #pursue(): void {
    this.#wish++;
    this.#timers.clear();
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    await this.#remember();
    for (let wish = -1; this.#online && wish !== this.#wish;) {
      wish = this.#wish;
      await this.#publish();
    }
  }

  /** The tag that an earlier session was given. */
  async #remember(): Promise<void> {
    if (this.#isNoted) return;
    const { context, account } = this.#parts;
    const noted = await readNote(context, account, noteKey);
    if (noted === undefined) return;
    this.#isNoted = true;
    const { tag } = fieldsOf(noted.value);
    if (typeof tag === 'string') this.#tag = tag;
  }

  async #publish(): Promise<void> {
    const { line, context } = this.#parts;
    const key = keyOf(this.#state);
    const now = new Date(context.clock.now());
    // Whole even where nothing has changed (§4.4): of a bare refresh (§4.3) there are servers that keep nothing but the name.
    const body = writePidf(pidfOf(this.#state, line.self, { now, id: this.#id, contact: uriOf(line.self) }));
    const answer = await this.#say(
      {
        expires: String(this.#expires),
        ...(this.#tag !== undefined && { 'sip-if-match': this.#tag }),
        'content-type': pidfType,
      },
      body,
    );
    if (answer.answer === 'none') {
      this.#later(this.#backoff.pause(failed));
      return;
    }
    const { response } = answer;
    if (response.status < 300) {
      this.#published = key;
      this.#backoff.online();
      const tag = response.headers.get('sip-etag');
      this.#lasts(parseSeconds(response.headers.get('expires')) ?? this.#expires);
      if (tag !== undefined && tag !== this.#tag) {
        this.#tag = tag;
        await this.#note(tag);
      }
      return;
    }
    this.#refused(answer);
  }

  #refused({ response }: Extract<Answer, { answer: 'response' }>): void {
    this.#published = undefined;
    const least = parseSeconds(response.headers.get('min-expires'));
    if (response.status === 412 && this.#tag !== undefined) {
      // They know the document no longer: it is published anew (§4.4).
      this.#tag = undefined;
      this.#wish++;
      return;
    }
    if (response.status === 423 && least !== undefined && least > this.#expires && least <= longest) {
      this.#expires = least;
      this.#wish++;
      return;
    }
    if (!unwilling.has(response.status)) {
      this.#later(waitOf(response) ?? this.#backoff.pause(failed));
      return;
    }
    const { context, account } = this.#parts;
    context.log.info({ account, status: response.status }, 'the server keeps no presence');
  }

  #lasts(seconds: number): void {
    const ms = Math.min(longest, Math.max(shortest, seconds)) * 1_000;
    this.#timers.set('refresh', ms * (0.7 + this.#parts.context.random() * 0.15), () => {
      this.#pursue();
    });
  }

  #later(ms: number): void {
    if (!this.#online) return;
    this.#timers.set('again', ms, () => {
      this.#pursue();
    });
  }

  async #say(headers: Readonly<Record<string, string>>, body?: Buffer): Promise<Answer> {
    const { line } = this.#parts;
    return line.ask(
      newRequest(line, 'PUBLISH', uriOf(line.self), {
        callId: randomBytes(16).toString('hex'),
        headers: { event: 'presence', ...headers },
        ...(body !== undefined && { body }),
      }),
      { signal: this.#over.signal },
    );
  }

  async #note(tag: string | undefined): Promise<void> {
    const { keeper, account } = this.#parts;
    await keeper.store({
      events: [],
      keyValues: [{ account, key: noteKey, value: tag === undefined ? null : { tag } }],
    });
  }
}

function keyOf({ presence, note }: PresenceState): string {
  return JSON.stringify([presence, note]);
}
