/*
 * An account's registration with its server (RFC 3261 §10, 5626): made, kept, and taken back at the end. It is the way of
 * everything that the account says, and what it hears comes over it.
 */
import { randomBytes } from 'node:crypto';
import type { SessionContext } from '#connector';
import { Timers } from '#connector/session';
import { failure, type AccountId, type Failure } from '#model';
import {
  formatNameAddr,
  mostRedirections,
  parseNameAddr,
  parseSeconds,
  requestOf,
  sameUri,
  parseUri,
  type Answer,
  type Credentials,
  type Flow,
  type Hop,
  type SipRequest,
  type SipResponse,
  type SipUri,
} from '#protocols/sip';
import { registrationFailure, waitOf } from './failures.js';
import { newTag } from './line.js';
import { contactUri, type Seat } from './pool.js';
import { sentOnTo } from './registrar.js';
import { domainOf, uriOf } from './sip.addresses.js';
import type { SipTimings } from './timings.js';

const notKept = failure('server-shutdown', 'The server keeps no registration.');

export interface RegistrationOptions {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly seat: Seat;
  /** The account's own address. */
  readonly self: string;
  readonly credentials: Credentials | undefined;
  /** Seconds that are asked for. */
  readonly expires: number;
  readonly timings: SipTimings;
  /** Where the server is that a redirection names. */
  readonly places: (uri: SipUri) => Promise<readonly Hop[]>;
  /** It is over: the server does not answer, or has another mind. */
  readonly ended: (refusal: Refusal) => void;
}

/** What stands once the server has said yes. */
export interface Registered {
  readonly flow: Flow;
  readonly contact: string;
  /** Routes that requests of ours must take (RFC 3608). */
  readonly routes: readonly string[];
  /** Whether what is for us comes over the same flow, wherever our Contact seems to be (RFC 5626). */
  readonly isOutbound: boolean;
}

/** What a REGISTER says. */
interface Binding {
  readonly number: number;
  readonly expires: number;
  readonly former: string | undefined;
}

/** Why there is no registration. */
export interface Refusal {
  readonly failure: Failure;
  /** The server wants to be left alone for so long, in milliseconds (RFC 3261 §21.5.4). */
  readonly notForMs?: number;
}

/** The server's shortest time is believed up to so many seconds. */
const longestMinimum = 86_400;

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #timers: Timers;
  readonly #callId = randomBytes(16).toString('hex');
  readonly #fromTag = newTag();
  #cseq = 0;
  #checking = false;
  #expires: number;
  /** The Request-URI (§10.2). */
  #registrar: string;
  #registered: Registered | undefined;
  #stopKeeping: (() => void) | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#timers = new Timers(options.context.clock);
    this.#expires = options.expires;
    const uri = uriOf(options.self);
    this.#registrar = `${uri.slice(0, uri.indexOf(':'))}:${domainOf(options.self)}`;
  }

  get registered(): Registered | undefined {
    return this.#registered;
  }

  /**
   * Registers over the first of the places that answers. Never rejects.
   * @param former a Contact that an earlier session left behind: taken back with it, so that nobody waits for it.
   */
  async begin(hops: readonly Hop[], signal: AbortSignal, former?: string): Promise<Registered | Refusal> {
    let answer = await this.#ask(hops, signal, this.#expires, former);
    for (let more = mostRedirections; more > 0; more--) {
      const next = await sentOnTo(answer, this.#registrar, this.#options.places);
      if (next === undefined) break;
      this.#registrar = next.registrar;
      answer = await this.#ask(next.hops, signal, this.#expires, former);
    }
    const why = this.#judge(answer);
    if (why !== undefined || answer.answer === 'none') return why ?? refusalOf(answer);
    const { flow, response } = answer;
    this.#registered = {
      flow,
      contact: contactUri(this.#options.seat.name, flow),
      routes: response.headers.list('service-route'),
      isOutbound: isOutbound(response),
    };
    this.#keep(flow, response);
    return this.#registered;
  }

  /** Takes it back (§10.2.2), in the time that is given. Then it is over. */
  async end(withinMs: number): Promise<void> {
    const registered = this.#registered;
    this.stop();
    if (registered?.flow.isOpen !== true) return;
    const late = new AbortController();
    const cancel = this.#options.context.clock.after(withinMs, () => {
      late.abort();
    });
    await this.#ask([registered.flow], late.signal, 0);
    cancel();
  }

  /** Over, without a word. */
  stop(): void {
    this.#registered = undefined;
    this.#timers.clear();
    this.#stopKeeping?.();
    this.#stopKeeping = undefined;
  }

  async #ask(
    hops: readonly (Hop | Flow)[],
    signal: AbortSignal | undefined,
    expires: number,
    former?: string,
  ): Promise<Answer> {
    const { seat, credentials, timings } = this.#options;
    // The stack counts on by itself where it is challenged: each REGISTER has the number after the last (§10.2).
    const number = ++this.#cseq;
    const answer = await seat.stack.request({
      request: (flow) => this.#request(flow, { number, expires, former }),
      hops,
      ...(credentials !== undefined && { credentials }),
      ...(signal !== undefined && { signal }),
      timeoutMs: timings.register,
      failOver: 'always',
    });
    const used = answer.request?.headers.get('cseq');
    if (used !== undefined) this.#cseq = Math.max(this.#cseq, Number.parseInt(used, 10));
    const shortest =
      answer.answer === 'response' && answer.response.status === 423 ? minimumOf(answer.response) : undefined;
    if (shortest !== undefined && shortest > expires && expires > 0) {
      this.#expires = shortest;
      return this.#ask(hops, signal, shortest, former);
    }
    return answer;
  }

  #request(flow: Flow, { number, expires, former }: Binding): SipRequest {
    const { self, seat, account } = this.#options;
    const uri = uriOf(self);
    const contact = contactUri(seat.name, flow);
    const contacts = [
      `<${contact}>;+sip.instance="<urn:uuid:${account}>";reg-id=1;expires=${String(expires)}`,
      ...(former === undefined || former === contact ? [] : [`<${former}>;expires=0`]),
    ];
    return requestOf('REGISTER', this.#registrar, {
      from: formatNameAddr({ uri, params: new Map([['tag', this.#fromTag]]) }),
      to: `<${uri}>`,
      'call-id': this.#callId,
      cseq: `${String(number)} REGISTER`,
      contact: contacts,
      expires: String(expires),
      supported: 'path, outbound',
    });
  }

  #judge(answer: Answer): Refusal | undefined {
    if (answer.answer === 'none') return refusalOf(answer);
    const { flow, response } = answer;
    if (response.status < 200 || response.status >= 300) return refusalOf(answer);
    return this.#granted(response, flow) > 0 ? undefined : { failure: notKept };
  }

  /** Refreshes in good time (RFC 5626 §4.4.1, RFC 3261 §10.2.4), and shows signs of life between. */
  #keep(flow: Flow, response: SipResponse): void {
    const { context, timings } = this.#options;
    const seconds = this.#granted(response, flow);
    const lasts = seconds * 1_000;
    // In the last half, at a time of its own, so that a thousand accounts do not come at once.
    const due = lasts * (0.5 + context.random() * 0.35);
    this.#timers.set('refresh', Math.max(500, due), () => void this.#refresh(flow));
    this.#stopKeeping?.();
    const outbound = isOutbound(response);
    const timer = parseSeconds(response.headers.get('flow-timer'));
    const everyMs =
      timer === undefined ? timings.keepAlive : Math.min(timings.keepAlive, Math.max(5, timer) * 1_000);
    const broken = (detail: string): void => {
      if (this.#registered?.flow === flow)
        this.#over({ failure: failure('network-unreachable', `The connection was lost (${detail}).`) });
    };
    const stopPings = flow.keepAlive({ everyMs, outbound }, broken);
    const stopHearing = flow.ended(broken);
    // Signs of life need not be answered, unless that was agreed: a question is (RFC 3261 §11).
    if (!outbound) this.#probe(flow);
    this.#stopKeeping = () => {
      stopPings();
      stopHearing();
    };
  }

  /** Something that we said was not answered: asks whether the server is still there, and has us. */
  check(): void {
    const flow = this.#registered?.flow;
    if (flow === undefined || this.#checking) return;
    this.#checking = true;
    void this.#refresh(flow).finally(() => {
      this.#checking = false;
    });
  }

  #probe(flow: Flow): void {
    const { context, timings, seat, self } = this.#options;
    this.#timers.set('probe', timings.probe * (0.8 + context.random() * 0.2), () => {
      const domain = `sip:${domainOf(self)}`;
      const from = formatNameAddr({ uri: uriOf(self), params: new Map([['tag', newTag()]]) });
      const request = requestOf('OPTIONS', domain, {
        from,
        to: `<${domain}>`,
        'call-id': randomBytes(16).toString('hex'),
        cseq: '1 OPTIONS',
      });
      void seat.stack.request({ request, hops: [flow], timeoutMs: timings.register }).then((answer) => {
        if (this.#registered?.flow !== flow) return;
        // Whatever it says, it is there.
        if (answer.answer === 'none') this.#over(refusalOf(answer));
        else this.#probe(flow);
      });
    });
  }

  async #refresh(flow: Flow): Promise<void> {
    const answer = await this.#ask([flow], undefined, this.#expires);
    if (this.#registered?.flow !== flow) return;
    const why = this.#judge(answer);
    if (why !== undefined) this.#over(why);
    else if (answer.answer === 'response') this.#keep(flow, answer.response);
  }

  #over(refusal: Refusal): void {
    this.stop();
    this.#options.ended(refusal);
  }

  /** What the server granted, in seconds: beside our Contact, for all, or as we asked (§10.2.4). */
  #granted(response: SipResponse, flow: Flow): number {
    const ours = parseUri(contactUri(this.#options.seat.name, flow));
    for (const value of response.headers.list('contact')) {
      const contact = parseNameAddr(value);
      const uri = contact && parseUri(contact.uri);
      if (uri === undefined || ours === undefined || !(sameUri(uri, ours) || uri.user === ours.user))
        continue;
      const expires = contact?.params.get('expires');
      const seconds = typeof expires === 'string' ? parseSeconds(expires) : undefined;
      if (seconds !== undefined) return seconds;
    }
    return parseSeconds(response.headers.get('expires')) ?? this.#expires;
  }
}

function refusalOf(answer: Answer): Refusal {
  const wait = answer.answer === 'response' ? waitOf(answer.response) : undefined;
  return { failure: registrationFailure(answer), ...(wait !== undefined && { notForMs: wait }) };
}

/** Whether a registrar does as RFC 5626 §6 says. */
function isOutbound({ headers }: SipResponse): boolean {
  return headers.tokens('require').includes('outbound') || headers.has('flow-timer');
}

function minimumOf(response: SipResponse): number | undefined {
  const seconds = parseSeconds(response.headers.get('min-expires'));
  return seconds === undefined ? undefined : Math.min(seconds, longestMinimum);
}
