import { describe, expect, it } from '@jest/globals';
import { digestOf, Redeliveries } from './redeliveries.js';

const text = (said: string) =>
  digestOf({ from: '+12025550111', to: '+12025550100', at: new Date(0), body: { text: said } });

describe('what a message centre delivers again', () => {
  let now = 0;
  const fresh = () => {
    now = 0;
    return new Redeliveries(() => now);
  };

  it('is known, once, when it was with us as the line broke', () => {
    const redeliveries = fresh();
    redeliveries.take(text('hello'));
    redeliveries.lineBroke();
    expect([text('other'), text('hello'), text('hello')].map((one) => redeliveries.isAgain(one))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is no text that was answered a while before the line broke, and none that was never stored', () => {
    const redeliveries = fresh();
    redeliveries.take(text('answered')).answered();
    redeliveries.take(text('not stored')).forget();
    now = 3_000;
    redeliveries.take(text('in hand'));
    redeliveries.lineBroke();
    expect(
      [text('answered'), text('not stored'), text('in hand')].map((one) => redeliveries.isAgain(one)),
    ).toEqual([false, false, true]);
  });

  it('is a text that was answered so late that the answer may be lost', () => {
    const redeliveries = fresh();
    redeliveries.take(text('ok')).answered();
    now = 1_000;
    redeliveries.lineBroke();
    expect(redeliveries.isAgain(text('ok'))).toBe(true);
  });

  it('is never somebody who says the same twice on one line', () => {
    const redeliveries = fresh();
    redeliveries.take(text('ok')).answered();
    expect(redeliveries.isAgain(text('ok'))).toBe(false);
  });

  it('is known after a crash, by the note of the last text, and not for ever', () => {
    const before = fresh();
    before.take(text('one'));
    before.take(text('two'));
    const note = before.note();
    const after = fresh();
    after.resume(note);
    expect(after.isAgain(text('two'))).toBe(true);
    now = 700_000;
    expect(after.isAgain(text('one'))).toBe(false);
  });
});
