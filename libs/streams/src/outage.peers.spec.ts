import { expect, it } from '@jest/globals';
import { describeWithPeers, eventually, postgresPeer, startPostgres } from '#peers';
import { Database, migrate, postgresEngine } from '#platform';
import { House } from './house.fixture.js';

describeWithPeers('a stream while the database is away', [postgresPeer], () => {
  it('stays open and goes on by itself, without a gap', async () => {
    await using server = await startPostgres();
    const engine = postgresEngine(server.url);
    await migrate(engine);
    const database = new Database(engine);
    await using _closed = { [Symbol.asyncDispose]: () => database.close() };
    await using house = await House.open(database);
    const alice = await house.setUp();
    const account = await house.account(alice);
    const { cursor } = await alice.client.call('events');
    let opened = 0;
    using stream = house.client(alice.token, () => opened++).stream(cursor);
    const items = stream[Symbol.asyncIterator]();
    const texts: string[] = [];
    const following = (async () => {
      for (;;) {
        const next = await items.next();
        if (next.done === true) return;
        const text = next.value.kind === 'event' ? next.value.frame.event.data.message?.text : undefined;
        if (text !== undefined) texts.push(text);
      }
    })();

    await house.network.say(account, 'carol', 'before');
    await eventually('it is heard', () => texts.length === 1);
    await server.kill();
    await expect(alice.client.call('events')).rejects.toMatchObject({ status: 503 });
    await server.start();
    await eventually(
      'the network can speak again',
      async () => {
        try {
          await house.network.say(account, 'carol', 'after', 'carol', { id: 'after' });
          return true;
        } catch {
          return false;
        }
      },
      30_000,
    );
    await eventually('it is heard too', () => texts.includes('after'), 30_000);
    expect(texts).toEqual(['before', 'after']);
    expect(opened).toBe(1);
    stream.close();
    await following;
  }, 120_000);
});
