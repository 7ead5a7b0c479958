/* The phone of a resident: one call at a time, with words about sound that nobody makes (RFC 3261 §13 to 15). */
import {
  Dialog,
  Headers,
  requestOf,
  type Flow,
  type Incoming,
  type InviteHandle,
  type SipResponse,
  type SipStack,
} from '#protocols/sip';
import type { Binding } from './registrar.js';
import { headersOf, userIn } from './requests.js';

export type PhoneState = 'idle' | 'calling' | 'ringing' | 'answered';

export interface PhoneLine {
  readonly address: string;
  stack(): SipStack | undefined;
  bindings(user: string): readonly Binding[];
  contact(flow: Flow): string;
}

const sdp = (user: string): string =>
  `v=0\r\no=${user} 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n`;
const elsewhere = { reason: 'SIP;cause=200;text="Call completed elsewhere"' };

interface Talk {
  readonly dialog: Dialog;
  readonly flow: Flow;
}

export class Phone {
  readonly #line: PhoneLine;
  #state: PhoneState = 'idle';
  #rings: Incoming | undefined;
  #calls: readonly InviteHandle[] = [];
  #talk: Talk | undefined;

  constructor(line: PhoneLine) {
    this.#line = line;
  }

  get state(): PhoneState {
    return this.#state;
  }

  /** Calls an account, on all that it is registered with; who answers first has the call. */
  ring(address: string): void {
    if (this.#state !== 'idle') throw new Error(`${this.#line.address} is on the phone already`);
    const stack = this.#line.stack();
    const bindings = this.#line.bindings(userIn(`sip:${address}`));
    if (stack === undefined || bindings.length === 0) return;
    this.#state = 'calling';
    // All branches of a fork have the same From, To and Call-ID (§16.6).
    const headers = headersOf('INVITE', this.#line.address, address, {
      'content-type': 'application/sdp',
    });
    const handles = bindings.map(({ uri, flow }) =>
      stack.invite({
        request: requestOf(
          'INVITE',
          uri,
          Headers.from(headers).add('contact', this.#line.contact(flow)),
          sdp('caller'),
        ),
        hops: [flow],
      }),
    );
    this.#calls = handles;
    let left = handles.length;
    for (const handle of handles) {
      void handle.answer.then((answer) => {
        left--;
        if (answer.answer === 'response' && answer.response.status < 300) {
          this.#accepted(handle, handles, answer.request, answer.response, answer.flow);
        } else if (left === 0 && this.#calls === handles && this.#state === 'calling') this.#idle();
      });
    }
  }

  /** Takes an INVITE: whether the phone rings, or is busy. */
  take(incoming: Incoming): boolean {
    if (this.#state !== 'idle') {
      incoming.respond(486);
      return false;
    }
    this.#state = 'ringing';
    this.#rings = incoming;
    incoming.cancelled = () => {
      if (this.#rings === incoming) this.#idle();
    };
    incoming.respond(180, { headers: { contact: this.#line.contact(incoming.flow) } });
    return true;
  }

  /** Answers what rings. */
  pickUp(): void {
    const incoming = this.#rings;
    if (incoming === undefined) throw new Error(`${this.#line.address} is not rung`);
    this.#rings = undefined;
    const response = incoming.respond(200, this.#sound(incoming.flow));
    const dialog = Dialog.fromUas(incoming.request, response);
    if (dialog === undefined) {
      this.#idle();
      return;
    }
    this.#state = 'answered';
    this.#talk = { dialog, flow: incoming.flow };
    incoming.unacked = () => {
      if (this.#talk?.dialog === dialog) this.hangUp();
    };
  }

  /** Ends the call, gives it up, or does not want it. */
  hangUp(): void {
    this.#rings?.respond(603);
    if (this.#state === 'calling') for (const call of this.#calls) call.cancel();
    if (this.#talk !== undefined) this.#bye(this.#talk);
    this.#idle();
  }

  /** Takes what comes in a call: whether it is of this one. */
  takeInside(incoming: Incoming): boolean {
    const talk = this.#talk;
    if (talk === undefined) return false;
    const order = talk.dialog.receives(incoming.request);
    if (order === 'not-mine') return false;
    if (order === 'out-of-order') incoming.respond(500);
    else if (incoming.request.method === 'BYE') {
      incoming.respond(200);
      this.#idle();
    } else if (incoming.request.method === 'INVITE') incoming.respond(200, this.#sound(incoming.flow));
    else incoming.respond(200);
    return true;
  }

  #accepted(
    handle: InviteHandle,
    all: readonly InviteHandle[],
    request: Parameters<typeof Dialog.fromUac>[0],
    response: SipResponse,
    flow: Flow,
  ): void {
    handle.ack(response);
    const dialog = Dialog.fromUac(request, response);
    if (dialog === undefined) return;
    if (this.#calls !== all || this.#state !== 'calling') {
      // Answered as it was given up, or by two at once.
      this.#bye({ dialog, flow });
      return;
    }
    this.#state = 'answered';
    this.#talk = { dialog, flow };
    for (const other of all) if (other !== handle) other.cancel(elsewhere);
  }

  #bye({ dialog, flow }: Talk): void {
    void this.#line.stack()?.request({ request: dialog.next('BYE'), hops: [flow] });
  }

  #sound(flow: Flow): { headers: Record<string, string>; body: string } {
    const contact = this.#line.contact(flow);
    return { headers: { contact, 'content-type': 'application/sdp' }, body: sdp('callee') };
  }

  #idle(): void {
    this.#state = 'idle';
    this.#rings = undefined;
    this.#talk = undefined;
    this.#calls = [];
  }
}
