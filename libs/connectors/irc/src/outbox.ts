import type { SessionClock } from '#connector';
import type { TokenBucket } from '#connector/session';

/** More than this unread by the peer, and what can wait waits. */
const crowded = 16_384;

/** A line that is no speech: JOIN, NICK, AWAY, PING. */
export interface ControlLine {
  readonly line: string;
  /** A waiting line with the same key is replaced: only the latest presence counts. */
  readonly key?: string;
  /** Called when it has been written. */
  readonly left?: () => void;
}

/** What leaves at once: a line, or a batch that nothing may come between (draft/multiline). */
interface Utterance {
  readonly lines: readonly string[];
  /** Called when the last has been written. */
  readonly left: () => void;
}

/** What one envelope says: it leaves in order and together, nothing of another envelope between. */
export interface Speech {
  readonly parts: readonly Utterance[];
  /** Called when the last has been written. */
  readonly out: () => void;
}

/**
 * What waits to leave, under the network's rate. Control lines go first: a room is joined before it is written to.
 * Speeches keep the order in which they came.
 */
export class Outbox {
  readonly #write: (line: string) => void;
  readonly #backlog: () => number;
  readonly #clock: SessionClock;
  readonly #bucket: TokenBucket;
  readonly #idle: () => void;
  readonly #control: ControlLine[] = [];
  readonly #speeches: { readonly speech: Speech; next: number }[] = [];
  #cancelTimer: (() => void) | undefined;
  #pumping = false;
  #closed = false;

  /** @param parts.idle called whenever everything that waited has left. */
  constructor(parts: {
    readonly write: (line: string) => void;
    readonly backlog: () => number;
    readonly clock: SessionClock;
    readonly bucket: TokenBucket;
    readonly idle: () => void;
  }) {
    this.#write = parts.write;
    this.#backlog = parts.backlog;
    this.#clock = parts.clock;
    this.#bucket = parts.bucket;
    this.#idle = parts.idle;
  }

  control(control: ControlLine): void {
    if (this.#closed) return;
    const at = control.key === undefined ? -1 : this.#control.findIndex(({ key }) => key === control.key);
    if (at === -1) this.#control.push(control);
    else this.#control[at] = control;
    this.pump();
  }

  say(speech: Speech): void {
    if (this.#closed) return;
    this.#speeches.push({ speech, next: 0 });
    this.pump();
  }

  /** Takes back what has not left of a speech; says how many of its parts had. */
  withdraw(speech: Speech): number {
    const at = this.#speeches.findIndex((one) => one.speech === speech);
    if (at === -1) return speech.parts.length;
    const [taken] = this.#speeches.splice(at, 1);
    return taken?.next ?? 0;
  }

  /** How many more lines may leave at once, and otherwise when one may. */
  allowance(): { readonly lines: number; readonly inMs: number } {
    const waiting = this.#waiting();
    const lines = Math.max(0, this.#bucket.available() - waiting);
    return { lines, inMs: lines > 0 ? 0 : Math.max(1, this.#bucket.wait(waiting + 1)) };
  }

  /** Lets go what may go now. */
  pump(): void {
    if (this.#pumping || this.#closed) return;
    this.#pumping = true;
    let sent = false;
    while (this.#waiting() > 0 && this.#backlog() <= crowded && this.#mayLeave()) {
      this.#leave();
      sent = true;
    }
    this.#pumping = false;
    if (sent && this.#waiting() === 0) this.#idle();
  }

  /** Stops; answers with the speeches that had not left whole, and how many parts of each had. */
  close(): readonly { readonly speech: Speech; readonly next: number }[] {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#control.length = 0;
    return this.#speeches.splice(0);
  }

  #mayLeave(): boolean {
    // A batch leaves when as many lines may as ever may at once; whoever offers batches takes them whole.
    const wait = this.#bucket.wait(this.#next());
    if (wait === 0) return true;
    this.#cancelTimer ??= this.#clock.after(wait, () => {
      this.#cancelTimer = undefined;
      this.pump();
    });
    return false;
  }

  #leave(): void {
    const control = this.#control.shift();
    if (control !== undefined) {
      this.#bucket.take();
      this.#write(control.line);
      control.left?.();
      return;
    }
    const head = this.#speeches[0];
    const part = head?.speech.parts[head.next];
    if (head === undefined || part === undefined) return;
    head.next++;
    if (head.next === head.speech.parts.length) this.#speeches.shift();
    this.#bucket.take(part.lines.length);
    for (const line of part.lines) this.#write(line);
    part.left();
    if (head.next === head.speech.parts.length) head.speech.out();
  }

  /** How many lines leave next. */
  #next(): number {
    const head = this.#speeches[0];
    return this.#control.length > 0 ? 1 : (head?.speech.parts[head.next]?.lines.length ?? 1);
  }

  #waiting(): number {
    let lines = this.#control.length;
    for (const { speech, next } of this.#speeches) {
      for (const part of speech.parts.slice(next)) lines += part.lines.length;
    }
    return lines;
  }
}
