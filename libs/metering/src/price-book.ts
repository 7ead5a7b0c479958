/** Out: what we send. In: what comes to us. */
export type Direction = 'out' | 'in';

/** What one part costs by one connector, in one direction, to (or from) numbers that begin so. */
export interface PriceRow {
  readonly connector: string;
  readonly direction: Direction;
  /** Digits without a plus; empty: wherever no longer prefix fits. */
  readonly prefix: string;
  /** Of one part, in micro-units. */
  readonly unit: bigint;
}

/** Which row of the book holds for a destination. */
export interface Found {
  readonly prefix: string;
  readonly unit: bigint;
}

/** A workspace's prices as they are asked for: by the longest prefix, without a query. Immutable. */
export class PriceBook {
  static readonly empty = new PriceBook(0, null, []);
  readonly #rows = new Map<string, { readonly units: Map<string, bigint>; longest: number }>();

  constructor(
    /** Counted up with every change; 0 where nobody has written one. */
    readonly version: number,
    /** ISO 4217; null where nobody has written a book. */
    readonly currency: string | null,
    readonly rows: readonly PriceRow[],
  ) {
    for (const { connector, direction, prefix, unit } of rows) {
      const key = keyOf(connector, direction);
      const chapter = this.#rows.get(key) ?? { units: new Map<string, bigint>(), longest: 0 };
      chapter.units.set(prefix, unit);
      chapter.longest = Math.max(chapter.longest, prefix.length);
      this.#rows.set(key, chapter);
    }
  }

  /** Whether it has any price of a connector. */
  knows(connector: string, direction: Direction): boolean {
    return this.#rows.has(keyOf(connector, direction));
  }

  /** The price of one part to a destination; undefined where none is known. */
  priceOf(connector: string, direction: Direction, destination: string): Found | undefined {
    const chapter = this.#rows.get(keyOf(connector, direction));
    if (!chapter) return undefined;
    for (let length = Math.min(destination.length, chapter.longest); length >= 0; length--) {
      const prefix = destination.slice(0, length);
      const unit = chapter.units.get(prefix);
      if (unit !== undefined) return { prefix, unit };
    }
    return undefined;
  }
}

function keyOf(connector: string, direction: Direction): string {
  return `${direction} ${connector}`;
}
