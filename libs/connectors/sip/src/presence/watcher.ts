/* One subscription of somebody's to our person's presence: what they are told, and when (RFC 6665 §4.2, RFC 3856 §6). */
import type { InboundParty } from '#connector';
import { Timers } from '#connector/session';
import type { PresenceState } from '#model';
import { pidfType, writePidf, type Dialog, type Incoming } from '#protocols/sip';
import type { Parts } from '../parts.js';
import { pidfOf } from '../presence-states.js';
import { uriOf } from '../sip.addresses.js';

/** Nobody is told more often (RFC 3856 §6.10). */
const leastPauseMs = 5_000;

/** Why it ends (RFC 6665 §4.1.3). */
export type EndReason = 'timeout' | 'rejected' | 'deactivated' | 'giveup';

export interface WatcherOptions {
  readonly party: InboundParty;
  readonly dialog: Dialog;
  /** The Event of the SUBSCRIBE, with its id: it is said back. */
  readonly event: string;
  readonly state: PresenceState;
  readonly isAdmitted: boolean;
  /** It stands no more. */
  readonly over: () => void;
  /** They may see from now on, or may not. */
  readonly changed: () => void;
}

export class Watcher {
  readonly party: InboundParty;
  readonly #parts: Parts;
  readonly #options: WatcherOptions;
  readonly #timers: Timers;
  #state: PresenceState;
  #isAdmitted: boolean;
  #until = 0;
  #lastAt = -Infinity;
  #isOver = false;
  /** One NOTIFY at a time: they must not overtake each other. */
  #telling: Promise<void> | undefined;
  #isDue = false;

  constructor(parts: Parts, options: WatcherOptions) {
    this.#parts = parts;
    this.#options = options;
    this.party = options.party;
    this.#timers = new Timers(parts.context.clock);
    this.#state = options.state;
    this.#isAdmitted = options.isAdmitted;
  }

  /** Whether they see. */
  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  /** It stands for so many seconds, and they are told at once how it is. For none: told once. */
  begin(expires: number): void {
    if (expires === 0) {
      void this.end('timeout');
      return;
    }
    this.#lasts(expires);
    this.#tell();
  }

  /** They ask for it to go on, or to end. */
  refresh(incoming: Incoming, expires: number): void {
    const { dialog } = this.#options;
    if (dialog.receives(incoming.request) !== 'ok') {
      incoming.respond(500);
      return;
    }
    const contact = `<${this.#parts.line.contact(incoming.flow)}>`;
    incoming.respond(200, { headers: { expires: String(expires), contact } });
    this.begin(expires);
  }

  /** Our person is reachable otherwise. */
  changed(state: PresenceState): void {
    this.#state = state;
    if (!this.#isAdmitted || this.#isOver || this.#timers.has('due')) return;
    const wait = this.#lastAt + leastPauseMs - this.#parts.context.clock.monotonic();
    if (wait <= 0) this.#tell();
    else
      this.#timers.set('due', wait, () => {
        this.#tell();
      });
  }

  /** Our person lets them see, or has not said yet. */
  admit(isAdmitted: boolean): void {
    if (this.#isAdmitted === isAdmitted || this.#isOver) return;
    this.#isAdmitted = isAdmitted;
    this.#options.changed();
    this.#tell();
  }

  /** Ends it; resolves when they have been told. */
  async end(reason: EndReason): Promise<void> {
    await this.#telling;
    if (this.#isOver) return;
    // What they could see until now they see once more; whoever is refused sees nothing.
    const sees = this.#isAdmitted && reason !== 'rejected';
    this.drop();
    await this.#notify(`terminated;reason=${reason}`, sees);
  }

  /** It is over, and nobody is told. */
  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timers.clear();
    this.#options.over();
  }

  #lasts(seconds: number): void {
    this.#until = this.#parts.context.clock.monotonic() + seconds * 1_000;
    this.#timers.set('expiry', seconds * 1_000, () => {
      void this.end('timeout');
    });
  }

  #tell(): void {
    this.#isDue = true;
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tellAll(): Promise<void> {
    while (this.#isDue && !this.#isOver) {
      this.#isDue = false;
      this.#timers.cancel('due');
      const now = this.#parts.context.clock.monotonic();
      this.#lastAt = now;
      const left = Math.max(0, Math.round((this.#until - now) / 1_000));
      const word = this.#isAdmitted ? 'active' : 'pending';
      await this.#notify(`${word};expires=${String(left)}`, this.#isAdmitted);
    }
  }

  /** @param sees whether they are told our presence; else the document is left out, which says nothing. */
  async #notify(subscription: string, sees: boolean): Promise<void> {
    const { line, context, account } = this.#parts;
    const { dialog, event } = this.#options;
    const now = new Date(context.clock.now());
    const pidf = pidfOf(this.#state, line.self, { now, id: 'parley', contact: uriOf(line.self) });
    const request = dialog.next('NOTIFY', {
      headers: {
        event,
        'subscription-state': subscription,
        ...(sees && { 'content-type': pidfType }),
      },
      ...(sees && { body: writePidf(pidf) }),
    });
    const answer = await line.ask(request, { hop: dialog.hopUri, contact: true });
    if (answer.request !== undefined) dialog.sent(answer.request);
    if (answer.answer === 'response' && answer.response.status < 300) {
      dialog.refresh(answer.response);
      return;
    }
    // Whoever says when to come again is still there (RFC 6665 §4.2.2).
    if (answer.answer === 'response' && answer.response.headers.has('retry-after')) return;
    if (this.#isOver) return;
    context.log.info({ account, outcome: answer.answer }, 'a watcher cannot be told and is let go');
    this.drop();
  }
}
