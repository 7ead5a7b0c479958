import { describe, expect, it } from '@jest/globals';
import { idsOf } from '#connector';
import { MessageIds, type Evidence } from './smpp-ids.js';

const nothing: Evidence = { hexAnswers: false, hexReceipts: false };

/** Which of these answers a receipt names: by the first of the ids it may mean that is known, as the house looks for it. */
function named(ids: MessageIds, answers: readonly string[], receipt: string): readonly string[] {
  const all = answers.map((answer) => [answer, ids.answered(answer)] as const);
  for (const { id } of idsOf(ids.meant(receipt))) {
    const found = all.flatMap(([answer, spellings]) =>
      spellings.some((one) => one.id === id) ? [answer] : [],
    );
    if (found.length > 0) return found;
  }
  return [];
}

describe('a receipt', () => {
  const auto = (evidence = nothing) => new MessageIds('auto', evidence, () => undefined);

  it('names the text by the id as it was given, zeros and case aside', () => {
    expect(named(auto(), ['17', '0000042', 'e0b1-77'], '0000000042')).toEqual(['0000042']);
    expect(named(auto(), ['0A1B'], 'a1b')).toEqual(['0A1B']);
    const uuid = '9B2F0E6C-7A51-4C39-9D0A-0C4A1A5B7B11';
    expect(named(auto(), [uuid], uuid.toLowerCase())).toEqual([uuid]);
  });

  it('names in decimal what was answered in hexadecimal, and no other that looks like it', () => {
    const answers = ['a', '10', '1f'];
    expect(named(auto(), answers, '0000000010')).toEqual(['a']);
    expect(named(auto(), answers, '0000000016')).toEqual(['10']);
    expect(named(auto(), answers, '0000000031')).toEqual(['1f']);
  });

  it('names in hexadecimal what was answered in decimal', () => {
    const ids = auto();
    ids.meant('1A');
    expect(named(ids, ['26', '16'], '1A')).toEqual(['26']);
    expect(named(ids, ['26', '16'], '10')).toEqual(['16']);
  });

  it('is read as the settings say, whatever was seen', () => {
    const same = new MessageIds('same', nothing, () => undefined);
    expect(named(same, ['a', '10'], '10')).toEqual(['10']);
    const converted = new MessageIds('hex-decimal', nothing, () => undefined);
    expect(named(converted, ['10', '16'], '16')).toEqual(['10']);
  });

  it('is understood after a restart by what was seen before', () => {
    const learnt: Evidence[] = [];
    const before = new MessageIds('auto', nothing, (evidence) => learnt.push(evidence));
    before.answered('1f');
    before.answered('2f');
    expect(learnt).toEqual([{ hexAnswers: true, hexReceipts: false }]);
    expect(named(auto(learnt[0]), ['10', '16'], '16')).toEqual(['10']);
  });

  it('is understood before anything was seen, where only one reading names a text', () => {
    expect(named(auto(), ['1388'], '0000005000')).toEqual(['1388']);
  });

  it('of endless digits is an id like any other', () => {
    const endless = '9'.repeat(5_000);
    expect(named(auto(), [endless], endless)).toEqual([endless]);
  });
});
