/* Stanza errors (RFC 6120 §8.3), translated once into our closed codes. */
import { words } from '#connector/session';
import { failure, type ErrorCode, type Failure, type Remedy } from '#model';
import type { Element } from './core/xml.js';

export const stanzaErrorNamespace = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** RFC 6120 §8.3.3, in its order. */
const conditions: Readonly<Record<string, readonly [ErrorCode, Remedy?]>> = {
  'bad-request': ['unsupported'],
  conflict: ['resource-conflict'],
  'feature-not-implemented': ['unsupported'],
  forbidden: ['not-allowed'],
  gone: ['account-gone'],
  'internal-server-error': ['internal'],
  'item-not-found': ['not-found'],
  'jid-malformed': ['not-found'],
  'not-acceptable': ['not-allowed'],
  'not-allowed': ['not-allowed'],
  'not-authorized': ['auth-required'],
  'payment-required': ['insufficient-credit'],
  'policy-violation': ['not-allowed'],
  'recipient-unavailable': ['network-unreachable'],
  redirect: ['account-gone'],
  'registration-required': ['auth-required'],
  'remote-server-not-found': ['not-found'],
  'remote-server-timeout': ['timeout'],
  'resource-constraint': ['rate-limited'],
  'service-unavailable': ['not-found'],
  'subscription-required': ['not-allowed'],
  'undefined-condition': ['unknown'],
  'unexpected-request': ['unsupported'],
};

/** What went wrong with a stanza of ours, from the one that says so (`type='error'`). */
export interface StanzaFailure {
  readonly failure: Failure;
  /** In the words of RFC 6120 §8.3.3; `undefined-condition` where none is said. */
  readonly condition: string;
  readonly error?: Element;
}

/** Reads a stanza of type error. The text is the other side's own, short and clean. */
export function stanzaFailure(stanza: Element): StanzaFailure {
  const error = stanza.getChildElements().find((child) => child.getName() === 'error');
  const named = error?.getChildElements().filter((child) => child.getNS() === stanzaErrorNamespace) ?? [];
  const condition = named.find((child) => child.getName() !== 'text')?.getName() ?? 'undefined-condition';
  const text = words(named.find((child) => child.getName() === 'text')?.getText());
  const [code, remedy] = conditions[condition] ?? ['unknown'];
  // A server that says "wait" means that the same may go well later (RFC 6120 §8.3.2).
  const later = error?.attrs['type'] === 'wait' ? 'retry' : remedy;
  return {
    failure: failure(code, text ?? condition.replaceAll('-', ' '), later),
    condition,
    ...(error !== undefined && { error }),
  };
}
