/** Which nick to ask for next while the wanted one is taken: the person's alternates, then variations. */
export class Nicks {
  static readonly #mostVariations = 12;
  readonly #wanted: string;
  readonly #alternates: readonly string[];
  readonly #random: () => number;
  #tried = 0;

  /** @param random uniform in [0, 1). */
  constructor(wanted: string, alternates: readonly string[], random: () => number) {
    this.#wanted = wanted;
    this.#alternates = alternates;
    this.#random = random;
  }

  get wanted(): string {
    return this.#wanted;
  }

  /** Another nick that is nobody's as far as we know, or undefined when enough have been tried. */
  next(): string | undefined {
    const tried = this.#tried++;
    const alternate = this.#alternates[tried];
    if (alternate !== undefined) return alternate;
    const variation = tried - this.#alternates.length;
    if (variation >= Nicks.#mostVariations) return undefined;
    if (variation < 2) return this.#wanted + '_'.repeat(variation + 1);
    // Some networks cut nicks at nine characters: the digits must be within them.
    return `${this.#wanted.slice(0, 5)}${String(1000 + Math.floor(this.#random() * 9000))}`;
  }

  /** The next of the alternates that the person gave: the wanted one is not acceptable to this server. */
  nextGiven(): string | undefined {
    return this.#tried < this.#alternates.length ? this.#alternates[this.#tried++] : undefined;
  }
}
