/*
 * The network's complaints, translated once into our closed codes: conditions of streams and of signing in.
 * Details are the server's own words, kept short and clean; never anything we sent.
 */
import { words } from '#connector/session';
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';
import type { Element } from './core/xml.js';

type Translation = Readonly<Record<string, readonly [code: ErrorCode, detail: string, remedy?: Remedy]>>;

export const streamErrorNamespace = 'urn:ietf:params:xml:ns:xmpp-streams';
export const saslNamespace = 'urn:ietf:params:xml:ns:xmpp-sasl';

/** RFC 6120 §4.9.3. What is not here says that we broke the protocol. */
const streamConditions: Translation = {
  conflict: ['resource-conflict', 'The account has signed in elsewhere with the same resource.'],
  'connection-timeout': ['timeout', 'The server has not heard from us for too long.'],
  'host-gone': ['not-found', 'The server does not serve this domain any more.', 'ask-person'],
  'host-unknown': ['not-found', 'The server does not serve this domain.', 'ask-person'],
  'internal-server-error': ['unknown', 'The server has a problem of its own.', 'retry'],
  'not-authorized': ['auth-failed', 'The server does not let the account in.'],
  'policy-violation': ['not-allowed', 'The server says that a rule of its own was broken.', 'retry'],
  'remote-connection-failed': ['network-unreachable', 'The server cannot reach what it needs.'],
  reset: ['network-unreachable', 'The server wants us to connect anew.'],
  'resource-constraint': ['rate-limited', 'The server has no room for us now.'],
  'see-other-host': ['network-unreachable', 'The server sends us to another host.'],
  'system-shutdown': ['server-shutdown', 'The server is being shut down.'],
  'undefined-condition': ['unknown', 'The server ended the stream.', 'retry'],
};

/** RFC 6120 §6.5. */
const saslConditions: Translation = {
  aborted: ['auth-method', 'The server broke the sign-in off.', 'retry'],
  'account-disabled': ['banned', 'The account is disabled.'],
  'credentials-expired': ['auth-failed', 'The password has expired.'],
  'encryption-required': ['auth-method', 'The server wants another way of signing in, or encryption.'],
  'incorrect-encoding': ['protocol-violation', 'The server could not read our sign-in.'],
  'invalid-authzid': ['auth-failed', 'The account may not sign in under this address.'],
  'invalid-mechanism': ['auth-method', 'The server does not take this way of signing in.'],
  'malformed-request': ['protocol-violation', 'The server could not read our sign-in.'],
  'mechanism-too-weak': ['auth-method', 'The server wants a stronger way of signing in.'],
  'not-authorized': ['auth-failed', 'The account and its password do not fit.'],
  'temporary-auth-failure': ['auth-failed', 'The server cannot check passwords now.', 'retry'],
};

/** What the person is told of a stream error (RFC 6120 §4.9). */
export function streamFailure(error: Element): Failure {
  const broken: Translation[string] = ['protocol-violation', 'The server does not understand us.'];
  return translated(error, streamErrorNamespace, streamConditions, broken);
}

/** What the person is told of a failed sign-in (RFC 6120 §6.5). */
export function saslFailure(refusal: Element): Failure {
  const refused: Translation[string] = ['auth-failed', 'The server refuses the sign-in.'];
  return translated(refusal, saslNamespace, saslConditions, refused);
}

/** The defined condition of an error, by the namespace of its kind; undefined where it names none. */
export function conditionOf(error: Element, namespace: string): string | undefined {
  return error.getChildElements().find((child) => child.getNS() === namespace && child.name !== 'text')?.name;
}

function translated(
  error: Element,
  namespace: string,
  conditions: Translation,
  otherwise: Translation[string],
): Failure {
  const condition = conditionOf(error, namespace) ?? '';
  const known = Object.hasOwn(conditions, condition) ? conditions[condition] : undefined;
  const [code, detail, remedy] = known ?? otherwise;
  return failure(code, words(error.getChildText('text', namespace) ?? undefined) ?? detail, remedy);
}
