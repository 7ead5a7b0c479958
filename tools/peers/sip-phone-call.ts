/* The receiver of a phone of tests: it rings, is picked up and put down (RFC 3261 §13 to §15). Nothing is heard through it. */
import {
  addressOf,
  fieldOf,
  fieldsOf,
  freshWord,
  partOf,
  tagOf,
  type PhoneMessage,
  type PhoneRequest,
  type PhoneWire,
} from './sip-phone-wire.js';

/** `calling`: in a call that the other end has not answered. */
export type PhoneState = 'idle' | 'calling' | 'ringing' | 'answered';

/** An end of a call, and what both ends call it. */
interface Dialog {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
  readonly target: string;
  readonly routes: readonly string[];
  number: number;
}

const session =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n';

export class SipPhoneCall {
  state: PhoneState = 'idle';
  readonly #self: string;
  readonly #wire: () => PhoneWire;
  readonly #tag = freshWord();
  #incoming: PhoneMessage | undefined;
  #cancel: (() => void) | undefined;
  #dialog: Dialog | undefined;

  constructor(self: string, wire: () => PhoneWire) {
    this.#self = self;
    this.#wire = wire;
  }

  ring(address: string): void {
    this.state = 'calling';
    const callId = freshWord();
    const request: PhoneRequest = {
      method: 'INVITE',
      uri: `sip:${address}`,
      fields: [
        ['from', `<sip:${this.#self}>;tag=${freshWord()}`],
        ['to', `<sip:${address}>`],
        ['call-id', callId],
        ['cseq', '1 INVITE'],
        ...this.#offer().fields,
      ],
      body: session,
    };
    void this.#call(request);
  }

  pickUp(): void {
    const request = this.#incoming;
    if (request === undefined) return;
    this.#incoming = undefined;
    this.#wire().answer(request, '200 OK', { tag: this.#tag, ...this.#offer() });
    this.#dialog = {
      callId: fieldOf(request, 'call-id'),
      local: `${fieldOf(request, 'to')};tag=${this.#tag}`,
      remote: fieldOf(request, 'from'),
      target: uriOf(fieldOf(request, 'contact')),
      routes: fieldsOf(request, 'record-route'),
      number: 100,
    };
    this.state = 'answered';
  }

  hangUp(): void {
    if (this.#incoming !== undefined) {
      this.#wire().answer(this.#incoming, '603 Decline', { tag: this.#tag });
      this.#incoming = undefined;
    } else if (this.#dialog !== undefined) {
      void this.#wire().ask(within(this.#dialog, 'BYE'));
      this.#dialog = undefined;
    } else this.#cancel?.();
    this.state = 'idle';
  }

  /** Whether a request is about calls, and was taken. */
  take(method: string, request: PhoneMessage): boolean {
    switch (method) {
      case 'INVITE':
        this.#invited(request);
        return true;
      case 'ACK':
        return true;
      case 'CANCEL': {
        this.#wire().answer(request, '200 OK');
        const rings = this.#incoming;
        if (rings !== undefined && fieldOf(rings, 'call-id') === fieldOf(request, 'call-id')) {
          this.#wire().answer(rings, '487 Request Terminated', { tag: this.#tag });
          this.#incoming = undefined;
          this.state = 'idle';
        }
        return true;
      }
      case 'BYE': {
        const isOurs = this.#dialog?.callId === fieldOf(request, 'call-id');
        this.#wire().answer(request, isOurs ? '200 OK' : '481 Call/Transaction Does Not Exist');
        if (isOurs) {
          this.#dialog = undefined;
          this.state = 'idle';
        }
        return true;
      }
      default:
        return false;
    }
  }

  #invited(request: PhoneMessage): void {
    if (tagOf(fieldOf(request, 'to')) !== undefined) {
      // Inside the call: what is offered is taken as it is.
      this.#wire().answer(request, '200 OK', this.#offer());
    } else if (this.state === 'idle') {
      this.#incoming = request;
      this.state = 'ringing';
      this.#wire().answer(request, '180 Ringing', {
        tag: this.#tag,
        fields: [['contact', this.#wire().contact]],
      });
    } else this.#wire().answer(request, '486 Busy Here');
  }

  #offer(): Required<Pick<PhoneRequest, 'fields' | 'body'>> {
    return {
      fields: [
        ['contact', this.#wire().contact],
        ['content-type', 'application/sdp'],
      ],
      body: session,
    };
  }

  async #call(request: PhoneRequest): Promise<void> {
    const wire = this.#wire();
    const answer = await wire.ask(request, (sent, branch) => {
      this.#cancel = () => {
        wire.tell(partOf(sent, 'CANCEL'), branch);
      };
    });
    this.#cancel = undefined;
    if (answer === undefined) return;
    const isTaken = /^SIP\/2\.0 2/.test(answer.start);
    const dialog: Dialog = {
      callId: fieldOf(answer, 'call-id'),
      local: fieldOf(answer, 'from'),
      remote: fieldOf(answer, 'to'),
      target: isTaken ? uriOf(fieldOf(answer, 'contact')) : request.uri,
      routes: fieldsOf(answer, 'record-route').toReversed(),
      number: Number(/^\d+/.exec(fieldOf(answer, 'cseq'))?.[0] ?? 1),
    };
    if (!isTaken) {
      if (this.#dialog === undefined && this.#incoming === undefined) this.state = 'idle';
      return;
    }
    wire.tell(within(dialog, 'ACK', dialog.number));
    if (this.state !== 'calling') {
      void wire.ask(within(dialog, 'BYE'));
      return;
    }
    this.#dialog = dialog;
    this.state = 'answered';
  }
}

function within(dialog: Dialog, method: string, number = ++dialog.number): PhoneRequest {
  return {
    method,
    uri: dialog.target,
    fields: [
      ...dialog.routes.map((route) => ['route', route] as const),
      ['from', dialog.local],
      ['to', dialog.remote],
      ['call-id', dialog.callId],
      ['cseq', `${String(number)} ${method}`],
    ],
  };
}

function uriOf(contact: string): string {
  return /<([^>]*)>/.exec(contact)?.[1] ?? `sip:${addressOf(contact)}`;
}
