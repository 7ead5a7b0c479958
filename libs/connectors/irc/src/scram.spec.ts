import { expect, it } from '@jest/globals';
import { prepared, Scram, ScramError } from './scram.js';

const nonce = 'rOprNGfwEbeRWgbNEkqO';
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';

it('speaks the example of RFC 7677 §3 to the byte', async () => {
  const scram = new Scram('user', 'pencil', nonce);
  expect(scram.first()).toBe(`n,,n=user,r=${nonce}`);
  expect(await scram.final(serverFirst)).toBe(
    `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  );
  expect(() => {
    scram.verify(serverFinal);
  }).not.toThrow();
});

it('escapes what has a meaning in a name, and takes a fresh nonce each time', () => {
  expect(new Scram('a=b,c', 'x', 'n').first()).toBe('n,,n=a=3Db=2Cc,r=n');
  expect(new Scram('a', 'x').first()).not.toBe(new Scram('a', 'x').first());
});

it.each([
  ['another nonce', serverFirst.replace(nonce, 'somebodyElses')],
  ['our nonce and nothing of its own', `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
  ['no salt', `r=${nonce}x,s=,i=4096`],
  ['too few rounds', serverFirst.replace('4096', '4095')],
  ['so many rounds that it would burn our time', serverFirst.replace('4096', '600001')],
  ['rounds beyond counting', serverFirst.replace('4096', '9'.repeat(400))],
  ['a mandatory extension', `m=x,${serverFirst}`],
  ['an error', 'e=unknown-user'],
  ['nothing', ''],
  ['a megabyte', 'r='.padEnd(1_000_000, 'x')],
])('goes no further with a server that gives %s', async (_what, message) => {
  await expect(new Scram('user', 'pencil', nonce).final(message)).rejects.toMatchObject({
    name: 'ScramError',
  });
});

it.each([
  ['a wrong signature', 'v=AAriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
  ['a short one', 'v=6rri'],
  ['an error', 'e=invalid-proof'],
  ['nothing', ''],
])('does not believe a server that proves itself with %s', async (_what, message) => {
  const scram = new Scram('user', 'pencil', nonce);
  await scram.final(serverFirst);
  expect(() => {
    scram.verify(message);
  }).toThrow(ScramError);
});

it('believes no proof before it has given its own', () => {
  expect(() => {
    new Scram('user', 'pencil', nonce).verify(serverFinal);
  }).toThrow(ScramError);
});

it('prepares a password as RFC 4013 does', () => {
  expect(prepared('I\u00adX')).toBe('IX');
  expect(prepared('ª')).toBe('a');
  expect(prepared('Ⅸ')).toBe('IX');
  expect(prepared('a\u00a0b')).toBe('a b');
});
