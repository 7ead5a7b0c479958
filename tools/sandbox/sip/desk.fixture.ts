import {
  Credentials,
  Headers,
  requestOf,
  SipStack,
  type Answer,
  type Answered,
  type Flow,
  type Hop,
  type Incoming,
  type Timers,
  type Transport,
} from '#protocols/sip';
import type { SandboxSip } from '#sandbox';
import { until } from '../until.js';
import { headersOf, uriOf } from './requests.js';

/** A telephone on a desk: a client of the sandbox that does what its test says. */
export class Desk implements AsyncDisposable {
  readonly stack: SipStack;
  /** Requests that came and were not answered at once. */
  readonly came: Incoming[] = [];
  /** What every MESSAGE is answered with; undefined: the test answers. */
  status: number | undefined = 200;
  readonly #sandbox: SandboxSip;
  readonly #transport: Transport;
  readonly credentials: Credentials;
  readonly #registration: Headers;
  #sequence = 0;
  readonly address: string;

  constructor(
    sandbox: SandboxSip,
    {
      transport = 'udp',
      user = 'alice',
      password = 'tulip',
      timers = {},
    }: { transport?: Transport; user?: string; password?: string; timers?: Partial<Timers> } = {},
  ) {
    this.#sandbox = sandbox;
    this.#transport = transport;
    this.address = `${user}@${sandbox.domain}`;
    this.credentials = new Credentials({ user, password });
    this.#registration = headersOf('REGISTER', this.address, this.address);
    this.stack = new SipStack({
      userAgent: 'Desk',
      timers,
      onRequest: (incoming) => {
        this.came.push(incoming);
        const { method } = incoming.request;
        if (method === 'NOTIFY') incoming.respond(200);
        else if (method === 'MESSAGE' && this.status !== undefined) incoming.respond(this.status);
      },
    });
  }

  /** Where the server is. */
  get hop(): Hop {
    const { host: address, port, tlsPort } = this.#sandbox;
    const transport = this.#transport;
    if (transport !== 'tls') return { transport, address, port };
    const options = { rejectUnauthorized: false };
    return { transport, address, port: tlsPort, tls: { key: 'sandbox', options } };
  }

  contact({ local, transport }: Flow): string {
    return `<sip:desk@127.0.0.1:${String(local.port)};transport=${transport}>`;
  }

  /** Asks the server, or somebody by it. */
  async ask(
    method: string,
    to: string,
    more: { headers?: Record<string, string>; body?: string | Buffer; timeoutMs?: number } = {},
  ): Promise<Answer> {
    const headers = headersOf(method, this.address, to, more.headers);
    return this.stack.request({
      request: (flow) =>
        requestOf(method, uriOf(to), Headers.from(headers).add('contact', this.contact(flow)), more.body),
      hops: [this.hop],
      credentials: this.credentials,
      ...(more.timeoutMs !== undefined && { timeoutMs: more.timeoutMs }),
    });
  }

  async register(more: Record<string, string> = { expires: '60' }): Promise<Answered> {
    this.#sequence += 10;
    const sequence = `${String(this.#sequence)} REGISTER`;
    const answer = await this.stack.request({
      request: (flow) => {
        const headers = Headers.from(this.#registration).set('cseq', sequence);
        if (!('contact' in more)) headers.add('contact', this.contact(flow));
        for (const [name, value] of Object.entries(more)) headers.set(name, value);
        return requestOf('REGISTER', `sip:${this.#sandbox.domain}`, headers);
      },
      hops: [this.hop],
      credentials: this.credentials,
    });
    return answered(answer);
  }

  async say(to: string, text: string): Promise<number> {
    const answer = await this.ask('MESSAGE', to, { headers: { 'content-type': 'text/plain' }, body: text });
    return answered(answer).response.status;
  }

  /** Waits for a request that satisfies. */
  async coming(method: string, look: (incoming: Incoming) => boolean = () => true): Promise<Incoming> {
    return until(`a ${method} comes`, () =>
      this.came.find((incoming) => incoming.request.method === method && look(incoming)),
    );
  }

  /** The texts that came, in their order. */
  get texts(): readonly string[] {
    const messages = this.came.filter(({ request }) => request.method === 'MESSAGE');
    return messages.map(({ request }) => request.body.toString());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.close();
  }
}

export function answered(answer: Answer): Answered {
  if (answer.answer === 'none') throw new Error(`no answer: ${answer.why}, ${answer.detail}`);
  return answer;
}
