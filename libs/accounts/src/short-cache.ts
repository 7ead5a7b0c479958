import type { Clock } from '#platform';

interface Kept<V> {
  readonly value: V;
  readonly until: number;
}

/**
 * Answers that may be a few seconds old, unless somebody says that they changed. Loads of one key are shared, and a
 * load that began before a `forget` is given to those who already waited for it but never kept: what it read may be
 * from before the change.
 */
export class ShortCache<V extends object> {
  readonly #kept = new Map<string, Kept<V>>();
  readonly #loading = new Map<string, Promise<V | undefined>>();
  #generation = 0;

  constructor(
    private readonly clock: Clock,
    private readonly ttlMs: number,
    private readonly most: number,
  ) {}

  /** What is kept, or what `load` gives. Nothing is not kept: else a flood of wrong guesses would push out the right. */
  async get(key: string, load: () => Promise<V | undefined>): Promise<V | undefined> {
    const kept = this.#kept.get(key);
    if (kept && kept.until > this.clock.monotonic()) return kept.value;
    const loading = this.#loading.get(key);
    if (loading) return loading;
    const fresh = this.load(key, load);
    this.#loading.set(key, fresh);
    try {
      return await fresh;
    } finally {
      if (this.#loading.get(key) === fresh) this.#loading.delete(key);
    }
  }

  /** Forgets every answer of which `concerns` says yes; loads under way are not kept. */
  forget(concerns: (value: V, key: string) => boolean): void {
    this.#generation++;
    this.#loading.clear();
    for (const [key, { value }] of this.#kept) if (concerns(value, key)) this.#kept.delete(key);
  }

  private async load(key: string, load: () => Promise<V | undefined>): Promise<V | undefined> {
    const generation = this.#generation;
    const until = this.clock.monotonic() + this.ttlMs;
    const value = await load();
    if (value !== undefined && generation === this.#generation) {
      // The map keeps the order of insertion: the first is the oldest.
      this.#kept.delete(key);
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size < this.most) break;
        this.#kept.delete(oldest);
      }
      this.#kept.set(key, { value, until });
    }
    return value;
  }
}
