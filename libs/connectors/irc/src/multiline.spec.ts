import { expect, it } from '@jest/globals';
import irc from 'irc-framework';
import { circumstanceOf, factOf } from './from-irc.js';
import { Multiline } from './multiline.js';
import { plainNetwork } from './network.js';
import type { Said } from './speech.js';

/** A gatherer, what it tells, and the timers that it has set. */
function gathering() {
  const told: Said[] = [];
  const timers: (() => void)[] = [];
  const multiline = new Multiline(
    (_ms, call) => {
      timers.push(call);
      return () => timers.splice(timers.indexOf(call), 1);
    },
    (said) => told.push(said),
  );
  const open = (ref: string, tags = ''): void => {
    const message = irc.ircLineParser(`${tags}:bob!b@example.org BATCH +${ref} draft/multiline #lobby`);
    multiline.open(ref, { message, circumstance: circumstanceOf(message) });
  };
  const line = (tags: string, text: string, nick = 'bob'): boolean => {
    const message = irc.ircLineParser(`@${tags} :${nick}!b@example.org PRIVMSG #lobby :${text}`);
    const fact = factOf(message, plainNetwork);
    if (fact?.fact !== 'said') throw new Error('it is said');
    return multiline.take(fact, message);
  };
  return { multiline, told, timers, open, line };
}

it('joins lines as they were sent, each dressed by itself, under the batch’s own id', () => {
  const { multiline, told, timers, open, line } = gathering();
  open('1', '@msgid=whole;+draft/reply=m0;account=bobby ');
  expect(line('batch=1', '\x02one')).toBe(true);
  expect(line('batch=1', 'two ')).toBe(true);
  expect(line('batch=1;draft/multiline-concat', '\x1dthree')).toBe(true);
  multiline.close('1');
  expect(told).toMatchObject([
    {
      text: 'one\ntwo three',
      spans: [
        { start: 0, end: 3, style: { kind: 'bold' } },
        { start: 8, end: 13, style: { kind: 'italic' } },
      ],
      msgid: 'whole',
      replyTo: 'm0',
      from: { nick: 'bob', account: 'bobby' },
    },
  ]);
  expect(timers).toEqual([]);
});

it('takes nothing that belongs to no batch, or is somebody else’s', () => {
  const { multiline, told, open, line } = gathering();
  expect(line('batch=1', 'early')).toBe(false);
  open('1');
  expect(line('batch=1', 'mine')).toBe(true);
  expect(line('batch=1', 'not mine', 'mallory')).toBe(false);
  multiline.close('1');
  multiline.close('1');
  expect(told).toHaveLength(1);
  open('2');
  multiline.close('2');
  expect(told).toHaveLength(1);
});

it('tells what it has of a batch that never ends, of one that is too long, and at the end of the connection', () => {
  const { multiline, told, timers, open, line } = gathering();
  open('1');
  line('batch=1', 'half');
  timers[0]?.();
  expect(told.at(-1)).toMatchObject({ text: 'half' });
  open('2');
  let taken = 0;
  for (let at = 0; at < 600; at++) if (line('batch=2', 'x')) taken++;
  expect(taken).toBe(500);
  expect(told).toHaveLength(2);
  open('3');
  line('batch=3', 'last');
  multiline.closeAll();
  expect(told.at(-1)).toMatchObject({ text: 'last' });
  expect(timers).toEqual([]);
});

it('holds a few batches, however many are opened', () => {
  const { timers, open } = gathering();
  for (let at = 0; at < 1_000; at++) open(String(at));
  expect(timers.length).toBeLessThanOrEqual(16);
});
