/** Every way in which a network, a session or an envelope can fail. Closed: a new code is a change of the contract. */
export const errorCodes = [
  'network-unreachable',
  'timeout',
  'refused',
  'tls-untrusted',
  'tls-expired',
  'tls-mismatch',
  'auth-failed',
  'auth-method',
  'auth-required',
  'name-in-use',
  'banned',
  'rate-limited',
  'protocol-violation',
  'resource-conflict',
  'server-shutdown',
  'account-gone',
  'not-found',
  'not-allowed',
  'too-large',
  'unsupported',
  'insufficient-credit',
  'opted-out',
  'storage-unavailable',
  'internal',
  'unknown',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What to do about an error: try again by itself, ask the person to act, or stop. */
export type Remedy = 'retry' | 'ask-person' | 'give-up';

const remedies: Record<ErrorCode, Remedy> = {
  'network-unreachable': 'retry',
  timeout: 'retry',
  refused: 'retry',
  'tls-untrusted': 'ask-person',
  'tls-expired': 'ask-person',
  'tls-mismatch': 'ask-person',
  'auth-failed': 'ask-person',
  'auth-method': 'ask-person',
  'auth-required': 'ask-person',
  'name-in-use': 'ask-person',
  banned: 'ask-person',
  'rate-limited': 'retry',
  'protocol-violation': 'retry',
  'resource-conflict': 'ask-person',
  'server-shutdown': 'retry',
  'account-gone': 'give-up',
  'not-found': 'give-up',
  'not-allowed': 'ask-person',
  'too-large': 'give-up',
  unsupported: 'give-up',
  'insufficient-credit': 'ask-person',
  'opted-out': 'give-up',
  'storage-unavailable': 'retry',
  internal: 'retry',
  unknown: 'ask-person',
};

/** The usual remedy of a code; a connector that knows better says its own. */
export function remedyOf(code: ErrorCode): Remedy {
  return remedies[code];
}

/** A failure that has been translated: what went wrong, what to do, and the network's own words where it gave any. */
export interface Failure {
  readonly code: ErrorCode;
  readonly remedy: Remedy;
  /** A sentence for the person; never a secret, never a message's text. */
  readonly detail?: string;
  /** What the sentence says, for programs: amounts, limits, moments. */
  readonly facts?: Readonly<Record<string, string>>;
}

export function failure(code: ErrorCode, detail?: string, remedy: Remedy = remedyOf(code)): Failure {
  return detail === undefined ? { code, remedy } : { code, remedy, detail };
}
