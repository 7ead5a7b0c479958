import { describe, expect, it } from '@jest/globals';
import { failure, newId } from '#model';
import { TestFiles } from './test-files.js';

const account = newId<'AccountId'>();
const never = new AbortController().signal;

/** Content that remembers whether it was closed. */
function content(...chunks: readonly (string | Error)[]) {
  const seen = { closed: false };
  async function* come(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (const chunk of chunks) {
        await Promise.resolve();
        if (chunk instanceof Error) throw chunk;
        yield Buffer.from(chunk);
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, come: come() };
}

describe('the files of a test’s house', () => {
  it('keep what comes, and name it by what it is', async () => {
    const files = new TestFiles();
    const { come } = content('hello ', 'file');
    const outcome = await files.receive(account, { name: 'a.txt', mediaType: 'text/plain' }, come, never);
    expect(outcome).toMatchObject({
      outcome: 'stored',
      attachment: { name: 'a.txt', mediaType: 'text/plain', size: 10 },
    });
    expect(files.received.map(({ bytes }) => bytes.toString())).toEqual(['hello file']);
  });

  it.each<[string, (string | Error)[], number | undefined, string]>([
    ['more than the limit', ['0123456789', 'x'], undefined, 'too-large'],
    ['more than was announced', ['01234', 'x'], 5, 'too-large'],
    ['less than was announced', ['0123'], 5, 'network-unreachable'],
    ['content that breaks off', ['0', new Error('cut')], undefined, 'network-unreachable'],
  ])('refuse %s, and close the content', async (_, chunks, size, code) => {
    const files = new TestFiles();
    files.limit = 10;
    const { come, seen } = content(...chunks);
    const file = size === undefined ? { name: 'a' } : { name: 'a', size };
    expect(await files.receive(account, file, come, never)).toMatchObject({
      outcome: 'refused',
      failure: { code },
    });
    expect(seen.closed).toBe(true);
    expect(files.received).toEqual([]);
  });

  it('let go of content that hangs when the signal is given', async () => {
    const files = new TestFiles();
    const stop = new AbortController();
    const hangs = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const outcome = files.receive(account, { name: 'a' }, hangs, stop.signal);
    stop.abort();
    expect(await outcome).toMatchObject({ failure: { code: 'network-unreachable' } });
  });

  it('refuse as they are told', async () => {
    const files = new TestFiles();
    files.refusal = failure('storage-unavailable');
    expect(await files.receive(account, { name: 'a' }, content('x').come, never)).toMatchObject({
      failure: { code: 'storage-unavailable' },
    });
  });
});
