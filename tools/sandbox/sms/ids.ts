import { randomUUID } from 'node:crypto';
import type { IdStyle } from './options.js';

/** What a message is called in the answer to its submit, and in its receipt. */
export interface MessageIds {
  readonly answered: string;
  readonly receipted: string;
}

/** Numbers that have letters in hexadecimal, and are not the same there as in decimal. */
const first = 0x1a_2b3c;

export class Ids {
  readonly #style: IdStyle;
  #last = first;

  constructor(style: IdStyle) {
    this.#style = style;
  }

  next(): MessageIds {
    const number = ++this.#last;
    const decimal = String(number);
    const hex = number.toString(16);
    const uuid = this.#style === 'uuid' ? randomUUID() : '';
    switch (this.#style) {
      case 'decimal':
        return { answered: decimal, receipted: decimal };
      case 'hex':
        return { answered: hex, receipted: hex };
      case 'hex-decimal':
        return { answered: hex, receipted: decimal.padStart(10, '0') };
      case 'decimal-hex':
        return { answered: decimal, receipted: hex.toUpperCase() };
      case 'uuid':
        return { answered: uuid, receipted: uuid };
    }
  }
}
