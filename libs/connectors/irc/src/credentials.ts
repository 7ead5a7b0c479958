/*
 * What a connection is opened with besides the settings, and whether it is enough. What is missing is said before
 * anything is tried.
 */
import { showsCertificate } from '#connector/session';
import { failure, type Failure } from '#model';
import type { IrcSettings } from './irc.settings.js';

/** The opened secrets that are there. */
export interface Credentials {
  readonly password?: string;
  readonly serverPassword?: string;
  readonly clientKey?: string;
}

const names = ['password', 'serverPassword', 'clientKey'] as const;

/** Takes the secrets that we know and that are not empty. */
export function credentialsOf(secrets: Readonly<Record<string, string>>): Credentials {
  const given = names.filter((name) => (secrets[name] ?? '') !== '');
  return Object.fromEntries(given.map((name) => [name, secrets[name]]));
}

/** What of them the wire needs. */
export function clientKeyOf({ clientKey }: Credentials): Pick<Credentials, 'clientKey'> {
  return clientKey === undefined ? {} : { clientKey };
}

/** Whether the person wants to be signed in to a services account. Then it is that or nothing. */
export function wantsAccount(settings: IrcSettings): boolean {
  return settings.saslAccount !== undefined || settings.saslMechanism === 'EXTERNAL';
}

/** Whether the server sees our certificate. */
export function certified(settings: IrcSettings, credentials: Credentials): boolean {
  return settings.tls && showsCertificate({ ...settings, ...credentials });
}

/** What the settings ask for and the secrets do not give. */
export function lackOf(settings: IrcSettings, credentials: Credentials): Failure | undefined {
  const { clientCertificate, saslMechanism } = settings;
  if (clientCertificate !== undefined && credentials.clientKey === undefined) {
    return failure('auth-required', 'The client certificate has no key.');
  }
  if (!wantsAccount(settings)) return undefined;
  const shown = certified(settings, credentials);
  if (saslMechanism === 'EXTERNAL' && !shown) {
    return failure('auth-required', 'SASL EXTERNAL needs TLS and a client certificate.');
  }
  if (credentials.password === undefined && (!shown || (saslMechanism ?? 'EXTERNAL') !== 'EXTERNAL')) {
    return failure('auth-required', 'The services account has no password.');
  }
  return undefined;
}
