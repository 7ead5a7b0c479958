import { isUtf8 } from 'node:buffer';

/** No line, and never will be one. */
export const tooLong = Symbol('too long');

/**
 * Bytes in, lines out. Bytes are kept until a whole line is there, so a character that comes in two pieces is never
 * decoded in two. What is not UTF-8 is read as Latin-1, which is what old clients send.
 */
export class LineReader {
  readonly #longest: number;
  #held: Buffer = Buffer.alloc(0);
  #from = 0;

  /** @param longest most bytes that a line may have; a peer that sends more without a line end speaks no IRC. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  push(chunk: Buffer): void {
    const rest = this.#held.subarray(this.#from);
    this.#held = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#from = 0;
  }

  /** The next line without its end, `undefined` when none is whole yet, `tooLong` when none ever will be. */
  next(): string | undefined | typeof tooLong {
    for (;;) {
      const end = this.#held.indexOf(0x0a, this.#from);
      if (end === -1) return this.#held.length - this.#from > this.#longest ? tooLong : undefined;
      if (end - this.#from > this.#longest) return tooLong;
      const line = this.#held.subarray(this.#from, end);
      this.#from = end + 1;
      const text = (isUtf8(line) ? line.toString('utf8') : line.toString('latin1')).replace(/\r/g, '');
      if (text !== '') return text;
    }
  }
}
