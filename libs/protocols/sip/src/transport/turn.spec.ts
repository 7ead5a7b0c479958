import { describe, expect, it } from '@jest/globals';
import { until } from '../stack.fixture.js';
import { Turn } from './turn.js';

/** Works as long as a slice of the turn is, and longer. */
function work(): void {
  for (const end = performance.now() + 12; performance.now() < end;);
}

describe('a turn of the event loop', () => {
  it('is for all who want it until its time is up; the rest is for a later one', async () => {
    const turn = new Turn();
    const done: string[] = [];
    const goOn = (): void => void done.push('later');
    expect([turn.may(goOn), turn.may(goOn)]).toEqual([true, true]);
    work();
    expect([turn.may(goOn), turn.may(goOn)]).toEqual([false, false]);
    expect(done).toEqual([]);
    await until(() => done.length > 0);
    expect(done).toEqual(['later']);
    expect(turn.may(goOn)).toBe(true);
  });

  it('is given to those who wait one after another, however much one of them has to do', async () => {
    const turn = new Turn();
    const done: string[] = [];
    let turns = 0;
    const count = (): void => {
      turns++;
      if (done.length < 6) setImmediate(count);
    };
    const much = (name: string): (() => void) => {
      const goOn = (): void => {
        done.push(name);
        work();
        if (done.length < 6) turn.later(goOn);
      };
      return goOn;
    };
    setImmediate(count);
    for (const goOn of [much('one'), much('two'), much('three')]) turn.later(goOn);
    await until(() => done.length === 6);
    expect(done).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
    // Each has used up a turn.
    expect(turns).toBeGreaterThan(4);
  });

  it('is not for who no longer wants it', async () => {
    const turn = new Turn();
    const done: string[] = [];
    const [gone, there] = [(): void => void done.push('gone'), (): void => void done.push('there')];
    turn.later(gone);
    turn.later(there);
    turn.forget(gone);
    await until(() => done.length > 0);
    expect(done).toEqual(['there']);
  });
});
