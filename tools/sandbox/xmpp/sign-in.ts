/* SASL (RFC 6120 §6) with PLAIN (RFC 4616) and SCRAM (RFC 5802, RFC 7677). */
import { randomBytes } from 'node:crypto';
import type { Connection } from './connection.js';
import { el, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { Mechanism } from './options.js';
import type { World } from './world.js';
import { ScramExchange } from '../scram.js';

export const allMechanisms: readonly Mechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'];

/** Takes a step of signing in; the connection has an account when it has gone well. */
export function signInStep(world: World, connection: Connection, element: Element): void {
  const message = Buffer.from(text(element) === '=' ? '' : text(element), 'base64').toString();
  const passwordOf = (name: string): string | undefined => world.accounts.get(name.toLowerCase())?.password;
  switch (element.name) {
    case 'abort':
      fail(connection, 'aborted');
      return;
    case 'auth': {
      const mechanism = element.attrs['mechanism'] ?? '';
      const offered: readonly string[] = world.options.mechanisms ?? allMechanisms;
      if (!offered.includes(mechanism)) {
        fail(connection, 'invalid-mechanism');
        return;
      }
      if (world.mischief.refuseSignIn !== undefined) {
        fail(connection, world.mischief.refuseSignIn);
        return;
      }
      if (mechanism === 'PLAIN') {
        plain(world, connection, message);
        return;
      }
      const hash = mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256';
      connection.scram = new ScramExchange(hash, world.domain, passwordOf);
      const challenge = connection.scram.first(message);
      if (challenge === undefined) fail(connection, 'malformed-request');
      else connection.give(el('challenge', ns.sasl, base64(challenge)));
      return;
    }
    case 'response': {
      const signature = connection.scram?.final(message);
      if (signature === undefined) {
        fail(connection, 'not-authorized');
        return;
      }
      const said = world.mischief.lieInScram === true ? randomBytes(32).toString('base64') : signature;
      succeed(world, connection, connection.scram?.user ?? '', base64(`v=${said}`));
      return;
    }
    default:
      fail(connection, 'malformed-request');
  }
}

/** RFC 4616: authorization identity, NUL, authentication identity, NUL, password. */
function plain(world: World, connection: Connection, message: string): void {
  const [authorization = '', name = '', password = '', more] = message.split('\0');
  const account = world.accounts.get(name.toLowerCase());
  if (account?.password === undefined || account.password !== password || more !== undefined) {
    fail(connection, 'not-authorized');
  } else if (authorization !== '' && authorization !== account.bare) fail(connection, 'invalid-authzid');
  else succeed(world, connection, name);
}

function succeed(world: World, connection: Connection, name: string, last?: string): void {
  connection.scram = undefined;
  connection.account = world.accounts.get(name.toLowerCase());
  connection.give(el('success', ns.sasl, last));
  connection.restart();
}

function fail(connection: Connection, condition: string): void {
  connection.scram = undefined;
  connection.give(el('failure', ns.sasl, el(condition)));
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}
