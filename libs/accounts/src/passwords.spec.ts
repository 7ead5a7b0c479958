import { describe, expect, it } from '@jest/globals';
import { Passwords } from './passwords.js';

describe('a password', () => {
  const passwords = new Passwords();

  it('is kept as argon2id at the cost that OWASP asks for, salted', async () => {
    const [one, two] = await Promise.all([passwords.hash('sesame'), passwords.hash('sesame')]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(one).not.toBe(two);
    expect(await passwords.verify(one, 'sesame')).toBe(true);
    expect(await passwords.verify(one, 'barley')).toBe(false);
  });

  it('of nobody is never right', async () => {
    expect(await passwords.verify(undefined, 'sesame')).toBe(false);
  });

  it('waits in a line that has an end', async () => {
    const hashed = await passwords.hash('sesame');
    const knocks = Array.from({ length: 110 }, () =>
      passwords.verify(hashed, 'sesame').catch((error: unknown) => error),
    );
    const answers = await Promise.all(knocks);
    expect(answers.filter((answer) => answer === true)).toHaveLength(102);
    expect(answers.filter((answer) => answer !== true)).toEqual(
      Array.from({ length: 8 }, () =>
        expect.objectContaining({ status: 503, code: 'busy', more: { retryAfterSeconds: 5 } }),
      ),
    );
    expect(await passwords.verify(hashed, 'sesame')).toBe(true);
  });
});
