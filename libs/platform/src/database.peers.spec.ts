import { expect, it } from '@jest/globals';
import { describeEngines } from '#platform/testing';

describeEngines('the database', (open) => {
  it('gives an int8 as a bigint', async () => {
    await using test = await open();
    const { database } = test;
    expect(await database.query('SELECT 9007199254740993::int8 AS a, ARRAY[1,2]::int8[] AS b')).toEqual([
      { a: 9007199254740993n, b: [1n, 2n] },
    ]);
    expect(await database.prisma.workspace.count()).toBe(0);
  });
});
