import { describe, expect, it } from '@jest/globals';
import { eventually } from '#peers';
import { ReadAhead } from './read-ahead.js';

/** A source that counts what is read of it, and that the test feeds. */
class Source implements AsyncIterable<number>, AsyncDisposable {
  read = 0;
  disposed = false;
  readonly #items: number[] = [];
  #wake: (() => void) | undefined;
  #end: 'no' | 'ended' | Error = 'no';

  give(...items: number[]): void {
    this.#items.push(...items);
    this.#wake?.();
  }
  end(how: 'ended' | Error = 'ended'): void {
    this.#end = how;
    this.#wake?.();
  }
  async *[Symbol.asyncIterator](): AsyncIterator<number> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.read++;
        yield item;
      } else if (this.#end instanceof Error) {
        throw this.#end;
      } else if (this.#end === 'ended') {
        return;
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
  }
  [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    this.end();
    return Promise.resolve();
  }
}

const turn = () => new Promise((done) => setImmediate(done));

describe('reading ahead', () => {
  it('takes together what has arrived together', async () => {
    const source = new Source();
    await using ahead = new ReadAhead(source, 10);
    source.give(1, 2, 3);
    await turn();
    expect(await ahead.take()).toEqual([1, 2, 3]);
  });

  it('waits for one item and for no more', async () => {
    const source = new Source();
    await using ahead = new ReadAhead(source, 10);
    const taken = ahead.take();
    source.give(1);
    expect(await taken).toEqual([1]);
  });

  it('stops reading at its bound until it is emptied', async () => {
    const source = new Source();
    await using ahead = new ReadAhead(source, 3);
    source.give(1, 2, 3, 4, 5);
    await turn();
    expect(source.read).toBe(3);
    expect(await ahead.take()).toEqual([1, 2, 3]);
    await turn();
    expect(await ahead.take()).toEqual([4, 5]);
  });

  it('gives what is left and then the end', async () => {
    const source = new Source();
    await using ahead = new ReadAhead(source, 10);
    source.give(1);
    source.end();
    await turn();
    expect(await ahead.take()).toEqual([1]);
    expect(await ahead.take()).toBeUndefined();
  });

  it('gives what is left and then the error', async () => {
    const source = new Source();
    await using ahead = new ReadAhead(source, 10);
    source.give(1);
    source.end(new Error('the database is gone'));
    await turn();
    expect(await ahead.take()).toEqual([1]);
    await expect(ahead.take()).rejects.toThrow('the database is gone');
  });

  it('lets its source go and wakes whoever waits', async () => {
    const source = new Source();
    const ahead = new ReadAhead(source, 10);
    const taken = ahead.take();
    await ahead[Symbol.asyncDispose]();
    expect(await taken).toBeUndefined();
    expect(source.disposed).toBe(true);
  });

  it('can be let go while it is full', async () => {
    const source = new Source();
    const ahead = new ReadAhead(source, 1);
    source.give(1, 2, 3);
    await eventually('the source is read', () => source.read === 1);
    await ahead[Symbol.asyncDispose]();
    expect(source.read).toBe(1);
  });
});
