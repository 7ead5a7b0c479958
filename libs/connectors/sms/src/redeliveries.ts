/*
 * What a message centre delivers again because our answer was lost with the line. SMPP gives texts no ids, so a text is
 * known by what it says. Only what was with us when the line broke may come again, each once and soon: somebody who says
 * "ok" twice is heard twice.
 */
import { createHash } from 'node:crypto';
import type { JsonValue } from '#connector';
import type { IncomingText } from './driver.js';

/** How long after an answer it may yet be lost with the line. */
const doubtMs = 2_000;
/** How long a message centre may take to deliver again. */
const againMs = 600_000;
/** So many are remembered; more than any window. */
const most = 256;

/** What a text is known by. */
export function digestOf({ from, to, body }: IncomingText): string {
  const said =
    'text' in body ? body.text : 'bytes' in body ? body.bytes.toString('base64') : partOf(body.part);
  return createHash('sha256')
    .update(JSON.stringify([from, to, said]))
    .digest('base64url')
    .slice(0, 16);
}

function partOf({
  size,
  reference,
  of,
  number,
  bytes,
}: Extract<IncomingText['body'], { part: unknown }>['part']): unknown {
  return [size, reference, of, number, bytes.toString('base64')];
}

interface Taken {
  readonly digest: string;
  /** When the message centre was answered; undefined until then. */
  answeredAt?: number;
}

export class Redeliveries {
  readonly #now: () => number;
  /** With us now, or answered a moment ago; in order. */
  #taken: Taken[] = [];
  /** What may come again, and how often. */
  #again = new Map<string, number>();
  #until = 0;

  /** @param now milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Goes on from the note of an earlier session, or of this one where nobody knows what was stored. */
  resume(noted: JsonValue | undefined): void {
    this.#taken = [];
    const digests = Array.isArray(noted) ? noted.filter((one) => typeof one === 'string') : [];
    this.#expect(digests);
  }

  /** Whether this text has come before, over a line that broke. Each may come again once. */
  isAgain(digest: string): boolean {
    const times = this.#again.get(digest) ?? 0;
    if (times === 0 || this.#now() > this.#until) return false;
    this.#again.set(digest, times - 1);
    return true;
  }

  /** A text goes to the house. Call the answer once the message centre can be told; `forget` where it was not stored. */
  take(digest: string): { answered(): void; forget(): void } {
    const now = this.#now();
    this.#taken = this.#taken.filter(
      ({ answeredAt }) => answeredAt === undefined || now - answeredAt < doubtMs,
    );
    const taken: Taken = { digest };
    this.#taken.push(taken);
    if (this.#taken.length > most) this.#taken.shift();
    return {
      answered: () => {
        taken.answeredAt = this.#now();
      },
      forget: () => {
        const left = this.#taken.filter((one) => one !== taken);
        // The line broke meanwhile, and then it was not stored: what comes again is the first.
        if (left.length === this.#taken.length) this.#expected(digest, -1);
        this.#taken = left;
      },
    };
  }

  /** The line broke: what is with us may come again over the next. */
  lineBroke(): void {
    const digests = this.#taken.map(({ digest }) => digest);
    this.#taken = [];
    this.#expect(digests);
  }

  /** What is to be kept with the text that is stored now. */
  note(): JsonValue {
    return this.#taken.map(({ digest }) => digest);
  }

  #expect(digests: readonly string[]): void {
    if (this.#now() > this.#until) this.#again.clear();
    for (const digest of digests) this.#expected(digest, 1);
    this.#until = this.#now() + againMs;
  }

  #expected(digest: string, more: 1 | -1): void {
    this.#again.set(digest, Math.max(0, (this.#again.get(digest) ?? 0) + more));
  }
}
