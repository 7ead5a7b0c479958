import { expect, it } from '@jest/globals';
import { awayOf, joinsOf, tagged } from './to-irc.js';

it('says presence as AWAY, and nothing for what AWAY cannot say', () => {
  expect(awayOf({ presence: 'available' })).toBe('AWAY');
  expect(awayOf({ presence: 'chatty', note: 'hi' })).toBe('AWAY');
  expect(awayOf({ presence: 'away', note: 'lunch' })).toBe('AWAY :lunch');
  expect(awayOf({ presence: 'extended-away' })).toBe('AWAY :away');
  expect(awayOf({ presence: 'busy', note: 'exam' })).toBe('AWAY :busy: exam');
  expect(awayOf({ presence: 'busy' })).toBe('AWAY :busy');
  expect(awayOf({ presence: 'offline' })).toBeUndefined();
});

it('joins many rooms in few lines, those with keys first, so that keys meet their rooms', () => {
  const rooms = [{ name: '#a' }, { name: '#b', key: 'k' }, { name: '#c' }, { name: '#d', key: 'l' }];
  expect(joinsOf(rooms, 3).map(({ line }) => line)).toEqual(['JOIN #b,#d,#a k,l', 'JOIN #c']);
  const many = joinsOf(
    Array.from({ length: 100 }, (_, at) => ({ name: `#${'x'.repeat(60)}${String(at)}` })),
    10,
  );
  expect(many.every(({ line }) => Buffer.byteLength(line) < 510)).toBe(true);
  expect(many.flatMap(({ names }) => names)).toHaveLength(100);
  expect(joinsOf([], 10)).toEqual([]);
});

it('writes tags so that they are read as they were', () => {
  expect(tagged({}, 'PING x')).toBe('PING x');
  expect(tagged({ a: '', b: 'x; y\\z\r\n' }, 'PING x')).toBe('@a;b=x\\:\\sy\\\\z\\r\\n PING x');
});
