import { expect, it } from '@jest/globals';
import { killTrial, lawful } from '../testing/kill-trial.js';

/** `npm run soak` multiplies the length of the trial. */
const scale = Number(process.env['PARLEY_SOAK'] ?? '1');

it.each([
  ['that can tell what arrived', true],
  ['that cannot tell', false],
])(
  'loses and doubles nothing through kill -9 on the embedded engine, on a network %s',
  async (_, resolvesUnknown) => {
    const trial = await killTrial({
      sends: 2_000 * scale,
      inbound: 2_000 * scale,
      kills: 10 * scale,
      resolvesUnknown,
      seed: resolvesUnknown ? 7 : 11,
    });
    expect(trial).toMatchObject(lawful);
    expect(trial.accepted).toBe(2_000 * scale);
    if (resolvesUnknown) expect(trial.unknown).toBe(0);
  },
  600_000 * scale,
);
