/* AUTHENTICATE: sasl-3.1 and 3.2 with PLAIN (RFC 4616), EXTERNAL (RFC 4422) and SCRAM-SHA-256 (RFC 5802, RFC 7677). */
import { randomBytes } from 'node:crypto';
import type { Client } from './client.js';
import type { Handlers } from './commands.js';
import type { Account, World } from './world.js';
import { ScramExchange } from '../scram.js';

export const sasl: Handlers = {
  AUTHENTICATE: (world, client, { params: [word = ''] }) => {
    if (!client.can('sasl') || !world.servicesAreHere) {
      fail(client);
      return;
    }
    if (word === '*') {
      client.sasl = undefined;
      client.numeric('906', 'SASL authentication aborted');
      return;
    }
    const { sasl: state } = client;
    if (state === undefined) {
      begin(world, client, word.toUpperCase());
      return;
    }
    if (word.length > 400) {
      client.sasl = undefined;
      client.numeric('905', 'SASL message too long');
      return;
    }
    if (word !== '+') state.received += word;
    // A chunk of 400 says that more follows; a plus ends what was a multiple of 400.
    if (word.length === 400) {
      if (state.received.length > 8_000) fail(client);
      return;
    }
    const message = Buffer.from(state.received, 'base64');
    state.received = '';
    step(world, client, message);
  },
};

function begin(world: World, client: Client, mechanism: string): void {
  const offered = (world.caps.get('sasl') ?? '').split(',');
  if (!offered.includes(mechanism)) {
    client.numeric('908', offered.join(','), 'are available SASL mechanisms');
    fail(client);
    return;
  }
  client.sasl = { mechanism, received: '', step: 0 };
  client.deliver({ command: 'AUTHENTICATE', params: ['+'] });
}

function step(world: World, client: Client, message: Buffer): void {
  const { sasl: state } = client;
  if (state === undefined) return;
  if (state.mechanism === 'SCRAM-SHA-256') {
    scram(world, client, message.toString());
    return;
  }
  const account = state.mechanism === 'PLAIN' ? plain(world, message) : external(world, client, message);
  if (account === undefined) fail(client);
  else succeed(world, client, account);
}

/** RFC 4616: authorization identity, NUL, authentication identity, NUL, password. */
function plain(world: World, message: Buffer): Account | undefined {
  const [authzid, authcid = '', password = '', more] = message.toString().split('\0');
  if (more !== undefined || (authzid !== '' && world.fold(authzid ?? '') !== world.fold(authcid)))
    return undefined;
  return withPassword(world, authcid, password);
}

export function withPassword(world: World, name: string, password: string): Account | undefined {
  const account = world.accounts.get(world.fold(name));
  return account?.password !== undefined && account.password === password ? account : undefined;
}

/** The account whose certificate this client has shown; an authorization identity must be its name. */
function external(world: World, client: Client, message: Buffer): Account | undefined {
  const { fingerprint } = client;
  if (fingerprint === undefined) return undefined;
  const asked = message.toString();
  return [...world.accounts.values()].find(
    (account) =>
      account.fingerprint?.replaceAll(':', '').toLowerCase() === fingerprint &&
      (asked === '' || world.fold(asked) === world.fold(account.name)),
  );
}

function scram(world: World, client: Client, message: string): void {
  const { sasl: state } = client;
  if (state === undefined) return;
  state.step++;
  const accountOf = (user: string): Account | undefined => world.accounts.get(world.fold(user));
  state.scram ??= new ScramExchange('sha256', world.name, (user) => accountOf(user)?.password);
  if (state.step < 3) {
    const answer = state.step === 1 ? state.scram.first(message) : state.scram.final(message);
    if (answer === undefined) fail(client);
    else if (state.step === 1) send(client, answer);
    else send(client, `v=${world.scramLies ? randomBytes(32).toString('base64') : answer}`);
    return;
  }
  const account = accountOf(state.scram.user);
  if (account === undefined || message !== '') fail(client);
  else succeed(world, client, account);
}

/** In chunks of 400 (sasl-3.1). */
function send(client: Client, text: string): void {
  const encoded = Buffer.from(text).toString('base64');
  for (let at = 0; at <= encoded.length; at += 400) {
    const chunk = encoded.slice(at, at + 400);
    client.deliver({ command: 'AUTHENTICATE', params: [chunk === '' ? '+' : chunk] });
  }
}

function succeed(world: World, client: Client, account: Account): void {
  client.sasl = undefined;
  signIn(world, client, account);
  client.numeric('903', 'SASL authentication successful');
}

/** Signs somebody in or out, and tells those who care (account-notify). */
export function signIn(world: World, client: Client, account: Account | undefined): void {
  const before = client.account;
  client.account = account?.name;
  if (account === undefined) client.numeric('901', client.mask, 'You are now logged out');
  else client.numeric('900', client.mask, account.name, `You are now logged in as ${account.name}`);
  if (!client.isRegistered || before === client.account) return;
  const line = world.from(client, 'ACCOUNT', [account?.name ?? '*']);
  world.announce(client, 'account-notify', line);
  if (client.can('account-notify')) client.deliver(line);
}

function fail(client: Client): void {
  client.sasl = undefined;
  client.numeric('904', 'SASL authentication failed');
}
