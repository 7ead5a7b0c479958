import { describe, expect, it } from '@jest/globals';
import type { OccupancyChange } from '#connector';
import { ManualClock } from '#connector/testing';
import { failure } from '#model';
import { plainNetwork } from './network.js';
import { Occupancy } from '#connector/session';
import { Rooms } from './rooms.js';

function make() {
  const clock = new ManualClock();
  const told: [string, OccupancyChange][] = [];
  const occupancy = new Occupancy(clock, 200, (conversation, change) => told.push([conversation, change]));
  return { clock, told, rooms: new Rooms(() => plainNetwork, occupancy) };
}
const wish = (address: string, options = {}) => ({ address, options });

describe('rooms', () => {
  it('are compared as the network compares them, and keep the address of the wish', () => {
    const { rooms } = make();
    rooms.wish([wish('#one{}')]);
    expect(rooms.missing(0)).toEqual([{ name: '#one{}' }]);
    rooms.entered('#One[]');
    expect(rooms.addressOf('#ONE[]')).toBe('#one{}');
    expect(rooms.missing(0)).toEqual([]);
    expect(rooms.occupants('#one{}')).toEqual([]);
  });

  it('are asked for once, and again after a refusal only when that may help or somebody wishes anew', () => {
    const { rooms } = make();
    rooms.wish([wish('#full'), wish('#closed')]);
    expect(rooms.missing(0)).toHaveLength(2);
    expect(rooms.missing(0)).toEqual([]);
    expect(rooms.refused('#full', failure('not-allowed', '', 'retry'), 0, 60_000)).toBe(true);
    expect(rooms.refused('#closed', failure('not-allowed'), 0, 60_000)).toBe(true);
    expect(rooms.refused('#closed', failure('not-allowed'), 0, 60_000)).toBe(false);
    expect(rooms.nextTry()).toBe(60_000);
    expect(rooms.missing(59_999)).toEqual([]);
    expect(rooms.missing(60_000)).toEqual([{ name: '#full' }]);
    rooms.wish([wish('#full'), wish('#closed')]);
    expect(rooms.missing(60_000)).toEqual([{ name: '#closed' }]);
  });

  it('are left when no longer wished for, and let be where nobody ever wished for them', () => {
    const { rooms } = make();
    rooms.wish([wish('#mine')]);
    rooms.entered('#Mine');
    rooms.entered('#put-there-by-a-bouncer');
    expect(rooms.wish([])).toEqual(['#Mine']);
  });

  it('take a key, unless it would break the line', () => {
    const { rooms } = make();
    rooms.wish([
      wish('#a', { key: 'k' }),
      wish('#b', { key: 'k k' }),
      wish('#c', { key: 'x\r\nQUIT' }),
      wish('#d\r\nQUIT'),
    ]);
    expect(rooms.missing(0)).toEqual([{ name: '#a', key: 'k' }, { name: '#b' }, { name: '#c' }]);
  });

  it('know their members by NAMES and what happens after, with their highest role', () => {
    const { rooms } = make();
    rooms.entered('#a');
    rooms.names('#a', [
      { nick: 'Bob', modes: 'ov' },
      { nick: 'carol', modes: '' },
    ]);
    rooms.names('#a', [{ nick: 'dave', modes: 'v' }]);
    rooms.namesEnd('#a');
    rooms.came('#a', 'erin');
    rooms.renamed('carol', 'Caroline');
    rooms.quit('DAVE');
    rooms.modes('#a', [
      { set: false, mode: 'o', parameter: 'bob' },
      { set: true, mode: 'o', parameter: 'erin' },
      { set: true, mode: 'n' },
    ]);
    expect(rooms.occupants('#a')).toEqual([
      { address: 'bob', name: 'Bob', role: 'voice' },
      { address: 'erin', role: 'operator' },
      { address: 'caroline', name: 'Caroline' },
    ]);
  });

  it('tell a split of thousands as one delta, and nothing of who came and went in between', () => {
    const { rooms, clock, told } = make();
    rooms.entered('#a');
    const nicks = Array.from({ length: 10_000 }, (_, at) => `nick${String(at)}`);
    rooms.names(
      '#a',
      nicks.map((nick) => ({ nick, modes: '' })),
    );
    rooms.namesEnd('#a');
    clock.advance(200);
    for (const nick of nicks) rooms.quit(nick);
    rooms.came('#a', 'guest');
    rooms.went('#a', 'guest');
    clock.advance(200);
    expect(told).toHaveLength(2);
    expect(told[0]?.[1].joined).toHaveLength(10_000);
    expect(told[1]?.[1].joined).toBeUndefined();
    expect(told[1]?.[1].left).toHaveLength(10_000);
  });

  it('hold no more members than a server can send in good faith', () => {
    const { rooms } = make();
    for (let room = 0; room < 3; room++) {
      const name = `#${String(room)}`;
      rooms.entered(name);
      rooms.names(
        name,
        Array.from({ length: 100_000 }, (_, at) => ({ nick: `n${String(at)}`, modes: '' })),
      );
      rooms.namesEnd(name);
    }
    const held = [0, 1, 2].map((room) => rooms.occupants(`#${String(room)}`).length);
    expect(held).toEqual([100_000, 100_000, 0]);
  });
});
