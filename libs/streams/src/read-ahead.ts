/**
 * Reads from an iterable before it is asked to, up to a bound, so that what is there together is taken together. It
 * never waits for more than one item: a batch is whatever has arrived.
 */
export class ReadAhead<T> implements AsyncDisposable {
  #items: T[] = [];
  #done = false;
  #error: Error | undefined;
  #arrived: (() => void) | undefined;
  #taken: (() => void) | undefined;
  readonly #reading: Promise<void>;

  constructor(
    private readonly source: AsyncIterable<T> & AsyncDisposable,
    private readonly most: number,
  ) {
    this.#reading = this.#read();
  }

  /** Everything that has arrived, one item at least; undefined at the end. */
  async take(): Promise<T[] | undefined> {
    while (this.#items.length === 0) {
      if (this.#error) throw this.#error;
      if (this.#done) return undefined;
      await new Promise<void>((arrived) => {
        this.#arrived = arrived;
      });
    }
    const items = this.#items;
    this.#items = [];
    this.#taken?.();
    return items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#done = true;
    this.#items = [];
    this.#taken?.();
    this.#arrived?.();
    await this.source[Symbol.asyncDispose]();
    await this.#reading;
  }

  /** A method, for the compiler believes a property to stay as it was last seen. */
  #isDone(): boolean {
    return this.#done;
  }

  async #read(): Promise<void> {
    try {
      for await (const item of this.source) {
        this.#items.push(item);
        this.#arrived?.();
        while (this.#items.length >= this.most && !this.#isDone()) {
          await new Promise<void>((taken) => {
            this.#taken = taken;
          });
        }
        if (this.#isDone()) return;
      }
    } catch (error) {
      this.#error = error as Error;
    } finally {
      this.#done = true;
      this.#arrived?.();
    }
  }
}
