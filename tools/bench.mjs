/*
 * How fast the built server starts, takes in and sends, on the embedded engine or, with DATABASE_URL, on an empty database
 * of a PostgreSQL server. Ratios count: the bare insert of the same rows and indexes runs beside the intake.
 *
 *   npm run bench [-- --messages 20000 --seconds 8]
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { LoopbackServer } from '../dist/libs/connectors/loopback/src/index.js';
import { startEngine } from '../dist/libs/platform/src/engine.js';
import { readConfig, SystemClock } from '../dist/libs/platform/src/index.js';
import { openDatabase } from '../dist/libs/platform/src/open-database.js';

const root = dirname(import.meta.dirname);
const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '8' },
    port: { type: 'string', default: '18123' },
  },
});
const port = Number(options.port);
const total = Number(options.messages);
const peers = 20;
const agent = new Agent({ keepAlive: true, maxSockets: 60 });
let token = '';

const directory = mkdtempSync(join(tmpdir(), 'parley-bench-'));
const figures = {};
try {
  const first = await start();
  figures['first start to /readyz, ms'] = first.ms;
  await stop(first.child);
  const second = await start();
  figures['second start to /readyz, ms'] = second.ms;
  figures['idle RSS, MiB'] = rssOf(second.child.pid);
  await work(second.child);
  await stop(second.child);
  if (!process.env.DATABASE_URL) await bare();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
for (const [name, figure] of Object.entries(figures)) process.stdout.write(`${name}: ${String(figure)}\n`);

async function start() {
  const began = performance.now();
  const child = spawn(process.execPath, [join(root, 'dist/apps/server/src/main.js')], {
    env: {
      ...process.env,
      PARLEY_PORT: String(port),
      PARLEY_DATA_DIR: directory,
      PARLEY_SETUP_CODE: 'bench-code-for-one-run',
      PARLEY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return { child, ms: Math.round(performance.now() - began) };
    if (child.exitCode !== null) throw new Error('the server ended');
    await new Promise((again) => setTimeout(again, 20));
  }
}

async function stop(child) {
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await ended;
}

async function work(child) {
  ({ token } = await call('POST', '/v1/setup', {
    code: 'bench-code-for-one-run',
    name: 'Alice',
    email: 'alice@example.org',
    password: 'a long enough password',
  }));
  const network = await LoopbackServer.start();
  const account = await call('POST', '/v1/accounts', {
    connector: 'loopback',
    label: 'Bench',
    settings: { host: '127.0.0.1', port: network.port, name: 'alice' },
  });
  while ((await call('GET', `/v1/accounts/${account.id}`)).session.state !== 'online') await breath();
  const places = [];
  for (let index = 0; index < peers; index++) {
    places.push(
      (
        await call('POST', '/v1/conversations', {
          account: account.id,
          address: `bob${index}`,
          kind: 'direct',
        })
      ).id,
    );
  }
  await sends(network, places);
  await intake(network);
  figures['RSS after the load, MiB'] = rssOf(child.pid);
  await network.stop();
}

/** Fifty clients, each with one request at a time. */
async function sends(network, places) {
  let accepted = 0;
  const began = performance.now();
  const end = began + Number(options.seconds) * 1_000;
  await Promise.all(
    Array.from({ length: 50 }, async (_, client) => {
      while (performance.now() < end) {
        await call('POST', `/v1/conversations/${places[client % peers]}/messages`, {
          text: `hello ${accepted}`,
        });
        accepted++;
      }
    }),
  );
  figures['accepted sends/s at 50 at once'] = Math.round(accepted / ((performance.now() - began) / 1_000));
  figures['event-loop delay p99 meanwhile, ms'] = await delay();
  while (network.received.length < accepted) await breath();
  figures['of them sent/s'] = Math.round(accepted / ((performance.now() - began) / 1_000));
}

async function intake(network) {
  const began = performance.now();
  for (let index = 0; index < total; index++)
    network.say(`bob${index % peers}`, 'alice', `message number ${index}`);
  while (network.unacknowledged('alice') > 0) await breath();
  figures['inbound messages/s to durable'] = Math.round(total / ((performance.now() - began) / 1_000));
}

/** The same rows into the same tables with the same indexes, a hundred at a time, and nothing else. */
async function bare() {
  const config = readConfig({ PARLEY_DATA_DIR: directory });
  const database = await openDatabase(await startEngine(config), new SystemClock());
  const [place] = await database.query(
    `SELECT c.id, c.workspace_id, c.account_id, c.identity_id FROM conversation c WHERE c.identity_id IS NOT NULL LIMIT 1`,
  );
  const began = performance.now();
  const [{ last }] = await database.query('SELECT max(sequence) AS last FROM event');
  for (let from = 0; from < total; from += 100) {
    const rows = Array.from({ length: 100 }, (_, index) => ({
      message: crypto.randomUUID(),
      event: crypto.randomUUID(),
      sequence: Number(last) + from + index + 1,
      text: `message number ${from + index}`,
    }));
    await database.transaction((sql) =>
      sql.query(
        `WITH g AS (SELECT * FROM json_to_recordset($1::json) AS g(message uuid, event uuid, sequence bigint, text text)),
         r AS (INSERT INTO remote_id (account_id, scope, id, message_id) SELECT $3, 'bare', g.message::text, g.message FROM g),
         e AS (INSERT INTO event (workspace_id, sequence, id, type, account_id, subject, data)
           SELECT $2, g.sequence, g.event, 'message.created', $3, g.message, '{}' FROM g)
         INSERT INTO message (id, workspace_id, account_id, conversation_id, sequence, position, author_id, origin, mode, text,
           at, words)
         SELECT g.message, $2, $3, $4, g.sequence, extract(epoch FROM now()) * 1000000, $5, 'remote', 'live', g.text, now(),
           to_tsvector('simple', g.text) FROM g`,
        [JSON.stringify(rows), place.workspace_id, place.account_id, place.id, place.identity_id],
      ),
    );
  }
  const rate = total / ((performance.now() - began) / 1_000);
  figures['bare insert of the same rows/s, 100 at a time'] = Math.round(rate);
  figures['intake as a share of the bare insert'] = (figures['inbound messages/s to durable'] / rate).toFixed(
    2,
  );
  await database.close();
}

/** In milliseconds, since somebody last asked. */
async function delay() {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then((answer) => answer.text());
  return Math.round(Number(/event_loop_delay_seconds\{quantile="0.99"\} (\S+)/.exec(text)?.[1]) * 1_000);
}

function rssOf(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}

function breath() {
  return new Promise((done) => setTimeout(done, 10));
}

function call(method, path, body) {
  return new Promise((done, fail) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const asked = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method,
        path,
        headers: {
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (answer) => {
        let got = '';
        answer.on('data', (chunk) => (got += chunk));
        answer.on('end', () => {
          if (answer.statusCode >= 300) fail(new Error(`${method} ${path}: ${answer.statusCode} ${got}`));
          else done(JSON.parse(got));
        });
      },
    );
    asked.on('error', fail);
    asked.end(text);
  });
}
