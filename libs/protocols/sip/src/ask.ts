/* One request over its hops: failover (RFC 3263 §4.3), challenges (RFC 3261 §22), and TCP for what is too long for UDP (§18.1.1). */
import { buildMessage } from './build.js';
import type { Attempt, Credentials, Refused } from './credentials.js';
import { formatCSeq, parseCSeq } from './headers/cseq.js';
import type { SipRequest, SipResponse } from './message.js';
import { Headers } from './message-headers.js';
import { newBranch } from './transactions/keys.js';
import { bracketed } from './transport/addresses.js';
import { Flow } from './transport/flow.js';
import { NotSent, type Hop } from './transport/places.js';

export interface Ask {
  /**
   * Without Via; with From and its tag, To, Call-ID and CSeq. Max-Forwards and User-Agent are added where they are missing. A
   * function is asked for it once for each flow that is tried: a Contact depends on that.
   */
  readonly request: SipRequest | ((flow: Flow) => SipRequest);
  /** Tried in their order; a flow is used as it stands. */
  readonly hops: readonly (Hop | Flow)[];
  /** Who answers a 401 or 407; without them those are the answer. */
  readonly credentials?: Credentials;
  readonly signal?: AbortSignal;
  /** How long to wait for a final response, for each try, in place of 64*T1; not for INVITE. */
  readonly timeoutMs?: number;
  /**
   * When the next hop is tried: usually where nothing has left for the one before, or it said 503. `always`: where nobody
   * answered, too; then the request may be done twice.
   */
  readonly failOver?: 'always' | 'unless-it-may-have-left';
}

export type Answer = Answered | Unanswered;

export interface Answered {
  readonly answer: 'response';
  /** Final. */
  readonly response: SipResponse;
  readonly flow: Flow;
  /** As it went out at last: with Via, CSeq, credentials. */
  readonly request: SipRequest;
  /** With a 401 or 407: whether our credentials were refused, or there is no challenge that they can answer. */
  readonly unauthorised?: Refused;
}

export interface Unanswered {
  readonly answer: 'none';
  readonly why: 'not-sent' | 'timeout' | 'broken' | 'aborted';
  /** Whether something may have reached the other side. */
  readonly left: boolean;
  readonly detail: string;
  /** The system's code, where it is the system that refused. */
  readonly code?: string;
  readonly flow?: Flow;
  readonly request?: SipRequest;
}

/** Puts one request on a flow and waits for what comes of it. */
export type Carry = (request: SipRequest, bytes: Buffer, flow: Flow) => Promise<Answer>;

/** Where asks find their flows. */
export interface Ways {
  readonly userAgent: string;
  flowTo(hop: Hop, signal?: AbortSignal): Promise<Flow>;
  /** Places that refused TCP lately. */
  readonly datagramsOnly: Refusals;
}

/** Octets above which a request does not go by UDP, where the path is not known (§18.1.1). */
const mostOverUdp = 1_300;

export class Asking {
  readonly #ways: Ways;
  readonly #ask: Ask;
  readonly #carry: Carry;
  readonly #attempt: Attempt | undefined;
  /** How far challenges have raised the CSeq. */
  #raised = 0;

  constructor(ways: Ways, ask: Ask, carry: Carry) {
    this.#ways = ways;
    this.#ask = ask;
    this.#carry = carry;
    this.#attempt = ask.credentials?.attempt();
  }

  async run(): Promise<Answer> {
    let best: Answer = unanswered('not-sent', 'there is nowhere to send it to');
    for (const hop of this.#ask.hops) {
      if (this.#ask.signal?.aborted === true) {
        best = better(best, unanswered('aborted', 'given up'));
        break;
      }
      const answer = await this.#try(hop);
      best = better(best, answer);
      if (!this.#goesOn(answer)) break;
    }
    return best;
  }

  #goesOn(answer: Answer): boolean {
    if (answer.answer === 'response') return answer.response.status === 503;
    if (answer.why === 'aborted') return false;
    return !answer.left || this.#ask.failOver === 'always';
  }

  async #try(hop: Hop | Flow): Promise<Answer> {
    try {
      if (hop instanceof Flow) return await this.#over(hop, undefined);
      return await this.#over(await this.#ways.flowTo(hop, this.#ask.signal), hop);
    } catch (error) {
      if (this.#ask.signal?.aborted === true) return unanswered('aborted', 'given up');
      const { message, code } = NotSent.from(error);
      return { ...unanswered('not-sent', message), ...(code !== undefined && { code }) };
    }
  }

  async #streamInstead(hop: Hop): Promise<Flow | undefined> {
    const { datagramsOnly } = this.#ways;
    if (datagramsOnly.has(hop)) return undefined;
    try {
      return await this.#ways.flowTo({ ...hop, transport: 'tcp' }, this.#ask.signal);
    } catch {
      datagramsOnly.add(hop);
      return undefined;
    }
  }

  /** One hop, and whoever challenges us there. */
  async #over(first: Flow, hop: Hop | undefined): Promise<Answer> {
    let flow = first;
    let request = this.#signed(flow, hop);
    for (;;) {
      let bytes = buildMessage(request);
      // With credentials too: they may make it too long.
      const isLong = hop !== undefined && flow.transport === 'udp' && bytes.length > mostOverUdp;
      const stream = isLong ? await this.#streamInstead(hop) : undefined;
      if (stream !== undefined) {
        flow = stream;
        request = this.#signed(flow, hop);
        bytes = buildMessage(request);
      }
      const answer = await this.#carry(request, bytes, flow);
      if (answer.answer === 'none' || this.#attempt === undefined) return answer;
      const { response } = answer;
      this.#attempt.learn(response);
      if (response.status !== 401 && response.status !== 407) return answer;
      if (this.#ask.signal?.aborted === true) return answer;
      this.#raised++;
      const again = this.#attempt.again(this.#dressed(flow, hop), response);
      if (typeof again === 'string') return { ...answer, unauthorised: again };
      request = again;
    }
  }

  #signed(flow: Flow, hop: Hop | undefined): SipRequest {
    const unsigned = this.#dressed(flow, hop);
    return this.#attempt?.anticipate(unsigned) ?? unsigned;
  }

  /** The request as it goes out on a flow, but for credentials. */
  #dressed(flow: Flow, hop: Hop | undefined): SipRequest {
    const { request: asked } = this.#ask;
    const request = typeof asked === 'function' ? asked(flow) : asked;
    const headers = Headers.from(request.headers);
    const sequence = parseCSeq(headers.get('cseq') ?? '');
    if (sequence === undefined) throw new TypeError('a request needs a CSeq');
    if (this.#raised > 0) {
      headers.set('cseq', formatCSeq({ ...sequence, number: sequence.number + this.#raised }));
    }
    if (!headers.has('max-forwards')) headers.add('max-forwards', '70');
    if (!headers.has('user-agent')) headers.add('user-agent', this.#ways.userAgent);
    headers.prepend('via', viaOf(flow, newBranch(), hop));
    return { ...request, headers };
  }
}

/** Our Via (§18.1.1; RFC 3581 §3). @param hop says where we listen, where that is not the flow's own port. */
export function viaOf({ transport, local }: Flow, branch: string, hop?: Hop): string {
  const port = transport === 'udp' ? local.port : (hop?.from?.port ?? local.port);
  const rport = transport === 'udp' ? ';rport' : '';
  return `SIP/2.0/${transport.toUpperCase()} ${bracketed(local.address)}:${String(port)};branch=${branch}${rport}`;
}

export function unanswered(why: 'not-sent' | 'aborted', detail: string): Unanswered {
  return { answer: 'none', why, left: false, detail };
}

/** What to tell of two tries: an answer, else that something may have left, else that nobody had time, else the last. */
function better(before: Answer, now: Answer): Answer {
  return worth(before) > worth(now) ? before : now;
}

function worth(answer: Answer): number {
  if (answer.answer === 'response') return answer.response.status === 503 ? 1 : 3;
  return answer.left ? 2 : 0;
}

/** How long it is believed that a place takes no TCP. */
const refusedMs = 300_000;
const mostRefusals = 1_024;

/** Places that take datagrams only, for a time. */
export class Refusals {
  readonly #now: () => number;
  readonly #until = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  add({ address, port }: Hop): void {
    for (const oldest of this.#until.keys()) {
      if (this.#until.size < mostRefusals) break;
      this.#until.delete(oldest);
    }
    this.#until.set(`${address} ${String(port)}`, this.#now() + refusedMs);
  }

  has({ address, port }: Hop): boolean {
    return (this.#until.get(`${address} ${String(port)}`) ?? 0) > this.#now();
  }
}
