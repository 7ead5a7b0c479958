import { EventEmitter, once } from 'node:events';
import { expect, it } from '@jest/globals';
import { newId } from '#model';
import { describeWithPeers, postgresPeer } from '#peers';
import { openTestDatabase } from '#platform/testing';
import { placedOfLate } from './call.store.js';

describeWithPeers('calls that are placed at once', [postgresPeer], () => {
  it('are counted one after the other, those of one person', async () => {
    await using test = await openTestDatabase('postgres');
    const { database } = test;
    const [person, another] = [newId<'PersonId'>(), newId<'PersonId'>()];
    const order: string[] = [];
    const [counted, released] = [new EventEmitter(), new EventEmitter()];
    const place = (name: string, by = person, until?: Promise<unknown>): Promise<void> =>
      database.transaction(async (sql) => {
        await placedOfLate(sql, by);
        counted.emit(name);
        await until;
        order.push(name);
      });
    const isCounted = once(counted, 'first');
    const first = place('first', person, once(released, 'first'));
    await isCounted;
    const second = place('second');
    // Asked after the second, and placed before it.
    for (let at = 0; at < 5; at++) await place('another', another);
    released.emit('first');
    await Promise.all([first, second]);
    expect(order.filter((name) => name !== 'another')).toEqual(['first', 'second']);
  });
});
