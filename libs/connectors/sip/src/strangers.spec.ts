import { expect, it } from '@jest/globals';
import { Strangers } from './strangers.js';

it('answers each address so often in a second, whatever others ask', () => {
  let now = 0;
  const strangers = new Strangers(() => now);
  const answered = (address: string, asked: number): number =>
    Array.from({ length: asked }, () => strangers.mayAnswer(address)).filter(Boolean).length;
  expect(answered('192.0.2.1', 100)).toBe(20);
  expect(answered('192.0.2.2', 10)).toBe(10);
  now += 500;
  expect(answered('192.0.2.1', 100)).toBe(10);
});

it('takes all addresses of one net of IPv6 for one', () => {
  const strangers = new Strangers(() => 0);
  const answered = Array.from({ length: 100 }, (_none, at) => strangers.mayAnswer(`2001:db8::${String(at)}`));
  expect(answered.filter(Boolean)).toHaveLength(20);
  expect(strangers.mayAnswer('2001:db8:0:0:ffff::1')).toBe(false);
  expect(strangers.mayAnswer('2001:db8:0:1::1')).toBe(true);
});

it('remembers so many that ask at once, and takes all others for one until those are silent', () => {
  let now = 0;
  const strangers = new Strangers(() => now);
  const ask = (from: number, count: number): number =>
    Array.from({ length: count }, (_none, at) =>
      strangers.mayAnswer(`192.0.${String(from)}.${String(at)}`),
    ).filter(Boolean).length;
  for (const from of [0, 1, 2, 3]) expect(ask(from, 250)).toBe(250);
  expect(ask(9, 100)).toBe(20);
  expect(ask(3, 250)).toBe(250);
  now += 1_000;
  expect(ask(9, 100)).toBe(100);
});
