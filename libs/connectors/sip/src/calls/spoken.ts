/* What phones say of how they are to be heard and spoken to. It is passed on as it is; read where nothing is to come of it. */
import type { SipMessage } from '#protocols/sip';

/** A session description, or whatever else a phone has said. */
export interface Session {
  readonly type: string;
  readonly body: Buffer;
}

/** Nobody offers more streams than this. */
const mostStreams = 64;

/** What a message says of how its sender is to be heard; nothing where it has no body. */
export function sessionOf({ headers, body }: SipMessage): Session | undefined {
  return body.length === 0 ? undefined : { type: headers.get('content-type') ?? 'application/sdp', body };
}

/** The header fields that go with it. */
export function headersOf({ type }: Session): Readonly<Record<string, string>> {
  return { 'content-type': type };
}

/**
 * The answer to an offer that takes none of its streams (RFC 3264 §6): each of them with port 0.
 * @returns undefined for what is no offer that can be read.
 */
export function declined(offer: Session | undefined): Session | undefined {
  if (offer === undefined || !/^application\/sdp\s*(?:;|$)/i.test(offer.type)) return undefined;
  const lines = offer.body.toString('latin1').split(/\r\n|[\r\n]/);
  const streams = lines.filter((line) => line.startsWith('m=')).map((line) => line.split(' '));
  if (streams.length > mostStreams || streams.some((words) => words.length < 4)) return undefined;
  const answer = [
    'v=0',
    'o=- 0 0 IN IP4 0.0.0.0',
    's=-',
    'c=IN IP4 0.0.0.0',
    lines.find((line) => line.startsWith('t=')) ?? 't=0 0',
    ...streams.map(([kind = '', , ...rest]) => [kind, '0', ...rest].join(' ')),
  ];
  return { type: 'application/sdp', body: Buffer.from(`${answer.join('\r\n')}\r\n`, 'latin1') };
}
