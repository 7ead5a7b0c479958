import { describe, expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import type { AccountId } from '#model';
import { fieldsOf, readNote } from './notes.js';

const account = '00000000-0000-4000-8000-000000000001' as AccountId;

describe('a note', () => {
  it('is read as it was stored, and tells what was never noted from what cannot be read', async () => {
    const context = new TestContext();
    expect(await readNote(context, account, 'place')).toEqual({ value: undefined });
    await context.emit({ events: [], keyValues: [{ account, key: 'place', value: { at: 5 } }] });
    expect(await readNote(context, account, 'place')).toEqual({ value: { at: 5 } });
    const broken: TestContext = Object.assign(context, {
      keyValues: { read: () => Promise.reject(new Error('the storage is away')) },
    });
    expect(await readNote(broken, account, 'place')).toBeUndefined();
    expect(context.logged.at(-1)).toMatchObject({
      facts: { account, key: 'place' },
      sentence: 'a note could not be read',
    });
  });

  it('has fields only where it is an object', () => {
    expect(fieldsOf({ at: 5 })).toEqual({ at: 5 });
    for (const value of [undefined, null, 'text', 5, [1, 2]]) expect(fieldsOf(value)).toEqual({});
  });
});
