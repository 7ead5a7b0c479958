import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { scratchDirectory } from '#peers';
import { createKeyFile, KeyFileError, readKeyFile } from './key-file.js';
import { openSecretBox, SecretBoxError } from './secret-box.js';

let scratch: ReturnType<typeof scratchDirectory>;
let dataDir: string;
let keyFile: string;

beforeEach(() => {
  scratch = scratchDirectory('keys');
  dataDir = join(scratch.path, 'data');
  keyFile = join(dataDir, 'keys.json');
});
afterEach(() => {
  scratch[Symbol.dispose]();
});

const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof SecretBoxError) return error.reason;
    throw error;
  }
  return 'opened';
};

describe('the secret box', () => {
  it('opens what it sealed, in its context only', () => {
    const box = openSecretBox({ dataDir });
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (plain, context, other) => {
        const sealed = box.seal(plain, context);
        expect(box.open(sealed, context).equals(plain)).toBe(true);
        if (other !== context) expect(reasonOf(() => box.open(sealed, other))).toBe('tampered');
      }),
    );
  });

  it('takes text as UTF-8, and shows none of it', () => {
    const box = openSecretBox({ dataDir });
    const sealed = box.seal('pässword', 'x');
    expect(sealed.includes('ssword')).toBe(false);
    expect(box.open(sealed, 'x').toString()).toBe('pässword');
    expect(box.seal('pässword', 'x')).not.toEqual(sealed);
  });

  it('refuses what was changed, at every byte', () => {
    const box = openSecretBox({ dataDir });
    const sealed = box.seal('hello', 'x');
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(reasonOf(() => box.open(changed, 'x'))).toBe(
        at === 0 ? 'malformed' : at < 5 ? 'unknown-key' : 'tampered',
      );
    }
    for (const length of [0, 1, 32])
      expect(reasonOf(() => box.open(sealed.subarray(0, length), 'x'))).toBe('malformed');
  });

  it('makes its key at the first start, for its user only, and keeps it', () => {
    const sealed = openSecretBox({ dataDir }).seal('hello', 'x');
    expect((statSync(keyFile).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(dataDir).mode & 0o777).toString(8)).toBe('700');
    expect(readdirSync(dataDir)).toEqual(['keys.json']);
    expect(openSecretBox({ dataDir }).open(sealed, 'x').toString()).toBe('hello');
  });

  it('rotates: a new key seals, the old ones open, and what should be sealed again is known', () => {
    const box = openSecretBox({ dataDir });
    const bystander = openSecretBox({ dataDir });
    const before = box.seal('before', 'x');
    box.rotate();
    const after = box.seal('after', 'x');
    expect([box.needsReseal(before), box.needsReseal(after)]).toEqual([true, false]);
    for (const each of [box, bystander, openSecretBox({ dataDir })]) {
      expect([each.open(before, 'x').toString(), each.open(after, 'x').toString()]).toEqual([
        'before',
        'after',
      ]);
    }
    expect((statSync(keyFile).mode & 0o777).toString(8)).toBe('600');
  });

  it('takes its key from the environment, and leaves no file', () => {
    const masterKey = randomBytes(32);
    const sealed = openSecretBox({ dataDir, masterKey }).seal('hello', 'x');
    mkdirSync(dataDir);
    expect(readdirSync(dataDir)).toEqual([]);
    expect(openSecretBox({ dataDir, masterKey }).open(sealed, 'x').toString()).toBe('hello');
    expect(reasonOf(() => openSecretBox({ dataDir, masterKey: randomBytes(32) }).open(sealed, 'x'))).toBe(
      'unknown-key',
    );
    expect(() => {
      openSecretBox({ dataDir, masterKey }).rotate();
    }).toThrow('comes from the environment');
  });

  it('opens with the keys of the file when the environment took over, and says what to seal again', () => {
    const filed = openSecretBox({ dataDir }).seal('hello', 'x');
    const box = openSecretBox({ dataDir, masterKey: randomBytes(32) });
    expect(box.open(filed, 'x').toString()).toBe('hello');
    expect(box.needsReseal(filed)).toBe(true);
  });
});

describe('the key file', () => {
  it.each([0o640, 0o604, 0o660])('is refused when others may read it (mode %i)', (mode) => {
    openSecretBox({ dataDir });
    chmodSync(keyFile, mode);
    expect(() => openSecretBox({ dataDir })).toThrow(/can be read by others \(mode 06[046]{2}\).*chmod 600/);
  });

  it('is refused when others may replace it', () => {
    openSecretBox({ dataDir });
    chmodSync(dataDir, 0o777);
    expect(() => openSecretBox({ dataDir })).toThrow(/can be written by others \(mode 0777\).*chmod 700/);
  });

  it.each([
    ['not JSON: hush'],
    ['{}'],
    ['{"current":"00000000","keys":{}}'],
    ['{"current":"00000000","keys":{"00000000":"aHVzaA=="}}'],
  ])('is refused when it holds something else, which is not shown: %s', (text) => {
    openSecretBox({ dataDir });
    writeFileSync(keyFile, text);
    let message = '';
    try {
      openSecretBox({ dataDir });
    } catch (error) {
      expect(error).toBeInstanceOf(KeyFileError);
      message = (error as Error).message;
    }
    expect(message).toContain('Put it back from a backup');
    expect(message).not.toContain('hush');
  });

  it('is never written over by a process that started at the same time', () => {
    const keys = (id: string) => ({ current: id, keys: new Map([[id, randomBytes(32)]]) });
    const faster = keys('00000001');
    createKeyFile(keyFile, faster);
    createKeyFile(keyFile, keys('00000002'));
    expect(readKeyFile(keyFile)).toEqual(faster);
    expect(readdirSync(dataDir)).toEqual(['keys.json']);
  });
});
