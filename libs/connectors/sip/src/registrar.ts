/* Where a redirection sends a REGISTER (RFC 3261 §8.1.3.4). */
import { formatUri, parseUri, redirectionOf, type Answer, type Hop, type SipUri } from '#protocols/sip';

/** Another registrar, or another way to the same. */
export interface Registrar {
  /** The Request-URI. */
  readonly registrar: string;
  readonly hops: readonly Hop[];
}

/**
 * @param registrar that was asked.
 * @param places of a URI; none where there is no way to it.
 * @returns nothing where it is sent nowhere. Who has asked over TLS is not led where anybody listens.
 */
export async function sentOnTo(
  answer: Answer,
  registrar: string,
  places: (uri: SipUri) => Promise<readonly Hop[]>,
): Promise<Registrar | undefined> {
  const asked = parseUri(registrar);
  if (answer.answer === 'none' || asked === undefined) return undefined;
  const { flow, response } = answer;
  const uri = [301, 302, 305].includes(response.status) ? redirectionOf(response, asked) : undefined;
  if (uri === undefined) return undefined;
  const all = await places(uri);
  const hops = flow.transport === 'tls' ? all.filter(({ transport }) => transport === 'tls') : all;
  if (hops.length === 0) return undefined;
  const { scheme, host, port } = uri;
  const another: SipUri = { scheme, host, ...(port && { port }), params: new Map(), headers: [] };
  // With 305 it is only the way that is another (§21.3.4).
  return { registrar: response.status === 305 ? registrar : formatUri(another), hops };
}
