/**
 * Group commit: what arrives while one batch is being worked on becomes the next batch. Nothing waits when idle, nothing
 * is worked on one by one when busy. Order is kept; one batch at a time.
 */
export class Batcher<Item, Answer> {
  private waiting: { item: Item; done: (answer: Answer) => void; fail: (error: unknown) => void }[] = [];
  private running: Promise<void> | undefined;

  /**
   * @param work takes a batch and answers once per item, in order; when it throws, every item of the batch fails with it
   * @param most items in a batch
   */
  constructor(
    private readonly work: (items: readonly Item[]) => Promise<readonly Answer[]>,
    private readonly most = 500,
  ) {}

  /** How many items wait for their batch. */
  get length(): number {
    return this.waiting.length;
  }

  /** Puts an item into the next batch; resolves with its own answer. */
  add(item: Item): Promise<Answer> {
    return new Promise<Answer>((done, fail) => {
      this.waiting.push({ item, done, fail });
      this.running ??= this.run();
    });
  }

  /** Takes back what has not been begun and is answered here; asked in order. */
  withdraw(answerOf: (item: Item) => Answer | undefined): void {
    const kept = [];
    for (const entry of this.waiting) {
      const answer = answerOf(entry.item);
      if (answer === undefined) kept.push(entry);
      else entry.done(answer);
    }
    this.waiting = kept;
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // One turn of the event loop lets everything that has already arrived join the first batch.
    await new Promise<void>((turn) => setImmediate(turn));
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.most);
      try {
        const answers = await this.work(batch.map(({ item }) => item));
        batch.forEach((entry, index) => {
          entry.done(answers[index] as Answer);
        });
      } catch (error) {
        for (const entry of batch) entry.fail(error);
      }
    }
    this.running = undefined;
  }
}
