import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { eventually } from '#peers';
import {
  EmbeddedPostgres,
  EngineUnavailable,
  type EmbeddedPostgresOptions,
  type SlowOwner,
} from './index.js';
import { concat, decode, eachMessage, message, sync, type Bytes } from './wire.js';

const open: { engine: EmbeddedPostgres; pool: pg.Pool }[] = [];

async function start(
  options: Partial<EmbeddedPostgresOptions> = {},
): Promise<{ engine: EmbeddedPostgres; pool: pg.Pool }> {
  const engine = await EmbeddedPostgres.start({ dataDir: 'memory://', ...options });
  const pool = new pg.Pool(engine.poolConfig({ max: 10 }));
  pool.on('error', () => undefined);
  open.push({ engine, pool });
  return { engine, pool };
}

/** A client whose end is no surprise. */
async function connect(
  engine: EmbeddedPostgres,
  errors: (Error & { code?: string })[] = [],
): Promise<pg.Client> {
  const client = new pg.Client(engine.poolConfig());
  client.on('error', (error) => errors.push(error));
  await client.connect();
  return client;
}

afterEach(async () => {
  for (const { engine, pool } of open.splice(0)) {
    await engine.close();
    await pool.end().catch(() => undefined);
  }
});

describe('connections', () => {
  it('are ended when they idle in a transaction while others wait, with a warning before', async () => {
    const { engine, pool } = await start({ idleTransactionMs: 300 });
    const events: SlowOwner[] = [];
    engine.on('slow-owner', (owner) => events.push(owner));
    const errors: (Error & { code?: string })[] = [];
    const idle = await connect(engine, errors);
    await idle.query("SET application_name = 'dreamer'; CREATE TABLE t (id int)");
    await idle.query('BEGIN');
    await idle.query('INSERT INTO t VALUES (1)');
    await new Promise((longer) => setTimeout(longer, 500));
    expect(events).toEqual([]); // nobody waits
    expect((await pool.query('SELECT * FROM t')).rows).toEqual([]);
    expect(errors[0]).toMatchObject({ code: '25P03' });
    expect(events.at(-1)).toMatchObject({
      applicationName: 'dreamer',
      lastCommand: 'INSERT 0 1',
      waiting: 1,
      ended: true,
    });
  });

  it('are warned of before they are ended', async () => {
    const { engine, pool } = await start({ idleTransactionMs: 4_000 });
    const events: SlowOwner[] = [];
    engine.on('slow-owner', (owner) => events.push(owner));
    const idle = await connect(engine);
    await idle.query('BEGIN');
    const others = pool.query('SELECT 1');
    await eventually('there is a warning', () => events.length > 0);
    expect(events).toMatchObject([{ ended: false, waiting: 1 }]);
    await idle.query('COMMIT');
    await others;
    await idle.end();
  });

  it('are refused COPY FROM STDIN, and go on', async () => {
    const { engine, pool } = await start();
    await pool.query('CREATE TABLE t (id int)');
    const client = await connect(engine);
    const refusal = { code: '0A000', message: 'COPY FROM STDIN is not supported by the embedded engine' };
    await expect(client.query('COPY t FROM STDIN')).rejects.toMatchObject(refusal);
    await expect(client.query('SELECT 1; copy /* x */ t from\n stdin (format csv)')).rejects.toMatchObject(
      refusal,
    );
    await expect(client.query({ name: 'copy', text: 'COPY t FROM STDIN', values: [] })).rejects.toMatchObject(
      refusal,
    );
    await client.query('BEGIN');
    await expect(client.query('COPY t FROM STDIN')).rejects.toMatchObject(refusal);
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('ROLLBACK');
    const { rows } = await client.query("SELECT 'copy t from stdin' AS words");
    expect(rows).toEqual([{ words: 'copy t from stdin' }]);
    await client.end();
  });

  it('may have a statement cancelled that waits for its turn', async () => {
    const { engine } = await start();
    const owner = await connect(engine);
    const waiter = await connect(engine);
    await waiter.query('CREATE TABLE t (id int)');
    await owner.query('BEGIN');
    const query = new pg.Query('INSERT INTO t VALUES (1)');
    const refused = new Promise((resolve) => query.on('error', resolve));
    waiter.query(query);
    const canceller = new pg.Client(engine.poolConfig()) as unknown as {
      cancel(client: pg.Client, query: pg.Query): void;
      on(event: 'error', handler: () => void): void;
    };
    canceller.on('error', () => undefined);
    await eventually('it waits', async () => (await engine.stats()).waiting === 1);
    canceller.cancel(waiter, query);
    await eventually('the request has arrived', async () => (await engine.stats()).waiting === 2);
    await owner.query('COMMIT');
    expect(await refused).toMatchObject({ code: '57014' });
    expect((await waiter.query('SELECT * FROM t')).rows).toEqual([]);
    await Promise.all([owner.end(), waiter.end()]);
  });

  it('that talk nonsense are ended, and disturb nobody', async () => {
    const { engine, pool } = await start();
    const query = new pg.Client(engine.poolConfig());
    await query.connect();
    for (const nonsense of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from([0, 0, 0, 8, 0, 2, 0, 0]),
      Buffer.alloc(64),
    ]) {
      const said = await converse(engine, nonsense);
      expect(said).toMatch(/^E.*SFATAL.*C08P01/s);
    }
    expect(await converse(engine, Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), 1)).toBe('N');
    expect((await query.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await query.end();
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('never run the unnamed statement of another', async () => {
    const { engine } = await start();
    const parse = message('P', '', 'SELECT 1', new Uint8Array(2));
    const run = [message('B', '', '', new Uint8Array(6)), message('E', '', 0), sync];
    const one = await speaker(engine);
    const two = await speaker(engine);
    expect(await one.ask(parse, sync)).toEqual(['1', 'Z']);
    expect(await one.ask(...run)).toEqual(['2', 'D', 'C', 'Z']);
    expect(await two.ask(parse, sync)).toEqual(['1', 'Z']);
    expect(await one.ask(...run)).toEqual(['E26000', 'Z']);
    expect(await two.ask(...run)).toEqual(['E26000', 'Z']); // one's failure has taken its place
    expect(await two.ask(parse, ...run)).toEqual(['1', '2', 'D', 'C', 'Z']);
    one.end();
    two.end();
  });

  it('are ended in order when the engine closes, after the statement that runs', async () => {
    const { engine, pool } = await start();
    const [first, ...others] = await Promise.all([connect(engine), connect(engine), connect(engine)]);
    const runs = first.query("SELECT pg_sleep(0.5), 'done' AS word");
    await new Promise((sent) => setImmediate(sent));
    const waits = Promise.allSettled(others.map((other) => other.query('SELECT 1')));
    const closed = engine.close();
    expect((await runs).rows).toMatchObject([{ word: 'done' }]);
    for (const result of await waits)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: '57P01' } });
    await closed;
    await engine.close();
    const refused = pool.query('SELECT 1');
    await expect(refused).rejects.toThrow(EngineUnavailable);
    await expect(refused).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

type Socket = Duplex & { connect(): void };

async function dial(engine: EmbeddedPostgres): Promise<Socket> {
  const { stream } = engine.poolConfig();
  const socket = (stream as unknown as () => Socket)();
  socket.connect();
  await new Promise((connected) => socket.once('connect', connected));
  return socket;
}

/** What the engine says to some bytes until it closes the connection, or until there is so much. */
async function converse(engine: EmbeddedPostgres, bytes: Buffer, enough = Infinity): Promise<string> {
  const socket = await dial(engine);
  socket.write(bytes);
  let said = '';
  for await (const chunk of socket) {
    said += (chunk as Buffer).toString('latin1');
    if (said.length >= enough) break;
  }
  return said;
}

/** A connection that speaks in messages; `ask` returns the types of the answer up to ReadyForQuery, and its errors' codes. */
async function speaker(
  engine: EmbeddedPostgres,
): Promise<{ ask(...messages: Bytes[]): Promise<string[]>; end(): void }> {
  const socket = await dial(engine);
  let said = new Uint8Array(0);
  socket.on('data', (chunk: Buffer) => (said = concat([said, chunk])));
  const answer = (): Promise<string[]> =>
    eventually('there is an answer', () => {
      const seen: string[] = [];
      eachMessage(said, (type, start, end) => {
        const code = type === 0x45 ? /\0C(\w{5})/.exec(decode(said.subarray(start, end)))?.[1] : '';
        seen.push(String.fromCharCode(type) + (code ?? ''));
      });
      if (seen.at(-1) !== 'Z') return false;
      said = new Uint8Array(0);
      return seen;
    });
  socket.write(message('?', 196_608, 'user', 'postgres', '').subarray(1));
  await answer();
  return {
    ask(...messages) {
      socket.write(concat(messages));
      return answer();
    },
    end: () => socket.end(),
  };
}
