/**
 * Turns single answers, in any order, into "everything up to n": the only thing that may be acknowledged (DESIGN.md,
 * law 2). Bounded by what is outstanding.
 */
export class Prefix {
  private readonly ahead = new Set<number>();
  private upTo: number;

  /** @param first the first number that will come */
  constructor(first: number) {
    this.upTo = first - 1;
  }

  /** The last number up to which everything is settled. */
  get settled(): number {
    return this.upTo;
  }

  /** Notes one number; true when the prefix has grown. */
  settle(n: number): boolean {
    if (n !== this.upTo + 1) {
      if (n > this.upTo) this.ahead.add(n);
      return false;
    }
    this.upTo = n;
    while (this.ahead.delete(this.upTo + 1)) this.upTo++;
    return true;
  }
}
