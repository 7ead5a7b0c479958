/* How a resident watches an account: at the server, or by asking the account's own phone (RFC 3856). */
import {
  Dialog,
  Headers,
  parseParameterised,
  readPidf,
  requestOf,
  type Flow,
  type Incoming,
  type Pidf,
  type SipStack,
} from '#protocols/sip';
import type { Binding } from './registrar.js';
import { headersOf } from './requests.js';

export interface Watching {
  readonly standing: 'unknown' | 'pending' | 'active' | 'terminated';
  readonly pidf: Pidf | undefined;
  /** Takes what comes about it: whether it was. */
  takes(incoming: Incoming): boolean;
  /** The account has come, or come again. */
  came(): void;
  end(): void;
}

const expires = 600;

/** What is learnt at the server. */
export class WatchingServer implements Watching {
  standing: Watching['standing'] = 'unknown';
  pidf: Pidf | undefined = undefined;
  readonly #stop: () => void;

  constructor(
    begin: (
      tell: (standing: 'pending' | 'active' | 'terminated', pidf: Pidf | undefined) => void,
    ) => () => void,
  ) {
    this.#stop = begin((standing, pidf) => {
      this.standing = standing;
      this.pidf = pidf;
    });
  }

  takes(): boolean {
    return false;
  }

  came(): void {
    // The server knows without asking.
  }

  end(): void {
    this.#stop();
  }
}

interface Ends {
  readonly from: string;
  readonly to: string;
  stack(): SipStack | undefined;
  bindings(): readonly Binding[];
  contact(flow: Flow): string;
}

/** What the account's phone tells by NOTIFY. */
export class WatchingPhone implements Watching {
  standing: Watching['standing'] = 'unknown';
  pidf: Pidf | undefined = undefined;
  readonly #ends: Ends;
  #callId = '';
  #flow: Flow | undefined;
  #dialog: Dialog | undefined;

  constructor(ends: Ends) {
    this.#ends = ends;
    this.came();
  }

  came(): void {
    const [binding] = this.#ends.bindings();
    if (binding === undefined || binding.flow.id === this.#flow?.id) return;
    void this.#ask(binding);
  }

  async #ask({ uri, flow }: Binding): Promise<void> {
    const { from, to } = this.#ends;
    this.#flow = flow;
    const headers = Headers.from(
      headersOf('SUBSCRIBE', from, to, subscription(this.#ends.contact(flow), expires)),
    );
    const callId = headers.get('call-id') ?? '';
    this.#callId = callId;
    const answer = await this.#ends
      .stack()
      ?.request({ request: requestOf('SUBSCRIBE', uri, headers), hops: [flow] });
    if (this.#callId !== callId) return;
    if (answer?.answer !== 'response' || answer.response.status >= 300) {
      this.standing = 'terminated';
      this.#flow = undefined;
      return;
    }
    this.#dialog = Dialog.fromUac(answer.request, answer.response);
  }

  takes(incoming: Incoming): boolean {
    const { method, headers, body } = incoming.request;
    if (method !== 'NOTIFY' || headers.get('call-id') !== this.#callId) return false;
    const state = parseParameterised(headers.get('subscription-state') ?? '')?.value.toLowerCase();
    incoming.respond(200);
    if (state === 'active' || state === 'pending' || state === 'terminated') this.standing = state;
    const pidf = body.length === 0 ? undefined : readPidf(body);
    if (pidf !== undefined && !('fault' in pidf)) this.pidf = pidf;
    if (state === 'terminated') this.pidf = undefined;
    return true;
  }

  end(): void {
    const [dialog, flow] = [this.#dialog, this.#flow];
    if (dialog === undefined || flow === undefined) return;
    const headers = subscription(this.#ends.contact(flow), 0);
    void this.#ends.stack()?.request({ request: dialog.next('SUBSCRIBE', { headers }), hops: [flow] });
  }
}

function subscription(contact: string, seconds: number): Record<string, string> {
  return { event: 'presence', accept: 'application/pidf+xml', expires: String(seconds), contact };
}
