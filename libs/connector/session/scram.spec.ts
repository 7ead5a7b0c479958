import { expect, it } from '@jest/globals';
import { prepared, Scram, ScramError, type ScramParts } from './scram.js';

const nonce = 'rOprNGfwEbeRWgbNEkqO';
const serverFirst = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=';
const scramOf = (more: Partial<ScramParts> = {}): Scram =>
  new Scram({ hash: 'SCRAM-SHA-256', user: 'user', password: 'pencil', binding: 'none', nonce, ...more });

it('speaks the example of RFC 7677 §3 to the byte', async () => {
  const scram = scramOf();
  expect(scram.first()).toBe(`n,,n=user,r=${nonce}`);
  expect(await scram.final(serverFirst)).toBe(
    `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`,
  );
  expect(() => {
    scram.verify(serverFinal);
  }).not.toThrow();
});

it('speaks the example of RFC 5802 §5 to the byte', async () => {
  const scram = scramOf({ hash: 'SCRAM-SHA-1', nonce: 'fyko+d2lbbFgONRv9qkxdawL' });
  expect(scram.first()).toBe('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
  const whole = 'fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j';
  expect(await scram.final(`r=${whole},s=QSXCR+Q6sek8bf92,i=4096`)).toBe(
    `c=biws,r=${whole},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=`,
  );
  expect(() => {
    scram.verify('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=');
  }).not.toThrow();
});

it('says of channel binding what it does, and what it would do', async () => {
  const data = Buffer.from('00ff', 'hex');
  const bound = scramOf({ binding: { type: 'tls-exporter', data } });
  expect(bound.first()).toBe(`p=tls-exporter,,n=user,r=${nonce}`);
  const header = Buffer.concat([Buffer.from('p=tls-exporter,,'), data]).toString('base64');
  expect(await bound.final(serverFirst)).toContain(`c=${header},r=`);
  const unoffered = scramOf({ binding: 'unoffered' });
  expect(unoffered.first()).toBe(`y,,n=user,r=${nonce}`);
  expect(await unoffered.final(serverFirst)).toContain(`c=${Buffer.from('y,,').toString('base64')},r=`);
});

it('escapes what has a meaning in a name, and takes a fresh nonce each time', () => {
  expect(scramOf({ user: 'a=b,c', nonce: 'n' }).first()).toBe('n,,n=a=3Db=2Cc,r=n');
  const fresh = (): string =>
    new Scram({ hash: 'SCRAM-SHA-1', user: 'a', password: 'x', binding: 'none' }).first();
  expect(fresh()).not.toBe(fresh());
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
  await expect(scramOf().final(message)).rejects.toMatchObject({
    name: 'ScramError',
  });
});

it.each([
  ['a wrong signature', 'v=AAriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
  ['a short one', 'v=6rri'],
  ['an error', 'e=invalid-proof'],
  ['nothing', ''],
])('does not believe a server that proves itself with %s', async (_what, message) => {
  const scram = scramOf();
  await scram.final(serverFirst);
  expect(() => {
    scram.verify(message);
  }).toThrow(ScramError);
});

it('believes no proof before it has given its own', () => {
  expect(() => {
    scramOf().verify(serverFinal);
  }).toThrow(ScramError);
});

it('prepares a password as RFC 4013 does', () => {
  expect(prepared('I\u00adX')).toBe('IX');
  expect(prepared('ª')).toBe('a');
  expect(prepared('Ⅸ')).toBe('IX');
  expect(prepared('a\u00a0b')).toBe('a b');
});
