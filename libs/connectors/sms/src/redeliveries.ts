/*
 * What a message centre delivers again because our answer was lost with the line, or was never given. SMPP gives texts no
 * ids, so each is given one here, and a text that comes again is known by what it says: it bears the id of the first, and
 * the house tells whether it has it. Only what was with us when the line broke, or is in doubt, may come again, each once
 * and soon: somebody who says "ok" twice is heard twice.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { JsonValue } from '#connector';
import type { IncomingText } from './driver.js';

/** How long after an answer it may yet be lost with the line. */
const doubtMs = 2_000;
/** How long a message centre may take to deliver again. */
const againMs = 600_000;
/** So many are remembered; more than any window. */
const most = 256;

/** What a text is known by. */
export function digestOf({ from, to }: IncomingText, said: string | Buffer): string {
  return createHash('sha256')
    .update(JSON.stringify([from, to, typeof said === 'string' ? said : said.toString('base64')]))
    .digest('base64url')
    .slice(0, 16);
}

interface Taken {
  readonly digest: string;
  readonly id: string;
  /** When the message centre was answered; undefined until then. */
  answeredAt?: number;
}

export class Redeliveries {
  readonly #now: () => number;
  /** With us now, or answered a moment ago; in order. */
  #taken: Taken[] = [];
  /** What may come again, and the ids that it had. */
  readonly #again = new Map<string, string[]>();
  #until = 0;

  /** @param now milliseconds that only grow. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Goes on from the note of an earlier session. */
  resume(noted: JsonValue | undefined): void {
    for (const one of Array.isArray(noted) ? noted : []) {
      if (typeof one !== 'string') continue;
      const [digest = '', id = ''] = one.split(' ');
      this.#expect({ digest, id });
    }
  }

  /**
   * A text goes to the house, under this id: a new one, or that of the first where it comes again. Call `answered` once
   * the message centre can be told, `doubted` where nobody knows whether it is stored, `forget` where it is not.
   */
  take(digest: string): {
    readonly id: string;
    answered(): void;
    doubted(): void;
    forget(): void;
  } {
    const now = this.#now();
    this.#taken = this.#taken.filter(
      ({ answeredAt }) => answeredAt === undefined || now - answeredAt < doubtMs,
    );
    const before = now > this.#until ? undefined : this.#again.get(digest)?.shift();
    const taken: Taken = { digest, id: before ?? randomBytes(12).toString('base64url') };
    this.#taken.push(taken);
    if (this.#taken.length > most) this.#taken.shift();
    const forget = (): boolean => {
      const had = this.#taken.length;
      this.#taken = this.#taken.filter((one) => one !== taken);
      return this.#taken.length < had;
    };
    return {
      id: taken.id,
      answered: () => {
        taken.answeredAt = this.#now();
      },
      doubted: () => {
        // Otherwise the line broke meanwhile, and it is expected already.
        if (forget()) this.#expect(taken);
      },
      forget,
    };
  }

  /** The line broke: what is with us may come again over the next. */
  lineBroke(): void {
    for (const taken of this.#taken.splice(0)) this.#expect(taken);
  }

  /** What is to be kept with the text that is stored now. */
  note(): JsonValue {
    const again = [...this.#again].flatMap(([digest, ids]) => ids.map((id) => ({ digest, id })));
    const expected = this.#now() > this.#until ? [] : again;
    return [...expected, ...this.#taken].slice(-most).map(({ digest, id }) => `${digest} ${id}`);
  }

  #expect({ digest, id }: Taken): void {
    if (this.#now() > this.#until) this.#again.clear();
    this.#again.set(digest, [...(this.#again.get(digest) ?? []), id]);
    this.#until = this.#now() + againMs;
  }
}
