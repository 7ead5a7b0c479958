import { describe, expect, it } from '@jest/globals';
import { digestOf, Redeliveries } from './redeliveries.js';

const text = (said: string) =>
  digestOf({ from: '+12025550111', to: '+12025550100', at: new Date(0), body: { text: said } }, said);

describe('what a message centre delivers again', () => {
  let now = 0;
  const fresh = () => {
    now = 0;
    return new Redeliveries(() => now);
  };

  it('has the id of the first, once, when that was with us as the line broke', () => {
    const redeliveries = fresh();
    const { id } = redeliveries.take(text('hello'));
    redeliveries.lineBroke();
    const ids = [text('other'), text('hello'), text('hello')].map((one) => redeliveries.take(one).id);
    expect(ids.map((one) => one === id)).toEqual([false, true, false]);
  });

  it('is no text that was answered a while before the line broke', () => {
    const redeliveries = fresh();
    const answered = redeliveries.take(text('answered'));
    answered.answered();
    now = 3_000;
    const inHand = redeliveries.take(text('in hand'));
    redeliveries.lineBroke();
    expect(redeliveries.take(text('answered')).id).not.toBe(answered.id);
    expect(redeliveries.take(text('in hand')).id).toBe(inHand.id);
  });

  it('is a text that was answered so late that the answer may be lost', () => {
    const redeliveries = fresh();
    const late = redeliveries.take(text('ok'));
    late.answered();
    now = 1_000;
    redeliveries.lineBroke();
    expect(redeliveries.take(text('ok')).id).toBe(late.id);
  });

  it('is a text of which nobody knows whether it is stored, while the line holds too', () => {
    const redeliveries = fresh();
    const doubtful = redeliveries.take(text('ok'));
    doubtful.doubted();
    expect(redeliveries.take(text('ok')).id).toBe(doubtful.id);
  });

  it('is never somebody who says the same twice on one line', () => {
    const redeliveries = fresh();
    const first = redeliveries.take(text('ok'));
    first.answered();
    const refused = redeliveries.take(text('ok'));
    refused.forget();
    expect(new Set([first.id, refused.id, redeliveries.take(text('ok')).id]).size).toBe(3);
  });

  it('is known after a crash, by the note of the last text, and not for ever', () => {
    const before = fresh();
    before.take(text('zero')).doubted();
    const [one, two] = [before.take(text('one')), before.take(text('two'))];
    const after = fresh();
    after.resume(before.note());
    expect(after.take(text('two')).id).toBe(two.id);
    now = 700_000;
    expect(after.take(text('one')).id).not.toBe(one.id);
  });
});
