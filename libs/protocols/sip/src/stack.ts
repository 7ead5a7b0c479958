import { Asking, Refusals, unanswered, type Answer, type Ask, type Ways } from './ask.js';
import { buildMessage } from './build.js';
import { Clients } from './clients.js';
import { systemClock, type Clock } from './clock.js';
import type { Fault } from './head.js';
import type { Incoming } from './incoming.js';
import { cancelOf, Invite, type InviteAsk, type InviteHandle } from './invite.js';
import type { SipMessage, SipRequest } from './message.js';
import { parseMessage } from './parse.js';
import { Servers, type ServerLimits } from './servers.js';
import { patienceOf, usualTimers, type Timers } from './timers.js';
import type { Setting } from './transactions/client.js';
import { Finished } from './transactions/finished.js';
import { Flow, type Transport } from './transport/flow.js';
import { NotSent, type Hop, type Listening, type ListenWhere } from './transport/places.js';
import type { ListenLimits } from './transport/listener.js';
import { Pool } from './transport/pool.js';
import type { Ports } from './transport/ports.js';
import { Turn } from './transport/turn.js';
import { isSane, type Expected } from './validate.js';

/** The most of what others make us hold. */
export interface StackLimits extends ServerLimits, ListenLimits {
  /** Requests of ours under way: 50,000. */
  readonly asked: number;
  /** Octets of responses held for retransmissions of requests over UDP: 64 MiB; past it the oldest go early. */
  readonly finished: number;
}

const usualStackLimits: StackLimits = {
  asked: 50_000,
  incoming: 10_000,
  incomingOctets: 67_108_864,
  refusals: 500,
  finished: 67_108_864,
  connections: 1_000,
  connectionsPerAddress: 200,
};

/** What is handed up where nothing else is said: all methods that an RFC defines. */
const usualMethods = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'MESSAGE',
  'REGISTER',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
  'INFO',
  'UPDATE',
  'PRACK',
];

/** What came that nothing can be made of. */
export interface StackFault {
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
  readonly reason: string;
}

export interface StackOptions {
  /** Of requests and responses that do not say it themselves. */
  readonly userAgent: string;
  /**
   * Every request but ACK and CANCEL, once however often it comes, and judged: see `expected`. What it throws becomes a 500
   * and a fault.
   */
  readonly onRequest: (incoming: Incoming) => void;
  readonly onFault?: (fault: StackFault) => void;
  /** What requests are judged by; others are refused. Methods: those of all RFCs; no option tags. */
  readonly expected?: Partial<Expected>;
  readonly timers?: Partial<Timers>;
  readonly limits?: Partial<StackLimits>;
  readonly clock?: Clock;
}

/** SIP over UDP, TCP and TLS for many users at once: transactions, and the ports and connections below them. */
export class SipStack {
  readonly #options: StackOptions;
  readonly #pool: Pool;
  readonly #ways: Ways;
  readonly #clients: Clients;
  readonly #servers: Servers;
  #isClosed = false;

  constructor(options: StackOptions) {
    const { clock = systemClock, expected = {} } = options;
    this.#options = options;
    const timers = { ...usualTimers, ...options.timers };
    const limits = { ...usualStackLimits, ...options.limits };
    const ports: Ports = {
      clock,
      timers,
      turn: new Turn(),
      datagram: (bytes, flow) => {
        this.#guarded(flow, () => {
          this.#datagram(bytes, flow);
        });
      },
      message: (message, flow) => {
        this.#guarded(flow, () => {
          this.#message(message, flow);
        });
      },
      fault: (fault, request, flow) => {
        this.#guarded(flow, () => {
          this.#fault(fault, request, flow);
        });
      },
    };
    this.#pool = new Pool(ports, limits);
    const settingOf = (flow: Flow): Setting => {
      return { clock, timers, isReliable: flow.transport !== 'udp' };
    };
    this.#clients = new Clients(settingOf, limits.asked);
    this.#servers = new Servers({
      expected: { ...expected, methods: expected.methods ?? usualMethods, options: expected.options ?? [] },
      limits,
      server: options.userAgent,
      finished: new Finished(clock, patienceOf(timers), limits.finished),
      settingOf,
      onRequest: options.onRequest,
      tell: (flow, reason) => {
        this.#tell(flow, reason);
      },
      flowTo: (hop) => this.#pool.flowTo(hop),
    });
    this.#ways = {
      userAgent: options.userAgent,
      flowTo: (hop, signal) => this.#pool.flowTo(hop, signal),
      datagramsOnly: new Refusals(() => clock.monotonic()),
    };
  }

  /** Takes requests at a port. @throws the system's error where it cannot be had: `EADDRINUSE`, `EACCES`. */
  listen(where: ListenWhere): Promise<Listening> {
    return this.#pool.listen(where);
  }

  /**
   * The flow by which requests to a hop go: the one that stands, or a new one.
   * @throws NotSent where there is none to be had.
   */
  flowTo(hop: Hop, signal?: AbortSignal): Promise<Flow> {
    return this.#pool.flowTo(hop, signal);
  }

  /** Asks anything but INVITE, ACK and CANCEL; never rejects. */
  request(ask: Ask): Promise<Answer> {
    const { timeoutMs, signal } = ask;
    return new Asking(this.#ways, ask, (request, bytes, flow) =>
      this.#clients.carry(request, bytes, flow, {
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(signal !== undefined && { signal }),
      }),
    ).run();
  }

  /** Invites to a session. */
  invite(ask: InviteAsk): InviteHandle {
    return new Invite(this.#ways, this.#clients, ask);
  }

  /**
   * Cancels an INVITE that an earlier process has left behind; one of this process is cancelled by its handle.
   * @param invite as it went out, with its Via: of its header fields those that CANCEL has, too.
   * @returns 481 where nobody knows of it (any more); never rejects.
   */
  async cancel(
    invite: SipRequest,
    hops: readonly (Hop | Flow)[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const cancel = cancelOf(invite, headers);
    let answer: Answer = unanswered('not-sent', 'there is nowhere to send it to');
    for (const hop of hops) {
      try {
        const flow = hop instanceof Flow ? hop : await this.#pool.flowTo(hop);
        answer = await this.#clients.carry(cancel, buildMessage(cancel), flow);
      } catch (error) {
        answer = unanswered('not-sent', NotSent.from(error).message);
      }
      if (answer.answer === 'response' || answer.left) break;
    }
    return answer;
  }

  /** Ends all that is under way and closes all ports and connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clients.close();
    this.#servers.close();
    await this.#pool.close();
  }

  #datagram(bytes: Buffer, flow: Flow): void {
    // Ends of lines and zeros alone keep a way through a NAT open.
    if (bytes.length <= 4) return;
    const parsed = parseMessage(bytes);
    if (parsed.fault === undefined) this.#message(parsed.message, flow);
    else this.#fault(parsed.fault, parsed.message, flow);
  }

  #message(message: SipMessage, flow: Flow): void {
    if (message.type === 'request') this.#servers.receive(message, flow);
    else if (isSane(message)) this.#clients.receive(message, flow);
    else this.#tell(flow, 'a response that cannot be taken for one');
  }

  #fault(fault: Fault, request: SipRequest | undefined, flow: Flow): void {
    this.#tell(flow, fault.reason);
    // What is wrong with it may be what an answer would have to say again.
    if (request !== undefined && isRepeatable(request)) this.#servers.refuse(fault, request, flow);
  }

  /** What a peer sends must not end the process, whatever we have overlooked. */
  #guarded(flow: Flow, work: () => void): void {
    if (this.#isClosed) return;
    try {
      work();
    } catch (error) {
      this.#tell(flow, `our own: ${error instanceof Error ? error.message : 'unknown'}`);
    }
  }

  #tell({ transport, remote }: Flow, reason: string): void {
    this.#options.onFault?.({ transport, ...remote, reason });
  }
}

/** Whether what a message says can be said by us too: no line end, and no NUL but after a backslash. */
function isRepeatable({ headers }: SipRequest): boolean {
  for (const [, value] of headers) if (/[\r\n]|(?:^|[^\\])\0/.test(value)) return false;
  return true;
}
