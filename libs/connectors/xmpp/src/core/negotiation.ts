/*
 * From nothing to a stream that is signed in (RFC 6120 §4.3): connected, encrypted, authenticated, begun anew. Binding a
 * resource or resuming an earlier stream comes after, with the features that are handed over. The account can be made on
 * the way, where the settings want that and the server allows it (XEP-0077).
 */
import { showsCertificate } from '#connector/session';
import { failure, type Failure } from '#model';
import { reach, Refused, strangerBytes, type ReachOptions } from './reach.js';
import { offersRegistration, register } from './registration.js';
import { signIn, type SaslMechanism, type SignedIn } from './sasl.js';
import { OutOfStep, type Steps } from './steps.js';
import { streamNamespace, type StreamReaderLimits } from './stream-reader.js';
import type { ServerTarget, Stream } from './stream.js';
import type { XmlStream } from './xml-stream.js';
import { xml, type Element } from './xml.js';

const tlsNamespace = 'urn:ietf:params:xml:ns:xmpp-tls';

export interface NegotiateOptions extends ReachOptions {
  /** The local part of the account. */
  readonly username: string;
  /** Whom to act as, where that is somebody else; a bare JID. */
  readonly authzid?: string;
  readonly password?: string;
  /** False: nothing is encrypted, by the person's own will. PLAIN is not spoken then. */
  readonly encrypted: boolean;
  /** Whether to make the account where signing in is refused. */
  readonly register: boolean;
  /** The one mechanism that the person allows; all where they named none. */
  readonly mechanism?: SaslMechanism;
}

/**
 * A stream that is signed in and has not been heard yet, with the features that it offers now; or why there is none. Who
 * is sent elsewhere gets the place, and goes there by a turn of its own, a few times at most.
 */
export type Negotiated =
  | { readonly ok: true; readonly stream: Stream; readonly features: Element }
  | { readonly ok: false; readonly failure: Failure; readonly seeOther?: ServerTarget };

/** Connects and signs in. Never rejects; nothing is left open where it fails. */
export async function negotiate(options: NegotiateOptions): Promise<Negotiated> {
  const reached = await reach(options, (stream, steps) => signedIn(options, stream, steps));
  return reached.ok ? { ok: true, stream: reached.stream, features: reached.result } : reached;
}

async function signedIn(options: NegotiateOptions, stream: XmlStream, steps: Steps): Promise<Element> {
  const { domain, encrypted, target } = options;
  let features = await begun(stream, steps, domain);
  if (encrypted && !target.directTls) {
    await secure(features, stream, steps);
    features = await begun(stream, steps, domain);
  }
  const dialogue = {
    send: (element: Element) => {
      stream.send(element);
    },
    next: () => steps.element(),
  };
  const { username, authzid, password, tls, mechanism } = options;
  const parts = {
    secured: stream.secured,
    username,
    ...(authzid !== undefined && { authzid }),
    ...(password !== undefined && { password }),
    ...(mechanism !== undefined && { only: mechanism }),
    certificate: stream.secure && showsCertificate({ ...tls, host: domain }),
  };
  let outcome = await signIn({ ...parts, features }, dialogue);
  if (mayRegister(options, outcome, stream, features)) {
    const refused = await register({ domain, username, password: password ?? '' }, dialogue);
    if (refused !== undefined && refused !== 'ended') throw new Refused(refused);
    outcome = refused ?? (await signIn({ ...parts, features }, dialogue));
  }
  if (outcome === 'ended') throw new OutOfStep();
  if (outcome !== 'done') throw new Refused(outcome.failure);
  if (stream.isAhead) throw new Refused(tooEarly);
  return begun(stream, steps, domain, {});
}

/**
 * The account is made where the server does not know it or takes another password for it (which it does not tell apart),
 * and in TLS only: the new password goes to the server as it is.
 */
function mayRegister(
  options: NegotiateOptions,
  outcome: SignedIn,
  stream: XmlStream,
  features: Element,
): boolean {
  if (!options.register || options.password === undefined || !stream.secure) return false;
  const unknown = typeof outcome === 'object' && outcome.condition === 'not-authorized';
  return unknown && offersRegistration(features);
}

/** Begins the stream, or begins it anew; the features that the server answers with. */
async function begun(
  stream: XmlStream,
  steps: Steps,
  domain: string,
  limits: Partial<StreamReaderLimits> = { stanzaBytes: strangerBytes },
): Promise<Element> {
  stream.begin({ to: domain, content: 'jabber:client', limits });
  const header = await steps.header();
  if (header.version === undefined || !/^[1-9]\d*\./.test(header.version)) {
    throw new Refused(failure('protocol-violation', 'The server speaks an XMPP from before 1.0.'));
  }
  const features = await steps.element();
  if (features === undefined) throw new OutOfStep();
  if (!features.is('features', streamNamespace)) {
    throw new Refused(failure('protocol-violation', 'The server does not say what it can do.'));
  }
  return features;
}

/** STARTTLS (RFC 6120 §5). */
async function secure(features: Element, stream: XmlStream, steps: Steps): Promise<void> {
  if (features.getChild('starttls', tlsNamespace) === undefined) {
    throw new Refused(failure('tls-untrusted', 'The server offers no encryption.'));
  }
  stream.send(xml('starttls', { xmlns: tlsNamespace }));
  const answer = await steps.element();
  if (answer === undefined) throw new OutOfStep();
  if (!answer.is('proceed', tlsNamespace)) {
    throw new Refused(failure('network-unreachable', 'The server cannot encrypt now.'));
  }
  if (!stream.upgrade()) throw new Refused(tooEarly);
  await steps.opened();
}

const tooEarly = failure('protocol-violation', 'The server said more than it was its turn to.');
