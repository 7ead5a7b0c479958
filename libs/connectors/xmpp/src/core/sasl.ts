/*
 * Signing in by SASL (RFC 6120 §6). The strongest mechanism that the server offers and that we have the means for comes
 * first: a client certificate, SCRAM bound to the channel, SCRAM, and PLAIN in TLS only. One password is tried once:
 * another mechanism follows only where the server has not seen a proof of it yet.
 */
import { Scram, ScramError, type ScramBinding, type ScramHash } from '#connector/session';
import { failure, type ErrorCode, type Failure } from '#model';
import { conditionOf, saslFailure, saslNamespace } from '../failures.js';
import { channelBinding, type Secured } from './channel-binding.js';
import { xml, type Element } from './xml.js';

/** What we can sign in by, the strongest first. */
export const mechanisms = [
  'EXTERNAL',
  'SCRAM-SHA-512-PLUS',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'PLAIN',
] as const;
export type SaslMechanism = (typeof mechanisms)[number];

const bindingNamespace = 'urn:xmpp:sasl-cb:0';
const mostMechanisms = 50;

/** One side of a conversation by elements. The answer is undefined where the stream has ended. */
export interface Dialogue {
  send(element: Element): void;
  next(): Promise<Element | undefined>;
}

export interface SaslParts {
  /** What the server offered. */
  readonly features: Element;
  /** The encrypted connection, undefined in clear. */
  readonly secured: Secured | undefined;
  readonly username: string;
  /** Whom to act as, where that is somebody else than the credentials say; a bare JID. */
  readonly authzid?: string;
  readonly password?: string;
  /** Whether we have a client certificate to show. */
  readonly certificate: boolean;
  /** The one mechanism that the person allows; all where they named none. */
  readonly only?: SaslMechanism;
}

/** A way to sign in: what it is called, and what it does. */
interface Way {
  readonly mechanism: SaslMechanism;
  readonly hash?: ScramHash;
  readonly binding: ScramBinding;
}

/**
 * What became of it: the server has let us in and has proved what it must; the stream has ended meanwhile; or why not,
 * with nothing secret in it.
 */
export type SignedIn =
  | 'done'
  | 'ended'
  | {
      readonly failure: Failure;
      /** The server's own condition (RFC 6120 §6.5), where it was the server that refused. */
      readonly condition?: string;
      /** It has not seen a proof of the password: another way may be tried. */
      readonly unspent?: boolean;
    };

/** Signs in, by one way after the other. */
export async function signIn(parts: SaslParts, dialogue: Dialogue): Promise<SignedIn> {
  let outcome: SignedIn = { failure: lackOf(parts) };
  let bindable = true;
  for (const way of waysOf(parts)) {
    const bound = typeof way.binding === 'object';
    if (bound && !bindable) continue;
    outcome = await go(way, parts, dialogue);
    if (typeof outcome === 'string' || outcome.unspent !== true) return outcome;
    // The binding is the same with every hash, and servers count what fails.
    if (bound) bindable = false;
  }
  return outcome;
}

/** What can be tried, the strongest first. */
function waysOf({ features, secured, password, certificate, only }: SaslParts): readonly Way[] {
  const offered = new Set(
    features
      .getChild('mechanisms', saslNamespace)
      ?.getChildren('mechanism', saslNamespace)
      .slice(0, mostMechanisms)
      .map((one) => one.getText().trim()),
  );
  const types = features
    .getChild('sasl-channel-binding', bindingNamespace)
    ?.getChildren('channel-binding', bindingNamespace)
    .slice(0, mostMechanisms)
    .map(({ attrs }) => attrs['type'] ?? '');
  const bound = channelBinding(secured, types ?? []);
  const binds = [...offered].some((one) => one.endsWith('-PLUS'));
  // Said where it is true only: the server takes it for proof that its offer was taken out on the way.
  const unbound: ScramBinding = secured !== undefined && !binds ? 'unoffered' : 'none';
  return mechanisms
    .filter((mechanism) => offered.has(mechanism) && (only === undefined || mechanism === only))
    .map((mechanism): Way | undefined => {
      if (mechanism === 'EXTERNAL') return certificate ? { mechanism, binding: 'none' } : undefined;
      if (password === undefined) return undefined;
      if (mechanism === 'PLAIN') return secured && { mechanism, binding: 'none' };
      const hash = hashOf(mechanism);
      if (!mechanism.endsWith('-PLUS')) return { mechanism, hash, binding: unbound };
      return bound && { mechanism, hash, binding: bound };
    })
    .filter((way) => way !== undefined);
}

function hashOf(mechanism: Exclude<SaslMechanism, 'EXTERNAL' | 'PLAIN'>): ScramHash {
  return mechanism.replace(/-PLUS$/, '') as ScramHash;
}

/** Why nothing can be tried. */
function lackOf({ password, certificate, secured, only }: SaslParts): Failure {
  if (password === undefined && !certificate) {
    return failure('auth-required', 'The account needs a password or a client certificate.');
  }
  if (only !== undefined) return failure('auth-method', `The server does not let us sign in by ${only}.`);
  const how = secured === undefined ? 'without encryption' : 'with what the settings give';
  return failure('auth-method', `The server offers no way to sign in ${how} that we take.`);
}

async function go(way: Way, parts: SaslParts, dialogue: Dialogue): Promise<SignedIn> {
  const { mechanism, hash, binding } = way;
  const { username, password = '', authzid } = parts;
  const scram = hash && new Scram({ hash, user: username, password, binding });
  const first =
    scram?.first() ??
    (mechanism === 'PLAIN' ? `${authzid ?? ''}\0${username}\0${password}` : (authzid ?? ''));
  dialogue.send(xml('auth', { xmlns: saslNamespace, mechanism }, encoded(first)));
  /** What the server has been given, and has proved. */
  let proof: 'none' | 'given' | 'verified' = scram === undefined ? 'verified' : 'none';
  let steps = 0;
  for (;;) {
    const answer = await dialogue.next();
    if (answer === undefined) return 'ended';
    if (answer.is('failure', saslNamespace)) {
      const why = saslFailure(answer);
      const condition = conditionOf(answer, saslNamespace);
      const spent = mechanism === 'PLAIN' || proof === 'given' || why.remedy === 'retry';
      return { failure: why, ...(condition !== undefined && { condition }), unspent: !spent };
    }
    const last = answer.is('success', saslNamespace);
    if ((!last && !answer.is('challenge', saslNamespace)) || ++steps > 3) return odd;
    const said = decoded(answer.getText());
    try {
      if (scram !== undefined && proof === 'none' && !last) {
        dialogue.send(response(await scram.final(said)));
        proof = 'given';
      } else if (scram !== undefined && proof === 'given' && (said !== '' || last)) {
        scram.verify(said);
        proof = 'verified';
        if (!last) dialogue.send(response(''));
      } else if (!last) {
        // Some ask EXTERNAL for its answer after all.
        if (mechanism !== 'EXTERNAL') return odd;
        dialogue.send(response(authzid ?? ''));
      }
    } catch (error) {
      const why = error instanceof ScramError ? error.message : `${mechanism} cannot be computed.`;
      return refusal('auth-failed', why);
    }
    if (last) return proof === 'verified' ? 'done' : unproved;
  }
}

const odd = refusal('protocol-violation', 'The server does not sign in as it should.');
const unproved = refusal('auth-failed', 'The server did not prove that it knows the password.');

function refusal(code: ErrorCode, detail: string): { readonly failure: Failure } {
  return { failure: failure(code, detail) };
}

function response(text: string): Element {
  return xml('response', { xmlns: saslNamespace }, text === '' ? '' : encoded(text));
}

/** An initial response that is empty is written so that it is one (RFC 6120 §6.4.2). */
function encoded(text: string): string {
  return text === '' ? '=' : Buffer.from(text).toString('base64');
}

function decoded(text: string): string {
  return text.trim() === '=' ? '' : Buffer.from(text, 'base64').toString('utf8');
}
