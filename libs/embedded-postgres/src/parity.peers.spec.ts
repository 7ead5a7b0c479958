import { describeParity } from '#embedded-postgres/testing';
import { describeWithPeers, postgresPeer, startPostgres } from '#peers';

describeWithPeers('PostgreSQL', [postgresPeer], () => {
  describeParity('a server', async () => {
    const server = await startPostgres();
    return {
      poolConfig: (extra) => ({ connectionString: server.url, ...extra }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
