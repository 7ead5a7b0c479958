import { expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import { newId } from '#model';
import { partOfText } from '#protocols/smpp';
import type { IncomingText } from './driver.js';
import { Intake } from './intake.js';
import { usualTimings } from './timings.js';

const idle = {
  full: () => undefined,
  eased: () => undefined,
  stalled: () => undefined,
  fenced: () => undefined,
};

it('lets no whole text overtake one that came in parts before it, however long those take to be looked up', async () => {
  const house = new TestContext();
  const { read } = house.keyValues;
  let open = (): void => undefined;
  const opened = new Promise<void>((done) => {
    open = done;
  });
  Object.assign(house.keyValues, {
    read: async (...asked: Parameters<typeof read>) => {
      await opened;
      return read.apply(house.keyValues, asked);
    },
  });
  const consent = { words: { out: [], in: [], help: [] }, answers: {} };
  const intake = new Intake(house, newId<'AccountId'>(), { timings: usualTimings, consent }, idle);
  intake.begin();
  const said = (body: IncomingText['body']): IncomingText => ({
    from: '+12025550111',
    to: '+12025550100',
    at: new Date(house.clock.now()),
    body,
  });
  const part = (number: number, text: string) =>
    said({ part: partOfText({ size: 8, reference: 7, of: 2, number }, text) });
  const answers = [part(2, 'parts'), part(1, 'in two '), said({ text: 'whole' })].map((one) =>
    intake.heard(one),
  );
  open();
  expect(await Promise.all(answers)).toEqual(answers.map(() => ({ kept: 'kept' })));
  expect(house.heard().map(({ content }) => content.text)).toEqual(['in two parts', 'whole']);
  intake.close();
});
