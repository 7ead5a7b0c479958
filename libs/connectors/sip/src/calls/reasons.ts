/* Why a call that rang came to its end, as the network says it. */
import type { CallState } from '#model';
import { parseNumber, parseParameterised, type Headers, type SipResponse } from '#protocols/sip';

const bySip: Readonly<Record<number, CallState>> = {
  200: 'answered-elsewhere',
  486: 'busy',
  600: 'busy',
  603: 'declined',
  607: 'declined',
  608: 'declined',
};

/** ITU-T Q.850: non-selected user clearing, user busy, call rejected. */
const byTelephony: Readonly<Record<number, CallState>> = {
  17: 'busy',
  21: 'declined',
  26: 'answered-elsewhere',
};

/** How a call ended that is cancelled, by its Reason (RFC 3326 §2); without one that says more, it was missed. */
export function cancelledAs(headers: Headers): CallState {
  return reasonIn(headers) ?? 'missed';
}

/** What a call of ours comes to by a response that refuses it: its status, or where that says little, its Reason (RFC 6432). */
export function refusedAs({ status, headers }: Pick<SipResponse, 'status' | 'headers'>): CallState {
  const state = (status < 300 ? undefined : bySip[status]) ?? reasonIn(headers);
  return state === undefined || state === 'answered-elsewhere' ? 'failed' : state;
}

function reasonIn(headers: Headers): CallState | undefined {
  for (const value of headers.list('reason')) {
    const reason = parseParameterised(value);
    const cause = reason?.params.get('cause');
    const number = parseNumber(typeof cause === 'string' ? cause : undefined);
    const states = reason?.value.toUpperCase() === 'SIP' ? bySip : byTelephony;
    const state = number === undefined ? undefined : states[number];
    if (state !== undefined) return state;
  }
  return undefined;
}
