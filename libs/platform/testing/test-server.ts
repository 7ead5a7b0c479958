import { afterAll } from '@jest/globals';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '#peers';
import { migrate, postgresEngine } from '#platform';

/** One server for all tests of a file, begun by the first that asks; each has a database of its own on it. */
let server: Promise<RunningPostgres> | undefined;
let count = 0;

afterAll(async () => {
  await (await server)?.[Symbol.asyncDispose]();
});

/** The address of a new database: migrated and empty. */
export async function emptyDatabase(): Promise<string> {
  server ??= begin();
  const { url } = await server;
  const name = `test_${String(++count)}`;
  await ask(url, `CREATE DATABASE ${name} TEMPLATE migrated`);
  return inDatabase(url, name);
}

async function begin(): Promise<RunningPostgres> {
  const running = await startPostgres();
  await ask(running.url, 'CREATE DATABASE migrated');
  await migrate(postgresEngine(inDatabase(running.url, 'migrated')));
  return running;
}

async function ask(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement);
  await client.end();
}

function inDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}
