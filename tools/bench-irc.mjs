/*
 * What a worker full of IRC costs: the built server with so many accounts, each on InspIRCd and in a room of twenty, on the
 * embedded engine or, with DATABASE_URL, on an empty database of a PostgreSQL server. Memory with a tenth of them and with
 * all; then the IRC server is restarted, and how long it takes until all are back, and how late the event loop is meanwhile.
 *
 *   npm run bench:irc [-- --sessions 1000 --tls]
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const root = dirname(import.meta.dirname);
const { values: options } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000' },
    tls: { type: 'boolean', default: false },
    port: { type: 'string', default: '18124' },
  },
});
const total = Number(options.sessions);
const first = Math.ceil(total / 10);
const perRoom = 20;
const base = `http://127.0.0.1:${options.port}`;
const directory = mkdtempSync(join(tmpdir(), 'parley-bench-irc-'));
let token = '';

const figures = { 'load average at the start': loadavg()[0].toFixed(1) };
let network;
let server;
try {
  const ircPort = await freePort();
  const certificate = inspircdFiles(ircPort);
  network = await startInspircd(ircPort);
  server = await startServer();
  ({ token } = await call('POST', '/v1/setup', {
    code: 'bench-code-for-one-run',
    name: 'Alice',
    email: 'alice@example.org',
    password: 'a long enough password',
  }));
  await quiet();
  const idle = await weigh();
  figures['RSS idle, MiB'] = mib(idle.rss);

  await bring(0, first, ircPort, certificate);
  await quiet();
  const some = await weigh();
  figures[`RSS with ${first} online, MiB`] = mib(some.rss);

  await delay();
  const began = performance.now();
  await bring(first, total, ircPort, certificate);
  figures[`seconds until ${total} were online`] = seconds(began);
  figures['event-loop delay p99 while they came, ms'] = (await delay()).p99;
  await quiet();
  const all = await weigh();
  figures[`RSS with ${total} online, MiB`] = mib(all.rss);
  figures['RSS per session, KiB'] = kib((all.rss - some.rss) / (total - first));
  figures['heap per session, KiB'] = kib((all.heap - some.heap) / (total - first));
  figures['event-loop delay p99 while idle, ms'] = (await delay()).p99;

  const cut = performance.now();
  await end(network);
  await until('all are away', async () => (await online()).online === 0, 60);
  network = await startInspircd(ircPort);
  const back = performance.now();
  await until('all are back', async () => (await online()).online === total, 900);
  figures['seconds from the cut until all were back'] = seconds(cut);
  figures['seconds from the return of the server until all were back'] = seconds(back);
  figures['connects a second meanwhile'] = (total / ((performance.now() - back) / 1_000)).toFixed(1);
  const late = await delay();
  figures['event-loop delay meanwhile, ms'] = `p99 ${late.p99}, longest ${late.max}`;
  await quiet();
  const again = await weigh();
  figures['RSS after all that, MiB'] = mib(again.rss);
  figures['heap per session after all that, KiB'] = kib((again.heap - idle.heap) / total);
  figures['load average at the end'] = loadavg()[0].toFixed(1);
} finally {
  for (const child of [server, network]) if (child) await end(child);
  rmSync(directory, { recursive: true, force: true });
}
for (const [name, figure] of Object.entries(figures)) process.stdout.write(`${name}: ${String(figure)}\n`);

/** Makes accounts from one number to another and waits until they are online, each in its room. */
async function bring(from, to, ircPort, certificate) {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  const width = 8;
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      for (const number of numbers.filter((one) => one % width === lane)) {
        const account = await call('POST', '/v1/accounts', {
          connector: 'irc',
          label: `Bench ${number}`,
          settings: {
            host: '127.0.0.1',
            port: ircPort,
            nick: `bench${number}`,
            tls: options.tls,
            ...(options.tls && { caCertificate: certificate }),
          },
        });
        await call('POST', '/v1/conversations', {
          account: account.id,
          address: `#bench${Math.floor(number / perRoom)}`,
          kind: 'room',
        });
      }
    }),
  );
  await until(`${to} are online`, async () => (await online()).online === to, 900);
}

/** How many accounts stand where. */
async function online() {
  const count = { online: 0 };
  for (let next = ''; next !== undefined;) {
    const page = await call('GET', `/v1/accounts?limit=200${next === '' ? '' : `&next=${next}`}`);
    for (const { session } of page.items) count[session.state] = (count[session.state] ?? 0) + 1;
    next = page.next ?? undefined;
  }
  if (count['needs-person'] > 0) throw new Error(`somebody waits for a person: ${JSON.stringify(count)}`);
  return count;
}

/** What the server holds after it has had time to let go: the least of a while. */
async function weigh() {
  let least;
  for (let i = 0; i < 10; i++) {
    const text = await fetch(`${base}/metrics`).then((answer) => answer.text());
    const number = (name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
    const seen = { rss: rssOf(server.pid), heap: number('nodejs_heap_size_used_bytes') };
    least =
      least === undefined
        ? seen
        : { rss: Math.min(least.rss, seen.rss), heap: Math.min(least.heap, seen.heap) };
    await sleep(500);
  }
  return least;
}

/** In milliseconds, since somebody last asked. */
async function delay() {
  const text = await fetch(`${base}/metrics`).then((answer) => answer.text());
  const of = (quantile) =>
    Math.round(
      Number(new RegExp(`event_loop_delay_seconds\\{quantile="${quantile}"\\} (\\S+)`).exec(text)?.[1]) *
        1_000,
    );
  return { p99: of('0.99'), max: of('1') };
}

async function startServer() {
  const child = spawn(process.execPath, [join(root, 'dist/apps/server/src/main.js')], {
    env: {
      ...process.env,
      PARLEY_PORT: options.port,
      PARLEY_DATA_DIR: join(directory, 'data'),
      PARLEY_SETUP_CODE: 'bench-code-for-one-run',
      PARLEY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until(
    'the server is ready',
    () => {
      if (child.exitCode !== null) throw new Error('the server ended');
      return fetch(`${base}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    },
    60,
  );
  return child;
}

/** Its configuration, and the certificate that it shows where TLS is asked for. */
function inspircdFiles(port) {
  const home = join(directory, 'inspircd');
  mkdirSync(home);
  chmodSync(directory, 0o755);
  const [certificate, key] = [join(home, 'certificate.pem'), join(home, 'key.pem')];
  if (options.tls) {
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
    execFileSync(
      '/usr/bin/openssl',
      [...request, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
      { stdio: 'ignore' },
    );
  }
  const modules = `cap ircv3 ircv3_accounttag ircv3_batch ircv3_capnotify ircv3_chghost ircv3_ctctags ircv3_echomessage
    ircv3_labeledresponse ircv3_msgid ircv3_servertime monitor namesx uhnames services_account setname`;
  writeFileSync(
    join(home, 'inspircd.conf'),
    `
<server name="irc.test" description="bench" network="Bench" id="1AA">
<admin name="test" nick="test" email="test@example.org">
<bind address="127.0.0.1" port="${port}" type="clients"${options.tls ? ' sslprofile="bench"' : ''}>
${options.tls ? `<module name="ssl_gnutls"><sslprofile name="bench" provider="gnutls" certfile="${certificate}" keyfile="${key}">` : ''}
<connect name="all" allow="127.0.0.1" timeout="30" pingfreq="120" localmax="9000" globalmax="9000" limit="9000"
  maxconnwarn="no" resolvehostnames="no" usednsbl="no" useident="no" maxchans="20">
<performance netbuffersize="65534" somaxconn="1024" softlimit="9000" quietbursts="yes" nouserdns="yes">
<files motd="${home}/motd.txt">
<path datadir="${home}" logdir="${home}" runtimedir="${home}">
${modules
  .split(/\s+/)
  .map((name) => `<module name="${name}">`)
  .join('\n')}
`,
  );
  writeFileSync(join(home, 'motd.txt'), 'A server for a benchmark.\n');
  return options.tls ? readFileSync(certificate, 'utf8') : undefined;
}

async function startInspircd(port) {
  const home = join(directory, 'inspircd');
  const child = spawn(
    '/usr/sbin/inspircd',
    [`--config=${join(home, 'inspircd.conf')}`, '--runasroot', '--nofork'],
    { cwd: home, stdio: 'ignore' },
  );
  await until(
    'InspIRCd listens',
    () => {
      if (child.exitCode !== null) throw new Error('InspIRCd ended (npm run peers installs it)');
      return new Promise((answer) => {
        const socket = connect(port, '127.0.0.1')
          .once('connect', () => answer(true))
          .once('error', () => answer(false));
        socket.once('connect', () => socket.destroy());
      });
    },
    20,
  );
  return child;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await ended;
}

async function until(sentence, look, withinSeconds) {
  const last = performance.now() + withinSeconds * 1_000;
  while (!(await look())) {
    if (performance.now() > last) throw new Error(`not seen: ${sentence}`);
    await sleep(250);
  }
}

/** Lets what was begun be finished. */
async function quiet() {
  await sleep(5_000);
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

async function freePort() {
  const listener = createServer();
  await new Promise((ready) => listener.listen(0, '127.0.0.1', ready));
  const { port } = listener.address();
  await new Promise((closed) => listener.close(closed));
  return port;
}

function rssOf(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

function mib(bytes) {
  return Math.round(bytes / 1_048_576);
}

function kib(bytes) {
  return Math.round(bytes / 1_024);
}

function seconds(since) {
  return ((performance.now() - since) / 1_000).toFixed(1);
}

async function call(method, path, body) {
  const answer = await fetch(base + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const got = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${got}`);
  return JSON.parse(got);
}
