import { noteSource, responseTo, statelessTag, type Reply } from './answering.js';
import { Asking, Refusals, unanswered, type Answer, type Ask, type Ways } from './ask.js';
import { buildMessage } from './build.js';
import { Clients } from './clients.js';
import { systemClock, type Clock } from './clock.js';
import { parseVia, type Via } from './headers/via.js';
import type { Fault } from './head.js';
import { ServedInvite, ServedRequest, type Answerer, type Incoming, type Served } from './incoming.js';
import { cancelOf, Invite, type InviteAsk, type InviteHandle } from './invite.js';
import type { SipMessage, SipRequest } from './message.js';
import { tagOf } from './headers/name-addr.js';
import { parseMessage } from './parse.js';
import { patienceOf, usualTimers, type Timers } from './timers.js';
import type { Setting } from './transactions/client.js';
import { Finished } from './transactions/finished.js';
import { acknowledgementKey, serverKey } from './transactions/keys.js';
import { Flow, type Transport } from './transport/flow.js';
import { NotSent, type Hop, type Listening, type ListenWhere } from './transport/places.js';
import { Pool } from './transport/pool.js';
import type { Ports } from './transport/ports.js';
import { Turn } from './transport/turn.js';
import { UdpFlow } from './transport/udp.js';
import { isSane, verdictOn, type Expected } from './validate.js';

/** The most of what others make us hold. */
export interface StackLimits {
  /** Requests of ours under way: 50,000. */
  readonly asked: number;
  /** Requests of theirs that wait for their answer; more are answered with 503: 10,000. */
  readonly incoming: number;
  /** Octets of responses held for retransmissions of requests over UDP; past it the oldest go early: 64 MiB. */
  readonly finished: number;
  /** Connections that others have made to one port, at once: 5,000. */
  readonly connections: number;
  /** As many of them from one address: 1,000. */
  readonly connectionsPerAddress: number;
}

const usualStackLimits: StackLimits = {
  asked: 50_000,
  incoming: 10_000,
  finished: 67_108_864,
  connections: 5_000,
  connectionsPerAddress: 1_000,
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
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #limits: StackLimits;
  readonly #expected: Expected;
  readonly #pool: Pool;
  readonly #ways: Ways;
  readonly #clients: Clients;
  readonly #serving = new Map<string, Served>();
  readonly #finished: Finished;
  /** By what the ACK of their 2xx is found by. */
  readonly #accepted = new Map<string, ServedInvite>();
  #isClosed = false;

  constructor(options: StackOptions) {
    const { clock = systemClock, expected = {} } = options;
    this.#options = options;
    this.#clock = clock;
    this.#timers = { ...usualTimers, ...options.timers };
    this.#limits = { ...usualStackLimits, ...options.limits };
    this.#expected = {
      ...expected,
      methods: expected.methods ?? usualMethods,
      options: expected.options ?? [],
    };
    const ports: Ports = {
      clock,
      timers: this.#timers,
      turn: new Turn(),
      datagram: (bytes, flow) => {
        this.#datagram(bytes, flow);
      },
      message: (message, flow) => {
        this.#message(message, flow);
      },
      fault: (fault, request, flow) => {
        this.#fault(fault, request, flow);
      },
    };
    this.#pool = new Pool(ports, this.#limits);
    this.#clients = new Clients((flow) => this.#settingOf(flow), this.#limits.asked);
    this.#finished = new Finished(clock, patienceOf(this.#timers), this.#limits.finished);
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
    for (const served of [...this.#serving.values()]) served.stop();
    this.#serving.clear();
    this.#finished.clear();
    await this.#pool.close();
  }

  #settingOf(flow: Flow): Setting {
    return { clock: this.#clock, timers: this.#timers, isReliable: flow.transport !== 'udp' };
  }

  #datagram(bytes: Buffer, flow: Flow): void {
    // Ends of lines and zeros alone keep a way through a NAT open.
    if (bytes.length <= 4) return;
    const parsed = parseMessage(bytes);
    if (parsed.fault === undefined) this.#message(parsed.message, flow);
    else this.#fault(parsed.fault, parsed.message, flow);
  }

  #fault(fault: Fault, request: SipRequest | undefined, flow: Flow): void {
    this.#tell(flow, fault.reason);
    if (request === undefined || request.method === 'ACK') return;
    const via = parseVia(request.headers.list('via')[0] ?? '');
    if (via === undefined) return;
    const key = serverKey(request, via, request.method);
    noteSource(request, via, flow);
    this.#refuse(request, fault.status, { reason: fault.reason }, { key, via, flow });
  }

  #tell({ transport, remote }: Flow, reason: string): void {
    this.#options.onFault?.({ transport, ...remote, reason });
  }

  #message(message: SipMessage, flow: Flow): void {
    if (this.#isClosed) return;
    if (message.type === 'request') this.#request(message, flow);
    else if (isSane(message)) this.#clients.receive(message, flow);
    else this.#tell(flow, 'a response that cannot be taken for one');
  }

  #request(request: SipRequest, flow: Flow): void {
    const via = parseVia(request.headers.list('via')[0] ?? '');
    if (via === undefined) {
      this.#tell(flow, 'a request without Via');
      return;
    }
    if (request.method === 'ACK') {
      this.#ack(request, via);
      return;
    }
    const key = serverKey(request, via, request.method);
    const known = this.#serving.get(key);
    if (known !== undefined) {
      known.retransmitted();
      return;
    }
    if (this.#finished.repeat(key)) return;
    const inviteKey = request.method === 'CANCEL' ? serverKey(request, via, 'INVITE') : undefined;
    noteSource(request, via, flow);
    const way = { key, via, flow };
    const verdict = verdictOn(request, this.#expected);
    if (verdict !== undefined) {
      const { status, reason, headers = {} } = verdict;
      this.#refuse(request, status, { reason, headers }, way);
    } else if (inviteKey !== undefined) this.#cancel(request, inviteKey, way);
    else if (this.#serving.size >= this.#limits.incoming) {
      this.#refuse(request, 503, { headers: { 'retry-after': '10' } }, way);
    } else this.#serve(request, way);
  }

  #serve(request: SipRequest, way: Way): void {
    const { key, via, flow } = way;
    const send = this.#wayBack(via, flow);
    const isInvite = request.method === 'INVITE';
    let ackKey: string | undefined;
    const answerer: Answerer = {
      setting: this.#settingOf(flow),
      server: this.#options.userAgent,
      send,
      over: (last) => {
        this.#serving.delete(key);
        if (ackKey !== undefined) this.#accepted.delete(ackKey);
        // What delivers by itself brings no request twice; an INVITE may still be on its way (timer I).
        if (flow.transport === 'udp' && (isInvite || last !== undefined)) this.#finished.add(key, last, send);
      },
    };
    const served = isInvite
      ? new ServedInvite(request, flow, answerer)
      : new ServedRequest(request, flow, answerer);
    this.#serving.set(key, served);
    if (served instanceof ServedInvite) {
      ackKey = acknowledgementKey(request, served.tag);
      this.#accepted.set(ackKey, served);
    }
    try {
      this.#options.onRequest(served);
    } catch (error) {
      this.#tell(flow, `onRequest: ${error instanceof Error ? error.message : 'threw'}`);
      if (!served.isOver) served.respond(500);
    }
  }

  #ack(request: SipRequest, via: Via): void {
    const byBranch = this.#serving.get(serverKey(request, via, 'INVITE'));
    const tag = tagOf(request.headers.get('to')) ?? '';
    const served = byBranch ?? this.#accepted.get(acknowledgementKey(request, tag));
    if (served instanceof ServedInvite && verdictOn(request, this.#expected) === undefined) {
      served.acknowledged(request);
    }
  }

  #cancel(request: SipRequest, inviteKey: string, way: Way): void {
    const served = this.#serving.get(inviteKey);
    const isKnown = served !== undefined || this.#finished.has(inviteKey);
    const status = isKnown ? 200 : 481;
    this.#refuse(request, status, {}, way, served?.tag);
    if (served instanceof ServedInvite) served.cancel(request);
  }

  /** Answers at once, and forgets but for the response. */
  #refuse(request: SipRequest, status: number, reply: Reply, { key, via, flow }: Way, tag?: string): void {
    if (this.#isClosed) return;
    const send = this.#wayBack(via, flow);
    let bytes: Buffer;
    try {
      const server = this.#options.userAgent;
      bytes = buildMessage(responseTo(request, status, reply, tag ?? statelessTag(key), server));
    } catch {
      // What could be read but must not be written again.
      return;
    }
    send(bytes);
    if (flow.transport === 'udp' && request.method === 'CANCEL') this.#finished.add(key, bytes, send);
  }

  /** Where the responses to a request go (RFC 3261 §18.2.2; RFC 3581 §4). */
  #wayBack(via: Via, flow: Flow): (bytes: Buffer) => void {
    const port = via.port ?? 5_060;
    if (flow instanceof UdpFlow) return via.params.has('rport') ? flow.sender() : flow.sender(port);
    return (bytes) => {
      if (flow.send(bytes) || flow.isOpen || flow.transport !== 'tcp') return;
      const hop: Hop = { transport: 'tcp', address: flow.remote.address, port };
      this.#pool.flowTo(hop).then(
        (again) => again.send(bytes),
        () => undefined,
      );
    };
  }
}

/** How a request came. */
interface Way {
  readonly key: string;
  readonly via: Via;
  readonly flow: Flow;
}
