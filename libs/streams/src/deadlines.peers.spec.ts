import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { EmitOutcome, InboundEvent, InboundMessage } from '#connector';
import type { AccountId } from '#model';
import { describeEngines, type TestDatabase } from '#platform/testing';
import { House } from './house.fixture.js';

describeEngines('what is to be stored by a deadline', (open) => {
  let test: TestDatabase;
  let house: House;
  let account: AccountId;

  beforeAll(async () => {
    test = await open();
    house = await House.open(test.database);
    account = await house.account(await house.setUp());
  });
  afterAll(async () => {
    await house[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
  });

  const message = (text: string, by = 'carol'): InboundMessage => ({
    type: 'message',
    account,
    conversation: by,
    conversationKind: 'direct',
    author: { address: by, kind: 'transient' },
    content: { text },
    origin: 'remote',
    mode: 'live',
    at: new Date(),
  });
  const emit = async (deadlineMs: number | undefined, ...events: InboundEvent[]) =>
    (await house.network.stage(account).emit({ events }, deadlineMs)).map(({ outcome }) => outcome);
  const stored = async (...texts: string[]) => {
    const rows = await test.database.query<{ text: string }>(
      'SELECT text FROM message WHERE text = ANY($1) ORDER BY sequence',
      [texts],
    );
    return rows.map(({ text }) => text);
  };

  /** Holds the head of the log, so that whoever is to store something cannot end. */
  async function holdUp(): Promise<() => Promise<void>> {
    let release = (): void => undefined;
    const gate = new Promise<void>((done) => (release = done));
    let begun = (): void => undefined;
    const held = new Promise<void>((done) => (begun = done));
    const holding = test.database.transaction(async (sql) => {
      await sql.query('SELECT FROM log_head FOR UPDATE');
      begun();
      await gate;
    });
    await held;
    return async () => {
      release();
      await holding;
    };
  }

  it('is given back when its turn has not come by then, and is not stored later', async () => {
    const letGo = await holdUp();
    const first = emit(undefined, message('first'));
    // One turn of the event loop: the first has begun to be stored, and what follows waits behind it.
    await new Promise((turn) => setImmediate(turn));
    await new Promise((turn) => setImmediate(turn));
    const second = emit(100, message('second'));
    const behind = emit(undefined, message('behind the second'));
    // While the first is still held up.
    expect(await second).toEqual(['not-stored']);
    expect(await behind).toEqual(['not-stored']);
    await letGo();
    expect(await first).toEqual(['stored']);
    expect(await emit(5_000, message('second'))).toEqual(['stored']);
    expect(await stored('first', 'second', 'behind the second')).toEqual(['first', 'second']);
  });

  it('is waited for once it is being stored', async () => {
    const letGo = await holdUp();
    const slow = emit(50, message('slow'));
    await new Promise((turn) => setImmediate(turn));
    await new Promise((turn) => setImmediate(turn));
    // Given back after the deadline of the first.
    expect(await emit(100, message('behind the slow one'))).toEqual(['not-stored']);
    await letGo();
    expect(await slow).toEqual(['stored']);
    expect(await stored('slow')).toEqual(['slow']);
  });

  it('is given back when the database is away, and is not stored when it comes back', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const broken = jest.spyOn(test.database, 'transaction').mockRejectedValue(away);
    try {
      expect(await emit(600, message('meanwhile'))).toEqual(['not-stored']);
    } finally {
      broken.mockRestore();
    }
    expect(await emit(5_000, message('afterwards'))).toEqual(['stored']);
    expect(await stored('meanwhile', 'afterwards')).toEqual(['afterwards']);
  });

  it('is given back when others of its batch take their time', async () => {
    const { database } = test;
    const transaction = database.transaction.bind(database);
    const slow = jest.spyOn(database, 'transaction').mockImplementation(async (work) => {
      await new Promise((late) => setTimeout(late, 300));
      return await transaction(work);
    });
    let outcomes: EmitOutcome['outcome'][];
    try {
      // A rename after somebody has spoken is stored apart, and what follows it after that.
      outcomes = await emit(
        200,
        message('before the rename', 'dave'),
        {
          type: 'identity',
          account,
          party: { address: 'dan', kind: 'transient' },
          formerly: 'dave',
          at: new Date(),
        },
        message('after the rename', 'dan'),
      );
    } finally {
      slow.mockRestore();
    }
    expect(outcomes).toEqual(['stored', 'not-stored', 'not-stored']);
    expect(await stored('before the rename', 'after the rename')).toEqual(['before the rename']);
  });
});
