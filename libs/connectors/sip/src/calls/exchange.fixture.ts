/* For specs: a server that registers one account and plays all phones that it calls, and all who call it. */
import {
  Dialog,
  parseNameAddr,
  parseUri,
  requestOf,
  SipStack,
  type Flow,
  type Incoming,
  type InviteHandle,
  type SipRequest,
} from '#protocols/sip';
import { eventually } from '#peers';

/** A phone that was called. */
export class Phone {
  readonly acks: SipRequest[] = [];
  readonly cancels: SipRequest[] = [];
  #dialog: Dialog | undefined;

  constructor(
    readonly incoming: Incoming,
    private readonly stack: SipStack,
    private readonly contact: string,
  ) {
    incoming.acked = (ack) => {
      this.acks.push(ack);
    };
    incoming.cancelled = (cancel) => {
      this.cancels.push(cancel);
    };
  }

  get offer(): string {
    return this.incoming.request.body.toString('latin1');
  }

  get dialogId(): string | undefined {
    return this.#dialog?.id;
  }

  ring(): void {
    this.incoming.respond(180, { headers: { contact: this.contact } });
  }

  /** @param session how it is to be heard, with what it is called by its header. */
  answer(session: string, type = 'application/sdp'): void {
    const response = this.incoming.respond(200, {
      headers: { contact: this.contact, ...(session !== '' && { 'content-type': type }) },
      body: Buffer.from(session, 'latin1'),
    });
    this.#dialog = Dialog.fromUas(this.incoming.request, response);
  }

  /** Calls are to go elsewhere. */
  forward(contact: string): void {
    this.incoming.respond(302, { headers: { contact } });
  }

  hangUp(): ReturnType<SipStack['request']> {
    return this.stack.request({ request: this.next('BYE'), hops: [this.incoming.flow] });
  }

  /** Wants to speak otherwise. */
  change(session: string, headers: Readonly<Record<string, string>> = {}): InviteHandle {
    const request = this.next('INVITE', session, headers);
    return this.stack.invite({ request, hops: [this.incoming.flow] });
  }

  private next(method: string, body = '', headers: Readonly<Record<string, string>> = {}): SipRequest {
    if (this.#dialog === undefined) throw new Error('it has not answered');
    return this.#dialog.next(method, {
      headers: {
        contact: this.contact,
        ...headers,
        ...(body !== '' && { 'content-type': 'application/sdp' }),
      },
      body,
    });
  }
}

export class Exchange implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly domain = 'sip.example.org';
  readonly stack: SipStack;
  /** What the account asked within calls, in order. */
  readonly byes: SipRequest[] = [];
  /** Called when the account takes its registration back, before that is answered. */
  leaving: (() => void) | undefined;
  readonly #phones: Phone[] = [];
  #given = 0;
  #registered: { readonly flow: Flow; readonly contact: string } | undefined;
  #port = 0;
  #calls = 0;

  private constructor() {
    this.stack = new SipStack({
      userAgent: 'exchange',
      onRequest: (incoming) => {
        this.#take(incoming);
      },
    });
  }

  static async start(): Promise<Exchange> {
    const exchange = new Exchange();
    const { port } = await exchange.stack.listen({ transport: 'udp', host: exchange.host, port: 0 });
    exchange.#port = port;
    return exchange;
  }

  get port(): number {
    return this.#port;
  }

  createAccount(): Promise<void> {
    return Promise.resolve();
  }

  /** The next phone that the account calls. */
  async phone(user: string): Promise<Phone> {
    return await eventually(`${user} is called`, () => {
      const phone = this.#phones[this.#given];
      if (phone === undefined) return undefined;
      this.#given++;
      const called = parseUri(phone.incoming.request.uri)?.user;
      if (called !== user) throw new Error(`${String(called)} is called, not ${user}`);
      return phone;
    });
  }

  /** How many phones were called, and not asked for yet. */
  get unasked(): number {
    return this.#phones.length - this.#given;
  }

  /** Somebody calls the account. */
  ring(
    from: string,
    headers: Readonly<Record<string, string>> = {},
    body: Buffer | string = '',
  ): { readonly handle: InviteHandle; readonly statuses: number[]; readonly request: SipRequest } {
    const { contact, flow } = this.registered;
    const statuses: number[] = [];
    const request = requestOf(
      'INVITE',
      contact,
      {
        from: `<sip:${from}>;tag=t${String(++this.#calls)}`,
        to: `<sip:alice@${this.domain}>`,
        'call-id': `call-${String(this.#calls)}@${this.domain}`,
        cseq: '1 INVITE',
        contact: `<sip:${this.host}:${String(this.#port)}>`,
        ...headers,
      },
      body,
    );
    const handle = this.stack.invite({
      request,
      hops: [flow],
      provisional: ({ status }) => statuses.push(status),
    });
    return { handle, statuses, request };
  }

  get registered(): { readonly flow: Flow; readonly contact: string } {
    if (this.#registered === undefined) throw new Error('nobody is registered');
    return this.#registered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.close();
  }

  #take(incoming: Incoming): void {
    const { method, headers } = incoming.request;
    if (method === 'REGISTER') {
      const contacts = headers.list('contact');
      const uri = parseNameAddr(contacts[0] ?? '')?.uri ?? '';
      if (headers.get('expires') !== '0') this.#registered = { flow: incoming.flow, contact: uri };
      else this.leaving?.();
      incoming.respond(200, { headers: { contact: contacts } });
    } else if (method === 'INVITE') {
      const contact = `<sip:phone${String(this.#phones.length)}@${this.host}:${String(this.#port)}>`;
      this.#phones.push(new Phone(incoming, this.stack, contact));
    } else {
      if (method === 'BYE') this.byes.push(incoming.request);
      incoming.respond(method === 'BYE' || method === 'OPTIONS' ? 200 : 489);
    }
  }
}
