import { describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { eventually } from '#peers';
import type { Bench } from './parity.js';

interface Heard {
  channel: string;
  payload: string | undefined;
  processId: number;
}

function hear(client: pg.Client): Heard[] {
  const heard: Heard[] = [];
  client.on('notification', ({ channel, payload, processId }) => heard.push({ channel, payload, processId }));
  return heard;
}

async function show(client: pg.Client, setting: string): Promise<unknown> {
  const { rows } = await client.query<{ value: string }>('SELECT current_setting($1) AS value', [setting]);
  return rows[0]?.value;
}

/** What a session holds besides its transaction belongs to one client. */
export function sessions(bench: Bench): void {
  describe('settings', () => {
    it('asked for while connecting hold for that client alone', async () => {
      await using one = await bench.client({
        options: '-c search_path="a\\ b",public --work-mem=5MB',
        application_name: 'alice',
      });
      await using two = await bench.client({ application_name: 'bob' });
      expect(await show(one.client, 'search_path')).toBe('"a b",public');
      expect(await show(one.client, 'work_mem')).toBe('5MB');
      expect(await show(one.client, 'application_name')).toBe('alice');
      expect(await show(two.client, 'search_path')).not.toContain('a b');
      expect(await show(two.client, 'work_mem')).toBe('4MB');
      expect(await show(two.client, 'application_name')).toBe('bob');
    });

    it('that are wrong refuse the client', async () => {
      await expect(bench.client({ options: '-c work_mem=plenty' })).rejects.toMatchObject({ code: '22023' });
    });

    it('changed by SET, set_config and RESET hold for that client alone', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      await one.client.query("SET TIME ZONE 'Europe/Paris'");
      await one.client.query("SELECT set_config('parley.mark', 'one', false)");
      await one.client.query("SET work_mem = '6MB'");
      await two.client.query("SET TIME ZONE 'Asia/Tokyo'");
      expect(await show(one.client, 'TimeZone')).toBe('Europe/Paris');
      expect(await show(two.client, 'TimeZone')).toBe('Asia/Tokyo');
      expect(await show(one.client, 'parley.mark')).toBe('one');
      expect(await show(two.client, 'work_mem')).toBe('4MB');
      await one.client.query('RESET work_mem');
      expect(await show(one.client, 'work_mem')).toBe('4MB');
      await one.client.query('RESET ALL');
      expect(await show(one.client, 'TimeZone')).not.toBe('Europe/Paris');
      expect(await show(two.client, 'TimeZone')).toBe('Asia/Tokyo');
    });

    it('go back with their transaction', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      await one.client.query("BEGIN; SET work_mem = '7MB'; ROLLBACK");
      expect(await show(one.client, 'work_mem')).toBe('4MB');
      await one.client.query("BEGIN; SET LOCAL work_mem = '7MB'");
      expect(await show(one.client, 'work_mem')).toBe('7MB');
      await one.client.query('COMMIT');
      expect(await show(one.client, 'work_mem')).toBe('4MB');
      await one.client.query("BEGIN; SET work_mem = '7MB'");
      await one.client.query('COMMIT');
      expect(await show(one.client, 'work_mem')).toBe('7MB');
      expect(await show(two.client, 'work_mem')).toBe('4MB');
    });

    it('of a transaction end with it', async () => {
      await using one = await bench.client();
      await one.client.query('BEGIN');
      await one.client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY');
      await expect(one.client.query(`CREATE TABLE ${bench.name('t')} ()`)).rejects.toMatchObject({
        code: '25006',
      });
      await one.client.query('ROLLBACK');
      await one.client.query(`CREATE TABLE ${bench.name('t')} ()`);
      expect(await show(one.client, 'transaction_isolation')).toBe('read committed');
    });

    it('count the role among them', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      const role = bench.name('role');
      await one.client.query(`CREATE ROLE ${role}`);
      await one.client.query(`SET ROLE ${role}`);
      const who = 'SELECT current_user::text = $1 AS same';
      expect((await one.client.query(who, [role])).rows).toEqual([{ same: true }]);
      expect((await two.client.query(who, [role])).rows).toEqual([{ same: false }]);
      expect((await one.client.query(who, [role])).rows).toEqual([{ same: true }]);
      await one.client.query('RESET ROLE');
      expect((await one.client.query(who, [role])).rows).toEqual([{ same: false }]);
      await one.client.query(`DROP ROLE ${role}`);
    });
  });

  describe('prepared statements', () => {
    it('of the same name are different statements on different clients', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      for (let n = 0; n < 3; n++) {
        const a = await one.client.query({ name: 'same', text: 'SELECT $1::int * 2 AS a', values: [n] });
        const b = await two.client.query({
          name: 'same',
          text: "SELECT $1 || '!' AS b",
          values: [String(n)],
        });
        expect([a.rows, b.rows]).toEqual([[{ a: n * 2 }], [{ b: `${String(n)}!` }]]);
      }
    });

    it('may have names as long as names may be', async () => {
      await using one = await bench.client();
      const long = 'n'.repeat(62);
      const a = await one.client.query({ name: `${long}a`, text: 'SELECT 1 AS a', values: [] });
      const b = await one.client.query({ name: `${long}b`, text: 'SELECT 2 AS b', values: [] });
      expect([a.rows, b.rows]).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    });

    it('outlive an error and end with their client', async () => {
      const first = await bench.client();
      const half = { name: 'half', text: 'SELECT 10 / $1::int AS half' };
      await expect(first.client.query({ ...half, values: [0] })).rejects.toMatchObject({ code: '22012' });
      expect((await first.client.query({ ...half, values: [2] })).rows).toEqual([{ half: 5 }]);
      await first.client.end();
      await using second = await bench.client();
      const { rows } = await second.client.query({ name: 'half', text: 'SELECT 1 AS whole', values: [] });
      expect(rows).toEqual([{ whole: 1 }]);
    });

    it('of others survive DISCARD ALL and DEALLOCATE ALL', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      const mine = { name: 'kept', text: 'SELECT 1 AS kept', values: [] };
      await one.client.query(mine);
      await two.client.query({ name: 'lost', text: 'SELECT 2 AS lost', values: [] });
      await two.client.query("SET work_mem = '8MB'");
      expect((await two.client.query('DISCARD ALL')).command).toBe('DISCARD');
      expect((await two.client.query('DEALLOCATE ALL')).command).toBe('DEALLOCATE');
      expect(await show(two.client, 'work_mem')).toBe('4MB');
      expect((await one.client.query(mine)).rows).toEqual([{ kept: 1 }]);
      await expect(
        two.client.query({ name: 'lost', text: 'SELECT 2 AS lost', values: [] }),
      ).rejects.toMatchObject({ code: '26000' });
    });
  });

  describe('notifications', () => {
    it('reach every client that listens, and no other', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      await using deaf = await bench.client();
      const sender = await bench.client();
      const [ones, twos, none] = [hear(one.client), hear(two.client), hear(deaf.client)];
      await one.client.query('LISTEN "News Of Today"');
      await two.client.query('LISTEN PLAIN; LISTEN "News Of Today"');
      await deaf.client.query("SELECT 'LISTEN plain' -- ; LISTEN plain");
      await sender.client.query('SELECT pg_notify($1, $2)', ['News Of Today', 'rain']);
      await sender.client.query("NOTIFY plain, 'sun'");
      const processId = (sender.client as unknown as { processID: number }).processID;
      await sender.client.end();
      await eventually('both have heard', () => ones.length > 0 && twos.length > 1);
      expect(ones).toEqual([{ channel: 'News Of Today', payload: 'rain', processId }]);
      expect(twos).toEqual([
        { channel: 'News Of Today', payload: 'rain', processId },
        { channel: 'plain', payload: 'sun', processId },
      ]);
      await deaf.client.query('SELECT 1');
      expect(none).toEqual([]);
    });

    it('come with the commit, or not at all', async () => {
      await using listener = await bench.client();
      await using sender = await bench.client();
      const heard = hear(listener.client);
      const channel = bench.name('committed');
      await listener.client.query(`LISTEN ${channel}`);
      await sender.client.query(`BEGIN; NOTIFY ${channel}, 'never'`);
      await sender.client.query('ROLLBACK');
      await sender.client.query('BEGIN');
      await sender.client.query(`NOTIFY ${channel}, 'now'`);
      expect(heard).toEqual([]);
      await sender.client.query('COMMIT');
      await eventually('it is heard', () => heard.length > 0);
      expect(heard).toMatchObject([{ payload: 'now' }]);
    });

    it('are listened for only once the transaction that says so has committed', async () => {
      await using one = await bench.client();
      await using sender = await bench.client();
      const heard = hear(one.client);
      const [kept, dropped] = [bench.name('kept'), bench.name('dropped')];
      await one.client.query('BEGIN');
      await one.client.query(`LISTEN ${dropped}`);
      await one.client.query('ROLLBACK');
      await one.client.query('BEGIN');
      await one.client.query(`LISTEN ${kept}`);
      await one.client.query('COMMIT');
      await sender.client.query(`NOTIFY ${dropped}`);
      await sender.client.query(`NOTIFY ${kept}`);
      await eventually('it is heard', () => heard.length > 0);
      expect(heard).toMatchObject([{ channel: kept }]);
    });

    it('go on for others when one client has had enough', async () => {
      await using one = await bench.client();
      await using two = await bench.client();
      const [ones, twos] = [hear(one.client), hear(two.client)];
      const channel = bench.name('enough');
      await one.client.query(`LISTEN ${channel}`);
      await two.client.query(`LISTEN ${channel}`);
      await one.client.query(`UNLISTEN ${channel}`);
      await one.client.query(`NOTIFY ${channel}, 'first'`);
      await one.client.query('UNLISTEN *');
      await one.client.query(`NOTIFY ${channel}, 'second'`);
      await eventually('the other has heard both', () => twos.length === 2);
      expect(ones).toEqual([]);
    });
  });
}
