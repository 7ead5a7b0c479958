import { expect, it } from '@jest/globals';
import { killTrial } from '../testing/kill-trial.js';

/** `npm run soak` multiplies the length of the trial. */
const scale = Number(process.env['PARLEY_SOAK'] ?? '1');

// The whole length once; whether the network can tell changes only what becomes of the unknown, which fewer show as well.
it.each([
  ['that can tell what arrived', true, 2_000, 10],
  ['that cannot tell', false, 600, 4],
])(
  'loses and doubles nothing through kill -9 on the embedded engine, on a network %s',
  async (_, resolvesUnknown, messages, kills) => {
    const trial = await killTrial({
      sends: messages * scale,
      inbound: messages * scale,
      kills: kills * scale,
      resolvesUnknown,
      seed: resolvesUnknown ? 7 : 11,
    });
    expect(trial).toMatchObject({
      wronglySent: [],
      wronglyStored: [],
      readerFaults: [],
      stuck: [],
      online: true,
    });
    expect(trial.accepted).toBe(messages * scale);
    if (resolvesUnknown) expect(trial.unknown).toBe(0);
  },
  600_000 * scale,
);
