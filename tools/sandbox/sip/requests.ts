/* Requests and URIs as residents and the server make them. */
import { randomBytes } from 'node:crypto';
import { escapeUser, Headers, parseNameAddr, parseUri, unescaped, type Flow } from '#protocols/sip';

export function newTag(): string {
  return randomBytes(6).toString('hex');
}

/** The URI of `alice@sip.sandbox`. */
export function uriOf(address: string): string {
  const at = address.lastIndexOf('@');
  return `sip:${escapeUser(address.slice(0, at))}@${address.slice(at + 1)}`;
}

/** `alice@sip.sandbox` of a URI, or of a From or To. */
export function addressIn(text: string): string {
  const uri = parseUri(parseNameAddr(text)?.uri ?? text);
  return uri === undefined ? text : `${unescaped(uri.user ?? '')}@${uri.host}`;
}

export function userIn(text: string): string {
  const address = addressIn(text);
  return address.slice(0, address.lastIndexOf('@'));
}

/** The headers of a request out of a dialog; the same request again has the same. */
export function headersOf(
  method: string,
  from: string,
  to: string,
  more: Readonly<Record<string, string>> = {},
): Headers {
  const headers = new Headers([
    ['from', `<${uriOf(from)}>;tag=${newTag()}`],
    ['to', `<${uriOf(to)}>`],
    ['call-id', `${randomBytes(12).toString('hex')}@sandbox`],
    ['cseq', `1 ${method}`],
  ]);
  for (const [name, value] of Object.entries(more)) headers.add(name, value);
  return headers;
}

/** Where somebody of the sandbox is reached: by the way that leads to whom it is told. */
export function contactOf(
  user: string,
  { transport }: Flow,
  ports: { readonly port: number; readonly tlsPort: number | undefined },
): string {
  const port = transport === 'tls' ? ports.tlsPort : ports.port;
  return `<sip:${escapeUser(user)}@127.0.0.1:${String(port)};transport=${transport}>`;
}
