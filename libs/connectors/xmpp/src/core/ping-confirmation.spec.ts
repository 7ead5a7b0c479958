import { expect, it } from '@jest/globals';
import { until } from '#connector/testing';
import { failure } from '#model';
import { PingConfirmation } from './ping-confirmation.js';
import type { Fate, IqAnswer } from './port.js';

/** A way to a server that counts the pings, each of which leaves by the same way as everything else. */
function wire(): {
  pings: PingConfirmation;
  fates: Fate[];
  answers: ((answer: IqAnswer) => void)[];
  say: () => void;
} {
  const answers: ((answer: IqAnswer) => void)[] = [];
  const fates: Fate[] = [];
  const pings = new PingConfirmation(
    'example.org',
    () => {
      pings.sent();
      return new Promise((answer) => answers.push(answer));
    },
    () => undefined,
  );
  return {
    pings,
    fates,
    answers,
    say: () => {
      pings.sent((fate) => fates.push(fate));
    },
  };
}

const pong: IqAnswer = { ok: false, failure: failure('unsupported'), condition: 'service-unavailable' };

it('takes for arrived what was sent before a ping that is answered, and nothing behind it', async () => {
  const { pings, fates, answers, say } = wire();
  say();
  say();
  pings.request();
  say();
  answers[0]?.(pong);
  await until('two have arrived', () => fates.length === 2);
  expect(fates).toEqual(['acknowledged', 'acknowledged']);
  await until('the third is asked for', () => answers.length === 2);
  answers[1]?.(pong);
  await until('it has arrived', () => fates.length === 3);
  expect(pings.unacknowledged).toBe(0);
});

it('does not ping for pings', async () => {
  const { pings, fates, answers, say } = wire();
  say();
  pings.request();
  answers[0]?.(pong);
  await until('it has arrived', () => fates.length === 1);
  await new Promise((turn) => setImmediate(turn));
  expect(answers).toHaveLength(1);
});

it('does not know what became of what nobody answered for', async () => {
  const { pings, fates, answers, say } = wire();
  say();
  pings.request();
  answers[0]?.({ ok: false, failure: failure('timeout') });
  await new Promise((turn) => setImmediate(turn));
  pings.giveUp();
  expect(fates).toEqual(['lost']);
});
