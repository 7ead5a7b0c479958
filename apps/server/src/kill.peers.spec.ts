import { expect, it } from '@jest/globals';
import { describeWithPeers, postgresPeer, startPostgres } from '#peers';
import { killTrial, lawful } from '../testing/kill-trial.js';

const scale = Number(process.env['PARLEY_SOAK'] ?? '1');

describeWithPeers('the first law on PostgreSQL', [postgresPeer], () => {
  it(
    'loses and doubles nothing through kill -9',
    async () => {
      await using postgres = await startPostgres();
      const trial = await killTrial({
        databaseUrl: postgres.url,
        sends: 2_000 * scale,
        inbound: 2_000 * scale,
        kills: 10 * scale,
        resolvesUnknown: true,
        seed: 3,
      });
      expect(trial).toMatchObject({ ...lawful, unknown: 0 });
      expect(trial.accepted).toBe(2_000 * scale);
    },
    600_000 * scale,
  );
});
