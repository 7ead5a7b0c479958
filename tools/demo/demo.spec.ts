/* The demo as a newcomer has it: one command, words that tell what to do, messages that flow, and nothing left behind. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, freePort, plainClient, plainXmpp, run, type RunningProcess } from '#peers';

const main = fileURLToPath(new URL('../../dist/tools/demo/main.js', import.meta.url));
/** Where it has what it keeps: its own, for whoever else shows the demo on this machine leaves things behind, too. */
const temporary = mkdtempSync(join(tmpdir(), 'parley-demo-spec-'));
const leftBehind = (): readonly string[] => readdirSync(temporary);
// A Parley of one's own must not be touched by it.
const env = {
  PATH: process.env['PATH'],
  TMPDIR: temporary,
  DATABASE_URL: 'postgresql://nowhere.invalid/mine',
  PARLEY_ROLES: 'gateway',
};

let demo: RunningProcess;
let ircPort: number;
let xmppPort: number;

/** Waits for something on the terminal. */
async function shows(pattern: RegExp, deadlineMs = 60_000): Promise<RegExpExecArray> {
  return eventually(
    `the terminal shows ${String(pattern)}`,
    () => {
      if (demo.child.exitCode !== null) throw new Error(`the demo has ended: ${demo.output()}`);
      return pattern.exec(demo.output()) ?? undefined;
    },
    deadlineMs,
  );
}

/** Makes an XMPP account as any client does (XEP-0077). */
async function register(port: number, domain: string, user: string, password: string): Promise<void> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.write(
    `<stream:stream to="${domain}" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">` +
      `<iq type="set" id="register"><query xmlns="jabber:iq:register"><username>${user}</username>` +
      `<password>${password}</password></query></iq>`,
  );
  await eventually('the account is made', () => /<iq [^>]*type='result'/.test(text));
  socket.destroy();
}

beforeAll(async () => {
  expect({ 'built by npm test': existsSync(main) }).toEqual({ 'built by npm test': true });
  ircPort = await freePort();
  const port = String(await freePort());
  xmppPort = await freePort();
  const ports = ['--port', port, '--irc-port', String(ircPort), '--xmpp-port', String(xmppPort)];
  ports.push('--smpp-port', String(await freePort()), '--sip-port', String(await freePort()));
  const args = [main, ...ports, '--tempo', '250'];
  demo = run(process.execPath, args, { env });
  await shows(/Ctrl-C ends it/, 120_000);
}, 130_000);
afterAll(async () => {
  await demo[Symbol.asyncDispose]();
  rmSync(temporary, { recursive: true });
});

it('tells the address, e-mail, password and token, and they are right', async () => {
  const [, url = ''] = await shows(/Address +(\S+)/);
  const [, email = ''] = await shows(/E-mail +(\S+)/);
  const [, password = ''] = await shows(/Password +(\S+)/);
  const signedIn = await fetch(`${url}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password }),
  });
  expect(signedIn.status).toBe(201);
  const [, token = ''] = await shows(/Token +(\S+)/);
  const me = await fetch(`${url}/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(me.status).toBe(200);
});

it('shows the talk of the residents as Parley hears it, with more than words', async () => {
  await shows(/<bob> good morning, lounge!/);
  await shows(/<carol> bob: only just/);
  await shows(/\* bob pours two cups/);
  await shows(/the topic of #lounge is now: Say something here/);
}, 120_000);

it('answers what a newcomer says by the line that it printed', async () => {
  const [, url = '', token = '', body = ''] = await shows(
    /curl -s (\S+\/messages) -H 'authorization: Bearer (\S+)' -H 'content-type: application\/json' -d '(.*)'/,
  );
  const sent = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  });
  expect(sent.status).toBe(201);
  await shows(/<alice> hello bob, how are you\?/);
  await shows(/<bob> (?:hello|hey),? alice/);
  const page = await fetch(`${url}?limit=50`, { headers: { authorization: `Bearer ${token}` } });
  expect(JSON.stringify(await page.json())).toContain('hello bob, how are you?');
}, 120_000);

it('lets a plain IRC client in beside Parley, and answers it in private too', async () => {
  await using dave = await plainClient({ port: ircPort, nick: 'dave' });
  await dave.join('#lounge');
  dave.say('#lounge', 'carol: is this seat free?');
  await dave.waitFor(/^:carol!\S+ PRIVMSG #lounge :dave: /, { deadlineMs: 60_000 });
  await shows(/<dave> carol: is this seat free\?/);
  dave.say('bob', 'hello there');
  await dave.waitFor(/^:bob!\S+ PRIVMSG dave :/, { deadlineMs: 60_000 });
}, 120_000);

it('answers on XMPP too, and lets a plain XMPP client in beside Parley', async () => {
  const [, messages = '', token = '', body = ''] = await shows(
    /Or on XMPP.*\s+curl -s (\S+\/messages) -H 'authorization: Bearer (\S+)' -H 'content-type: application\/json' -d '(.*)'/,
  );
  const sent = await fetch(messages, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  });
  expect(sent.status).toBe(201);
  await shows(/<alice> hello carol, anything new\?/);
  await shows(/<carol> .*alice/);
  const domain = 'chat.example.org';
  await register(xmppPort, domain, 'dave', 'daffodil');
  await using dave = await plainXmpp({ port: xmppPort, domain, user: 'dave', password: 'daffodil' });
  const lounge = `lounge@rooms.${domain}`;
  await dave.join(lounge, 'dave');
  dave.say(lounge, 'bob: is this seat free?');
  await shows(/<dave> bob: is this seat free\?/);
  dave.say(`bob@${domain}`, 'hello there');
  await dave.waitFor('an answer', ({ name, attrs }) => name === 'message' && attrs['type'] === 'chat', {
    deadlineMs: 60_000,
  });
}, 120_000);

it('sends a text message to a phone, which answers', async () => {
  const [, messages = '', token = '', body = ''] = await shows(
    /text message.*\s+curl -s (\S+\/messages) -H 'authorization: Bearer (\S+)' -H 'content-type: application\/json' -d '(.*)'/,
  );
  const sent = await fetch(messages, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  });
  expect(sent.status).toBe(201);
  await shows(/<alice> hi bob, are you on the way\?/);
  await shows(/<\+12025550111> .*alice/);
}, 120_000);

it('writes to a telephone, which answers and calls, and connects two of them', async () => {
  const [, messages = '', token = '', body = ''] = await shows(
    /Or over SIP.*\s+curl -s (\S+\/messages) -H 'authorization: Bearer (\S+)' -H 'content-type: application\/json' -d '(.*)'/,
  );
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  expect((await fetch(messages, { method: 'POST', headers, body })).status).toBe(201);
  await shows(/<carol@sip\.example\.org> just a moment, I call you/);
  await shows(/the call from carol@sip\.example\.org: ringing/);
  await shows(/the call from carol@sip\.example\.org: missed/);
  const [, calls = '', order = ''] = await shows(
    /telephone and then carol's.*\s+curl -s (\S+\/calls) .* -d '(.*)'/,
  );
  expect((await fetch(calls, { method: 'POST', headers, body: order })).status).toBe(201);
  await shows(/from bob@sip\.example\.org to carol@sip\.example\.org: answered \(answered, answered\)/);
  await shows(/from bob@sip\.example\.org to carol@sip\.example\.org: ended/);
}, 120_000);

it('ends on Ctrl-C, with nothing left behind', async () => {
  const ended = once(demo.child, 'exit');
  demo.child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(demo.output()).toContain('Ending …');
  expect(leftBehind()).toEqual([]);
});

it('ends just as well while it starts', async () => {
  const args = [
    main,
    '--port',
    '0',
    '--irc-port',
    '0',
    '--xmpp-port',
    '0',
    '--smpp-port',
    '0',
    '--sip-port',
    '0',
  ];
  await using early = run(process.execPath, args, { env });
  await eventually('it starts', () => leftBehind().length > 0, 60_000);
  const ended = once(early.child, 'exit');
  early.child.kill('SIGINT');
  expect(await ended).toEqual([0, null]);
  expect(leftBehind()).toEqual([]);
}, 90_000);
