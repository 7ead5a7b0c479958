/* Responses as they follow from their requests (RFC 3261 §8.2.6). */
import { createHash, randomBytes } from 'node:crypto';
import { tagOf } from './headers/name-addr.js';
import { formatVia, type Via } from './headers/via.js';
import { responseOf, type SipRequest, type SipResponse } from './message.js';
import { Headers } from './message-headers.js';
import { reasonOf } from './statuses.js';
import { withoutZone } from './transport/addresses.js';
import type { Flow } from './transport/flow.js';

/** What a response says besides what follows from its request. */
export interface Reply {
  /** Where none is given, what the status is called. */
  readonly reason?: string;
  readonly headers?: Headers | Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | string;
}

/** Requests that a dialog begins with: then the way back is the way there (§12.1.1; RFC 3515, 6665). */
const dialogMakers = new Set(['INVITE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

export function newTag(): string {
  return randomBytes(8).toString('hex');
}

/** The tag of responses that nobody keeps a transaction for: the same for each retransmission (§8.2.7). */
export function statelessTag(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}

/**
 * The response to a request: Via, From, To, Call-ID, CSeq, and where it may make a dialog Record-Route, are the request's.
 * @param tag of To, where that has none; a 100 has no need of it.
 */
export function responseTo(
  request: SipRequest,
  status: number,
  { reason, headers = {}, body }: Reply,
  tag: string,
  server: string,
): SipResponse {
  const { headers: asked, method } = request;
  const copied = new Headers();
  for (const via of asked.all('via')) copied.add('via', via);
  const toDialog = status > 100 && status < 300 && dialogMakers.has(method);
  if (toDialog) for (const route of asked.all('record-route')) copied.add('record-route', route);
  copied.add('from', asked.get('from') ?? '');
  const to = asked.get('to') ?? '';
  copied.add('to', status === 100 || tagOf(to) !== undefined ? to : `${to};tag=${tag}`);
  copied.add('call-id', asked.get('call-id') ?? '');
  copied.add('cseq', asked.get('cseq') ?? '');
  const timestamp = asked.get('timestamp');
  if (status === 100 && timestamp !== undefined) copied.add('timestamp', timestamp);
  for (const [name, value] of Headers.from(headers)) copied.add(name, value);
  if (!copied.has('server')) copied.add('server', server);
  return responseOf(status, reason ?? reasonOf(status), copied, body);
}

/** Writes into the topmost Via where the request really came from (§18.2.1; RFC 3581 §4). */
export function noteSource(request: SipRequest, via: Via, { remote }: Flow): void {
  const address = withoutZone(remote.address);
  const wantsPort = via.params.has('rport');
  // With rport, received is always said.
  if (!wantsPort && via.host === address && !via.params.has('received')) return;
  const params = new Map(via.params);
  params.set('received', address);
  if (wantsPort) params.set('rport', String(remote.port));
  const { headers } = request;
  const [, ...others] = headers.list('via');
  headers.set('via', [formatVia({ ...via, params }), ...others].join(', '));
}
