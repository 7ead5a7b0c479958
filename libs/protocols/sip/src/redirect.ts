/* Where a redirection sends a request (RFC 3261 §8.1.3.4, §21.3). */
import type { Answer, Answered } from './ask.js';
import { formatCSeq, parseCSeq } from './headers/cseq.js';
import { parseNameAddr } from './headers/name-addr.js';
import { Headers } from './message-headers.js';
import type { SipRequest, SipResponse } from './message.js';
import { formatUri, parseUri, sameUri, type SipUri } from './uri.js';

/** How often one request is sent elsewhere: whoever is sent on and on goes round in circles. */
export const mostRedirections = 5;

/**
 * The place that a response names in its Contacts, the one that it likes best; a URI of SIP, without what it would have
 * a request say (§19.1.5).
 * @param asked what was asked for: who wanted it safe all the way is not led where it is not (§26.2.2).
 * @returns nothing where it names none, or no other than the one that was asked.
 */
export function redirectionOf(response: SipResponse, asked: SipUri): SipUri | undefined {
  let best: { readonly uri: SipUri; readonly q: number } | undefined;
  for (const value of response.headers.list('contact')) {
    const contact = parseNameAddr(value);
    const read = contact && parseUri(contact.uri);
    if (read === undefined || (read.scheme !== 'sips' && (read.scheme !== 'sip' || asked.scheme === 'sips')))
      continue;
    const params = new Map([...read.params].filter(([name]) => name !== 'method'));
    const uri: SipUri = { ...read, params, headers: [] };
    const q = preference(contact?.params.get('q'));
    if (!sameUri(uri, asked) && (best === undefined || q > best.q)) best = { uri, q };
  }
  return best?.uri;
}

/**
 * A request once more, where the answer to it sends it (300, 301, 302): the same Call-ID, From and To, and the next CSeq.
 * @param request as it was asked for: without what its way has added.
 * @returns nothing where the answer is no redirection, or leads nowhere.
 */
export function redirected(request: SipRequest, answer: Answered): SipRequest | undefined {
  const { response } = answer;
  const asked = parseUri(request.uri);
  if (asked === undefined || response.status < 300 || response.status > 302) return undefined;
  const uri = redirectionOf(response, asked);
  const sequence = parseCSeq(answer.request.headers.get('cseq') ?? '');
  if (uri === undefined || sequence === undefined) return undefined;
  const cseq = formatCSeq({ ...sequence, number: sequence.number + 1 });
  return { ...request, uri: formatUri(uri), headers: Headers.from(request.headers).set('cseq', cseq) };
}

/**
 * Asks, and asks again where the answers send it on to.
 * @param ask asks once; undefined where it could not.
 * @param goesOn whether it is still wanted.
 * @returns the last answer.
 */
export async function followed<A extends Answer | undefined>(
  request: SipRequest,
  ask: (request: SipRequest) => Promise<A>,
  goesOn: () => boolean = () => true,
): Promise<A> {
  let asked = request;
  let answer = await ask(asked);
  for (let more = mostRedirections; more > 0 && goesOn(); more--) {
    const next = answer?.answer === 'response' ? redirected(asked, answer) : undefined;
    if (next === undefined) break;
    asked = next;
    answer = await ask(asked);
  }
  return answer;
}

/** Between 0 and 1; without a word it is as good as any (§20.10). */
function preference(q: string | true | undefined): number {
  const value = typeof q === 'string' ? Number.parseFloat(q) : 1;
  return value >= 0 && value <= 1 ? value : 0;
}
