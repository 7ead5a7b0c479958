import { describe, expect, it } from '@jest/globals';
import { Broken, type Files, type Incoming } from '#files';
import { newId } from '#model';
import { Problem, StorageFull } from '#platform';
import { receiveFile } from './inbound-files.js';

const warned: string[] = [];
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (_: unknown, what: string) => warned.push(what),
};
const incoming = {
  workspace: newId<'WorkspaceId'>(),
  person: newId<'PersonId'>(),
  name: 'x',
  content: (async function* () {
    await Promise.resolve();
    yield Buffer.from('x');
  })(),
};

/** Files that do as they are told. */
const files = (receive: (incoming: Incoming) => unknown): Files =>
  ({ receive: (one: Incoming) => Promise.resolve().then(() => receive(one)) }) as unknown as Files;
const fails = (error: Error) =>
  files(() => {
    throw error;
  });

describe('a file that a network hands over', () => {
  it('becomes an attachment of the house, by what the house found it to be', async () => {
    const id = newId<'FileId'>();
    const taken: Incoming[] = [];
    const house = files((one) => {
      taken.push(one);
      return { id, name: 'clean.txt', mediaType: 'text/plain', size: 7, hash: Buffer.alloc(32) };
    });
    expect(await receiveFile(house, log, { ...incoming, mediaType: 'image/png' })).toEqual({
      outcome: 'stored',
      attachment: { file: id, name: 'clean.txt', mediaType: 'text/plain', size: 7 },
    });
    expect(taken).toMatchObject([{ person: incoming.person, mediaType: 'image/png' }]);
  });

  it.each([
    ['too large', new Problem(413, 'file-too-large', 'Too large.'), 'too-large', 'Too large.'],
    ['over the quota', new Problem(409, 'quota-exceeded', 'No room.'), 'too-large', 'No room.'],
    ['broken off', new Broken('It broke off.'), 'network-unreachable', 'It broke off.'],
    ['without a disk', new StorageFull(), 'storage-unavailable', undefined],
    ['without a database', new Error('hush'), 'storage-unavailable', undefined],
  ])('%s is refused with a code of the contract', async (_, error, code, detail) => {
    const outcome = await receiveFile(fails(error), log, incoming);
    expect(outcome).toMatchObject({ outcome: 'refused', failure: { code } });
    expect((outcome as { failure: { detail?: string } }).failure.detail).toBe(detail);
  });

  it('for an account that the session carries no more is refused', async () => {
    const outcome = await receiveFile(fails(new Error('never asked')), log, {
      ...incoming,
      person: undefined,
    });
    expect(outcome).toMatchObject({ outcome: 'refused', failure: { code: 'account-gone' } });
  });
});
