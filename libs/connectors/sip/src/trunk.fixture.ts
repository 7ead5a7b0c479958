/* A trunk with its house, and the neighbours that are joined to it: plain stacks of the protocol room. */
import { randomBytes } from 'node:crypto';
import { afterEach } from '@jest/globals';
import type { JsonObject, SendOutcome, Session } from '#connector';
import { directText, TestContext } from '#connector/testing';
import { brisk } from '#connectors/sip/testing';
import { newId, type AccountId } from '#model';
import { eventually, freeSipPort } from '#peers';
import {
  Credentials,
  requestOf,
  SipStack,
  type Answered,
  type HopTls,
  type Incoming,
  type Listening,
  type SipRequest,
  type SipResponse,
  type Timers,
} from '#protocols/sip';
import { createSip } from './index.js';

export const domain = 'example.org';
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A server that is joined to the trunk, or would like to be. */
export class Neighbour {
  readonly heard: Incoming[] = [];
  readonly #stack: SipStack;
  readonly #listening: Listening;

  private constructor(stack: SipStack, listening: Listening) {
    this.#stack = stack;
    this.#listening = listening;
  }

  static async start(
    answer: (incoming: Incoming) => void = (incoming) => void incoming.respond(200),
    timers: Partial<Timers> = {},
  ): Promise<Neighbour> {
    const stack = new SipStack({
      userAgent: 'neighbour',
      timers,
      onRequest: (incoming) => {
        neighbour.heard.push(incoming);
        answer(incoming);
      },
    });
    const neighbour: Neighbour = new Neighbour(
      stack,
      await stack.listen({ transport: 'udp', host: '127.0.0.1', port: 0 }),
    );
    closing.push(() => stack.close());
    return neighbour;
  }

  get port(): number {
    return this.#listening.port;
  }

  messages(): readonly SipRequest[] {
    return this.heard.map(({ request }) => request).filter(({ method }) => method === 'MESSAGE');
  }

  /** Says something to the trunk, and gives the answer. */
  async say(port: number, saying: Saying = {}): Promise<SipResponse> {
    return (await this.ask(port, saying)).response;
  }

  /** The same, with what was said in the end. */
  async ask(port: number, saying: Saying): Promise<Answered> {
    const {
      to = `sip:alice@${domain}`,
      from = 'sip:bob@example.com',
      headers = {},
      method = 'MESSAGE',
    } = saying;
    const { credentials, tls, body = method === 'MESSAGE' ? 'hello' : '' } = saying;
    const request = requestOf(
      method,
      to,
      {
        from: `<${from}>;tag=${randomBytes(6).toString('hex')}`,
        to: `<${to}>`,
        'call-id': randomBytes(12).toString('hex'),
        cseq: `1 ${method}`,
        ...(method === 'MESSAGE' && { 'content-type': 'text/plain' }),
        ...headers,
      },
      body,
    );
    const answer = await this.#stack.request({
      request,
      hops: [
        tls === undefined
          ? { transport: 'udp', address: '127.0.0.1', port, from: this.#listening }
          : { transport: 'tls', address: '127.0.0.1', port, tls },
      ],
      ...(credentials !== undefined && { credentials }),
    });
    if (answer.answer !== 'response') throw new Error(answer.detail);
    return answer;
  }
}

export interface Saying {
  readonly to?: string;
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly credentials?: Credentials;
  /** Over TLS, and so. */
  readonly tls?: HopTls;
}

export interface Trunk {
  readonly house: TestContext;
  readonly session: Session;
  readonly account: AccountId;
  readonly port: number;
  readonly send: (to: string, text: string) => Promise<SendOutcome>;
}

interface TrunkOptions {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Whether it is waited for until it is up. */
  readonly online?: boolean;
  readonly domain?: string;
  /** The account under the domain. */
  readonly user?: string;
  /** Of the trunk, besides its domain, port and peers. */
  readonly settings?: JsonObject;
  readonly transport?: 'udp' | 'tcp' | 'tls';
  /** Whom it trusts over TLS. */
  readonly caCertificate?: string;
}

export async function trunk(peers: readonly JsonObject[], options: TrunkOptions = {}): Promise<Trunk> {
  const { secrets = {}, port, online = true, settings = {}, transport = 'udp', caCertificate } = options;
  const { domain: own = domain, user = 'alice' } = options;
  const at = port ?? (await freeSipPort());
  const house = new TestContext({ secrets });
  const session = createSip({ timings: brisk, timers: { t1: 50 } }).open(
    {
      id: newId<'LinkId'>(),
      settings: {
        mode: 'trunk',
        ...(caCertificate !== undefined && { caCertificate }),
        trunk: {
          domains: [own],
          listen: [{ transport, host: '127.0.0.1', port: at }],
          ...settings,
          peers,
        },
      },
    },
    house,
  );
  closing.push(() => session.close('asked'));
  const account = newId<'AccountId'>();
  session.attach({
    id: account,
    localAddress: `${user}@${own}`,
    desired: { rooms: [], contacts: [], presence: { presence: 'available' } },
  });
  session.connect();
  if (online) await eventually('the trunk is up', () => house.stateOf(account)?.state === 'online');
  const send = (to: string, text: string): Promise<SendOutcome> =>
    session.send(directText(account, to, text), new AbortController().signal);
  return { house, session, account, port: at, send };
}

export function peerAt(neighbour: Neighbour, more: JsonObject = {}): JsonObject {
  return {
    name: 'neighbour',
    host: '127.0.0.1',
    port: neighbour.port,
    domains: ['example.com'],
    addresses: ['127.0.0.1'],
    ...more,
  };
}
