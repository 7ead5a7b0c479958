import { beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Content, Part } from './incoming.js';
import { piecesOf, planText } from './plan.js';
import { readMessage } from './incoming.js';
import { Reassembly, type Joined, type Offered, type ReassemblyLimits } from './reassembly.js';

const alice = '12025550123';
const bob = '447700900456';
const own = '12025550100';
const minute = 60_000;

/** A part whose text is as short as it can be. */
function part(number: number, of: number, text: string, reference = 1): Part {
  return { size: 8, reference, of, number, coding: 'gsm7', bytes: Buffer.from(text) };
}

/** The parts of a text, as they would come in. */
function partsOf(text: string, reference = 1): Part[] {
  const plan = planText(text);
  if ('problem' in plan) throw new Error(plan.detail);
  return piecesOf(plan, reference).flatMap(({ udhi, ...fields }) => {
    const read = readMessage({ ...fields, esmClass: udhi ? 0x40 : 0 });
    return 'part' in read ? [read.part] : [];
  });
}

function textOf({ content }: { readonly content: Content }): string {
  return 'text' in content ? content.text : content.bytes.toString('hex');
}

function numbersOf({ numbers, missing, late }: Joined): object {
  return { numbers, missing, late };
}

describe('reassembly', () => {
  /** What a store has of it. */
  let stored: Map<string, string>;
  let reassembly: Reassembly;
  let now: number;

  beforeEach(() => {
    stored = new Map();
    reassembly = new Reassembly();
    now = 1_000_000;
  });

  function keep(offered: Offered): Offered {
    for (const { key, value } of offered.changes) {
      const text = JSON.stringify(value);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(64 * 1024);
      if (value === null) stored.delete(key);
      else stored.set(key, text);
    }
    return offered;
  }

  function offer(given: Part, from = alice, to = own): Offered {
    return keep(reassembly.offer(from, to, given, now));
  }

  function texts(...parts: readonly Part[]): string[] {
    return parts.flatMap((given) => offer(given).messages.map(textOf));
  }

  async function restart(limits: Partial<ReassemblyLimits> = {}): Promise<void> {
    const read = (key: string): Promise<unknown> =>
      Promise.resolve(stored.has(key) ? JSON.parse(stored.get(key) ?? '') : undefined);
    reassembly = await Reassembly.restore(read, limits);
  }

  it('joins parts in any order', () => {
    expect(texts(part(3, 3, 'c'), part(1, 3, 'a'), part(2, 3, 'b'))).toEqual(['abc']);
  });

  it('says what a whole message is made of', () => {
    offer(part(2, 2, 'b'));
    now += 5_000;
    expect(offer(part(1, 2, 'a'))).toMatchObject({
      messages: [
        {
          from: alice,
          to: own,
          content: { text: 'ab' },
          of: 2,
          numbers: [1, 2],
          missing: [],
          since: 1_000_000,
          late: false,
        },
      ],
      duplicate: false,
    });
  });

  it('keeps apart what differs in who wrote, to whom, the reference, its size, or the number of parts', () => {
    const first = part(1, 2, 'a');
    const seconds: [Part, string, string][] = [
      [part(2, 2, 'b'), bob, own],
      [part(2, 2, 'b'), alice, bob],
      [part(2, 2, 'b', 2), alice, own],
      [{ ...part(2, 2, 'b'), size: 16 }, alice, own],
      [{ ...part(2, 2, 'b'), size: 'sar' }, alice, own],
      [part(2, 3, 'b'), alice, own],
    ];
    offer(first);
    for (const [second, from, to] of seconds) expect(offer(second, from, to).messages).toEqual([]);
    expect(texts(part(2, 2, 'b'))).toEqual(['ab']);
  });

  it('ignores a part that comes twice, before and after the message is whole', () => {
    expect(offer(part(1, 2, 'a')).duplicate).toBe(false);
    const again = offer(part(1, 2, 'a'));
    expect(again).toMatchObject({ messages: [], duplicate: true });
    expect(again.changes).not.toEqual([]);
    expect(texts(part(2, 2, 'b'))).toEqual(['ab']);
    expect(offer(part(2, 2, 'b'))).toMatchObject({ messages: [], duplicate: true });
    now += 9 * minute;
    expect(offer(part(1, 2, 'a'))).toMatchObject({ messages: [], duplicate: true });
  });

  it('begins a new message where a reference is used anew, and gives out what was left of the old one', () => {
    offer(part(1, 3, 'a'));
    offer(part(3, 3, 'c'));
    const [left, ...others] = offer(part(1, 3, 'x')).messages;
    expect(others).toEqual([]);
    expect(left && textOf(left)).toBe('a[…]c');
    expect(left && numbersOf(left)).toEqual({ numbers: [1, 3], missing: [2], late: false });
    expect(texts(part(2, 3, 'y'), part(3, 3, 'z'))).toEqual(['xyz']);
  });

  it('takes a reference that is used anew for what it is once a part differs, though others are equal', () => {
    expect(texts(part(1, 3, 'Dear all, '), part(2, 3, 'we meet at '), part(3, 3, 'five.'))).toHaveLength(1);
    expect(texts(part(1, 3, 'Dear all, '), part(2, 3, 'we meet at '), part(3, 3, 'six.'))).toEqual([
      'Dear all, we meet at six.',
    ]);
    expect(texts(part(3, 3, 'seven.'), part(1, 3, 'Dear all, '), part(2, 3, 'we meet at '))).toEqual([
      'Dear all, we meet at seven.',
    ]);
  });

  it('takes the same reference for another message after a while', () => {
    expect(texts(part(1, 2, 'a'), part(2, 2, 'b'))).toEqual(['ab']);
    now += 11 * minute;
    expect(texts(part(1, 2, 'a'), part(2, 2, 'b'))).toEqual(['ab']);
  });

  it('gives out what came when no part has come for ten minutes, marked, and a part that comes later for itself', () => {
    offer(part(1, 4, 'a'));
    now += 9 * minute;
    offer(part(3, 4, 'c'));
    expect(reassembly.nextDue()).toBe(now + 10 * minute);
    now += 9 * minute;
    expect(keep(reassembly.due(now))).toEqual({ changes: [], messages: [], duplicate: false });
    now += minute;
    const [partial, ...others] = keep(reassembly.due(now)).messages;
    expect(others).toEqual([]);
    expect(partial && [textOf(partial), numbersOf(partial)]).toEqual([
      'a[…]c[…]',
      { numbers: [1, 3], missing: [2, 4], late: false },
    ]);
    const [late] = offer(part(2, 4, 'b')).messages;
    expect(late && [textOf(late), numbersOf(late)]).toEqual([
      'b',
      { numbers: [2], missing: [4], late: true },
    ]);
    expect(offer(part(2, 4, 'b')).duplicate).toBe(true);
    expect(offer(part(3, 4, 'c')).duplicate).toBe(true);
    const [last] = offer(part(4, 4, 'd')).messages;
    expect(last && numbersOf(last)).toEqual({ numbers: [4], missing: [], late: true });
  });

  it('gives out what is overdue before it takes a part, however late it is asked', () => {
    offer(part(1, 2, 'a'));
    now += 60 * minute;
    expect(offer(part(2, 2, 'b')).messages.map((message) => [textOf(message), message.late])).toEqual([
      ['a[…]', false],
      ['b', true],
    ]);
  });

  it('leaves nothing in the store once all is given out and forgotten', () => {
    texts(part(1, 2, 'a'), part(2, 2, 'b'), part(1, 2, 'c', 2));
    expect(stored.size).toBe(3);
    now += 10 * minute;
    keep(reassembly.due(now));
    now += 10 * minute;
    keep(reassembly.due(now));
    expect(stored.size).toBe(0);
    expect(reassembly.nextDue()).toBeUndefined();
  });

  it('goes on after a restart where it was', async () => {
    const text = `${'ж'.repeat(66)}😀 and ${'x'.repeat(100)}`;
    const parts = partsOf(text);
    const said: string[] = [];
    for (const given of parts.toReversed()) {
      said.push(...texts(given));
      await restart();
      expect(offer(given)).toMatchObject({ messages: [], duplicate: true });
      await restart();
    }
    expect(said).toEqual([text]);
  });

  it('gives out after a restart what was overdue meanwhile', async () => {
    offer(part(1, 2, 'a'));
    await restart();
    now += 10 * minute;
    expect(reassembly.nextDue()).toBe(now);
    expect(keep(reassembly.due(now)).messages.map(textOf)).toEqual(['a[…]']);
  });

  it('joins what was not stored when it is offered once more to an object made anew', async () => {
    offer(part(1, 2, 'a'));
    expect(reassembly.offer(alice, own, part(2, 2, 'b'), now).messages).toHaveLength(1);
    await restart();
    expect(texts(part(2, 2, 'b'))).toEqual(['ab']);
  });

  it('leaves out what it cannot read back', async () => {
    offer(part(1, 2, 'a'));
    const [key = '', whole = ''] = Array.from(stored).at(-1) ?? [];
    const broken = [
      'null',
      '7',
      '{}',
      '[]',
      '{"from":1}',
      whole.replace('"of":2', '"of":1e9'),
      whole.replace('8', '9'),
    ];
    for (const [index, value] of broken.entries()) {
      stored.set(key, value);
      offer(part(1, 2, 'b', index + 2));
      stored.set(key, value);
      await restart();
      expect(texts(part(2, 2, 'A'))).toEqual([]);
      expect(texts(part(2, 2, 'd', index + 2))).toEqual(['bd']);
    }
    stored.set('parts', '"many"');
    await restart();
    expect(reassembly.nextDue()).toBeUndefined();
  });

  it('joins the longest message there can be', () => {
    const text = 'a'.repeat(255 * 153);
    expect(texts(...partsOf(text).toReversed())).toEqual([text]);
  });

  it('gives out in pieces what is too long to be stored as one', () => {
    const parts = Array.from({ length: 255 }, (_, index) => part(index + 1, 255, 'b'.repeat(254)));
    const messages = parts.flatMap((given) => offer(given).messages);
    expect(messages.length).toBeGreaterThan(1);
    expect(messages.flatMap(({ numbers }) => numbers)).toEqual(parts.map(({ number }) => number));
    expect(
      offer({ ...part(1, 2, ''), bytes: Buffer.alloc(65_535, 'c') }).messages.map(({ numbers }) => numbers),
    ).toEqual([[1]]);
  });

  it('collects so many messages of one sender and no more: the oldest goes out', () => {
    reassembly = new Reassembly({ perSender: 3 });
    for (let reference = 1; reference <= 3; reference++) {
      expect(texts(part(1, 2, String(reference), reference))).toEqual([]);
    }
    expect(offer(part(1, 2, 'b'), bob).messages).toEqual([]);
    expect(texts(part(1, 2, '4', 4))).toEqual(['1[…]']);
    expect(texts(part(2, 2, 'x', 2))).toEqual(['2x']);
    expect(texts(part(2, 2, 'late', 1))).toEqual(['late']);
  });

  it('is bounded in all, whoever writes, and loses nothing by that', () => {
    reassembly = new Reassembly({ overall: 50, octets: 30_000 });
    const given: string[] = [];
    for (let sender = 0; sender < 500; sender++) {
      const messages = offer(
        part(1, 2, String(sender).padEnd(sender % 200, '.')),
        `sender ${String(sender)}`,
      ).messages;
      given.push(...messages.map((message) => message.from));
      expect(stored.size).toBeLessThanOrEqual(51);
      const octets = Array.from(stored.values(), (value) => value.length).reduce(
        (sum, length) => sum + length,
      );
      expect(octets).toBeLessThanOrEqual(31_000);
    }
    now += 10 * minute;
    given.push(...keep(reassembly.due(now)).messages.map((message) => message.from));
    expect(new Set(given).size).toBe(500);
    expect(given).toHaveLength(500);
  });

  it('forgets what has been given out before it gives out what is being collected', () => {
    reassembly = new Reassembly({ overall: 3 });
    expect(texts(part(1, 2, 'a', 1), part(1, 2, 'b', 2), part(2, 2, 'B', 2), part(1, 2, 'c', 3))).toEqual([
      'bB',
    ]);
    expect(texts(part(1, 2, 'd', 4))).toEqual([]);
    expect(texts(part(2, 2, 'A', 1))).toEqual(['aA']);
  });

  it('gives out every part exactly once, whatever the order, the repeats and the restarts', async () => {
    const step = fc.record({
      message: fc.integer({ min: 0, max: 3 }),
      number: fc.integer({ min: 1, max: 4 }),
      restart: fc.boolean(),
      wait: fc.constantFrom(0, 0, 0, minute, 6 * minute),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        stored = new Map();
        reassembly = new Reassembly();
        const offered = new Set<string>();
        const given: string[] = [];
        const take = ({ messages }: Offered): void => {
          given.push(...messages.flatMap((message) => textOf(message).match(/<\d \d>/g) ?? []));
        };
        for (const { message, number, restart: again, wait } of steps) {
          // All under one reference each, and no two equal.
          const text = `<${String(message)} ${String(number)}>`;
          if (!offered.has(text)) take(offer(part(number, 4, text, message)));
          offered.add(text);
          if (again) await restart();
          now += wait;
          take(keep(reassembly.due(now)));
        }
        take(keep(reassembly.due(now + 10 * minute)));
        expect(given.sort()).toEqual(Array.from(offered).sort());
      }),
      { numRuns: 200 },
    );
  });

  it('takes a part in far less than a turn may take when it is full', () => {
    reassembly = new Reassembly();
    for (let sender = 0; sender < 1_000; sender++)
      reassembly.offer(`s${String(sender)}`, own, part(1, 2, 'x'), now);
    const times = Array.from({ length: 20 }, (_, index) => {
      const before = performance.now();
      reassembly.offer(`t${String(index)}`, own, part(1, 2, 'x'), now);
      return performance.now() - before;
    });
    expect(times.sort((one, other) => one - other)[10]).toBeLessThan(20);
  });
});
