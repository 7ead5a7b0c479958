import { describe, expect, it } from '@jest/globals';
import { raise, readStatement } from './statement.js';

const listens = (sql: string): string[] =>
  readStatement(sql).traits.listens.map(({ channel, on }) => (on ? channel : `-${channel}`));

describe('a statement', () => {
  it('listens to what it names, as PostgreSQL folds it', () => {
    expect(listens('LISTEN News')).toEqual(['news']);
    expect(listens('listen "News ""of"" Today";unlisten *')).toEqual(['News "of" Today', '-*']);
    expect(listens('SELECT 1; /* a /* nested */ one */ LISTEN a; -- x\nUNLISTEN a')).toEqual(['a', '-a']);
    expect(listens('LISTEN größe; LISTEN "a;b"')).toEqual(['größe', 'a;b']);
  });

  it('does not listen to what stands in constants, comments and names', () => {
    expect(listens("SELECT '; LISTEN a'")).toEqual([]);
    expect(listens("SELECT 'it''s; LISTEN a'")).toEqual([]);
    expect(listens("SELECT E'\\'; LISTEN a'")).toEqual([]);
    expect(listens('SELECT $x$; LISTEN a$x$')).toEqual([]);
    expect(listens('SELECT $$; LISTEN a$$; LISTEN b')).toEqual(['b']);
    expect(listens('-- ; LISTEN a')).toEqual([]);
    expect(listens('SELECT 1 AS "; LISTEN a"')).toEqual([]);
    expect(listens("SELECT 'never closed ; LISTEN a")).toEqual([]);
  });

  it('that would forget for everybody is put in other words', () => {
    expect(readStatement(' discard ALL ; ')).toMatchObject({
      instead: 'RESET ALL',
      traits: { forgets: 'everything' },
    });
    expect(readStatement('DEALLOCATE PREPARE ALL').traits.forgets).toBe('statements');
    expect(readStatement('SELECT 1; DEALLOCATE ALL').instead).toBe(
      raise('0A000', 'DEALLOCATE ALL among other statements is not supported by the embedded engine'),
    );
    expect(readStatement("SELECT 'DISCARD ALL'").instead).toBeUndefined();
  });

  it('says whether it may copy in', () => {
    expect(readStatement('copy t (a, b) from stdin').traits.mayCopyIn).toBe(true);
    expect(readStatement("SELECT 'copy t from stdin'").traits.mayCopyIn).toBe(false);
    expect(readStatement('COPY t TO STDOUT').traits.mayCopyIn).toBe(false);
  });

  it('says whether it may change a setting beyond its transaction', () => {
    const maySet = (sql: string): boolean => readStatement(sql).traits.maySet;
    expect(maySet("SELECT set_config('a.b', $1, false)")).toBe(true);
    expect(maySet("SELECT set_config('a.b', $1, true), set_config('a.c', 'x', true)")).toBe(false);
    expect(readStatement("SET LOCAL work_mem = '1MB'").traits.setsLocally).toBe(true);
    expect(readStatement("SET LOCAL work_mem = '1MB'; SET work_mem = '2MB'").traits.setsLocally).toBe(false);
    expect(readStatement("SET work_mem = '1MB'").traits.setsLocally).toBe(false);
  });
});
