/* By what messages find their transactions (RFC 3261 §17.1.3, §17.2.3). */
import { createHash, randomBytes } from 'node:crypto';
import { parseCSeq } from '../headers/cseq.js';
import { tagOf } from '../headers/name-addr.js';
import type { Via } from '../headers/via.js';
import type { SipRequest, SipResponse } from '../message.js';

/** What the branches of RFC 3261 begin with. */
const cookie = 'z9hG4bK';

/** Longer keys are held as their hash: their length is the peer's choice. */
const longestKey = 160;

/** A branch of ours, as no other is. */
export function newBranch(): string {
  return cookie + randomBytes(12).toString('hex');
}

/**
 * The transaction of a request, or, for ACK and CANCEL, the one that they are about.
 * @param method INVITE for an ACK, and for what a CANCEL cancels.
 */
export function serverKey(request: SipRequest, via: Via, method: string): string {
  const branch = via.params.get('branch');
  if (typeof branch === 'string' && isUnique(branch)) {
    return bounded(`${branch} ${via.host}:${String(via.port ?? '')} ${method}`);
  }
  return bounded(oldKey(request, method));
}

/** For clients of RFC 2543, whose branches are not unique. ACK's To has a tag that INVITE's had not: it is not looked at. */
function oldKey({ headers, uri }: SipRequest, method: string): string {
  const number = parseCSeq(headers.get('cseq') ?? '')?.number;
  const from = tagOf(headers.get('from')) ?? headers.get('from') ?? '';
  const top = headers.list('via')[0] ?? '';
  return `${uri} ${from} ${headers.get('call-id') ?? ''} ${String(number)} ${top} ${method}`;
}

function isUnique(branch: string): boolean {
  return branch.length > cookie.length && branch.slice(0, cookie.length).toLowerCase() === 'z9hg4bk';
}

/** What a response of ours is found by: ours because the branch is. */
export function clientKey(branch: string, method: string): string {
  return `${branch} ${method}`;
}

/** The transaction that a response is for; undefined where it has more than one Via, or none of use (§8.1.3.3). */
export function clientKeyOf(
  response: SipResponse,
  viaOf: (value: string) => Via | undefined,
): string | undefined {
  const vias = response.headers.list('via');
  const [top] = vias;
  if (vias.length !== 1 || top === undefined) return undefined;
  const branch = viaOf(top)?.params.get('branch');
  const method = parseCSeq(response.headers.get('cseq') ?? '')?.method;
  return typeof branch === 'string' && method !== undefined ? clientKey(branch, method) : undefined;
}

/** What the ACK of a 2xx is found by: it is a transaction of its own (§13.3.1.4). */
export function acknowledgementKey(request: SipRequest, localTag: string): string {
  const { headers } = request;
  const number = parseCSeq(headers.get('cseq') ?? '')?.number;
  const remoteTag = tagOf(headers.get('from')) ?? '';
  return bounded(`${headers.get('call-id') ?? ''} ${localTag} ${remoteTag} ${String(number)}`);
}

function bounded(key: string): string {
  return key.length <= longestKey ? key : createHash('sha256').update(key).digest('base64');
}
