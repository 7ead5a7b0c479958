import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';

/** What windows-1252 has at 0x80 to 0x9F, where Latin-1 has controls. */
const odd = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

/** No line, and never will be one. */
export const tooLong = Symbol('too long');

/**
 * Bytes in, lines out. Bytes are kept until a whole line is there, so a character that comes in two pieces is never
 * decoded in two. What is not UTF-8 is read as old clients write: line by line, for each may be another's.
 */
export class LineReader {
  readonly #longest: number;
  #held: Buffer = Buffer.alloc(0);
  #from = 0;
  readonly #encoding: string;
  /** Made when the first line needs it: most connections never do. */
  #decoder: TextDecoder | undefined;

  /**
   * @param longest most bytes that a line may have; a peer that sends more without a line end speaks no IRC.
   * @param encoding of lines that are not UTF-8 (a WHATWG name). Latin-1 has never been what it says: windows-1252 is.
   */
  constructor(longest: number, encoding = 'windows-1252') {
    this.#longest = longest;
    this.#encoding = encoding;
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
      const text = (isUtf8(line) ? line.toString('utf8') : this.#old(line)).replace(/\r/g, '');
      if (text !== '') return text;
    }
  }

  #old(line: Buffer): string {
    // Node 20 decodes windows-1252 as Latin-1.
    if (this.#encoding === 'windows-1252') {
      return line.toString('latin1').replace(/[\x80-\x9f]/g, (one) => odd.charAt(one.charCodeAt(0) - 0x80));
    }
    this.#decoder ??= new TextDecoder(this.#encoding);
    return this.#decoder.decode(line);
  }
}
