import { noteSource, responseTo, statelessTag, type Reply } from './answering.js';
import { buildMessage } from './build.js';
import type { Fault } from './head.js';
import { tagOf } from './headers/name-addr.js';
import { parseVia, type Via } from './headers/via.js';
import { ServedInvite, ServedRequest, type Answerer, type Incoming, type Served } from './incoming.js';
import type { SipRequest } from './message.js';
import type { Setting } from './transactions/client.js';
import type { Finished } from './transactions/finished.js';
import { acknowledgementKey, serverKey } from './transactions/keys.js';
import type { Flow } from './transport/flow.js';
import type { Hop } from './transport/places.js';
import { UdpFlow } from './transport/udp.js';
import { verdictOn, type Expected } from './validate.js';

export interface ServerLimits {
  /** Requests of theirs that wait for their answer: 10,000, of them a quarter from one address. More are answered with 503. */
  readonly incoming: number;
  /** Octets of those requests: 64 MiB. */
  readonly incomingOctets: number;
  /** Refusals in a second over UDP, where anybody may write anybody's address: 500. More are not sent. */
  readonly refusals: number;
}

export interface ServersOptions {
  readonly expected: Expected;
  readonly limits: ServerLimits;
  /** The product, for Server. */
  readonly server: string;
  readonly finished: Finished;
  readonly settingOf: (flow: Flow) => Setting;
  readonly onRequest: (incoming: Incoming) => void;
  /** Says what is wrong with what came. */
  readonly tell: (flow: Flow, reason: string) => void;
  readonly flowTo: (hop: Hop) => Promise<Flow>;
}

/** How a request came. */
interface Way {
  readonly key: string;
  readonly via: Via;
  readonly flow: Flow;
}

/** Seconds after which there may be room again. */
const retryAfter = '10';

/** All that others ask: judged, told apart from what came before, handed up, and answered. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #serving = new Map<string, Served>();
  /** By what the ACK of their 2xx is found by. */
  readonly #accepted = new Map<string, ServedInvite>();
  readonly #perAddress = new Map<string, number>();
  #octets = 0;
  #refused = { second: 0, count: 0 };

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  receive(request: SipRequest, flow: Flow): void {
    const { finished, expected } = this.#options;
    const via = parseVia(request.headers.list('via')[0] ?? '');
    if (via === undefined) {
      this.#options.tell(flow, 'a request without Via');
      return;
    }
    if (request.method === 'ACK') {
      this.#acknowledged(request, via);
      return;
    }
    const key = serverKey(request, via, request.method);
    const known = this.#serving.get(key);
    if (known !== undefined) {
      known.retransmitted();
      return;
    }
    if (finished.repeat(key)) return;
    const inviteKey = request.method === 'CANCEL' ? serverKey(request, via, 'INVITE') : undefined;
    noteSource(request, via, flow);
    const way = { key, via, flow };
    const verdict = verdictOn(request, expected);
    if (verdict !== undefined) {
      const { status, reason, headers = {} } = verdict;
      this.#refuse(request, status, { reason, headers }, way);
    } else if (inviteKey !== undefined) this.#cancel(request, inviteKey, way);
    else this.#serve(request, way);
  }

  /** Answers what could be read in part. */
  refuse({ status, reason }: Fault, request: SipRequest, flow: Flow): void {
    const via = parseVia(request.headers.list('via')[0] ?? '');
    if (via === undefined || request.method === 'ACK') return;
    const key = serverKey(request, via, request.method);
    noteSource(request, via, flow);
    this.#refuse(request, status, { reason }, { key, via, flow });
  }

  close(): void {
    for (const served of [...this.#serving.values()]) served.stop();
    this.#serving.clear();
    this.#options.finished.clear();
  }

  #serve(request: SipRequest, way: Way): void {
    const { key, via, flow } = way;
    const { settingOf, server, finished, onRequest, tell } = this.#options;
    const release = this.#admit(request, flow);
    if (release === undefined) {
      this.#refuse(request, 503, { headers: { 'retry-after': retryAfter } }, way);
      return;
    }
    const send = this.#wayBack(via, flow);
    const isInvite = request.method === 'INVITE';
    let ackKey: string | undefined;
    const forget = (): void => {
      release();
      this.#serving.delete(key);
      if (ackKey !== undefined) this.#accepted.delete(ackKey);
    };
    const answerer: Answerer = {
      setting: settingOf(flow),
      server,
      send,
      lastingTag: () => statelessTag(key),
      forget,
      over: (last) => {
        forget();
        // What delivers by itself brings no request twice; an INVITE may still be on its way (timer I).
        if (flow.transport === 'udp' && (isInvite || last !== undefined)) finished.add(key, last, send);
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
      onRequest(served);
    } catch (error) {
      tell(flow, `onRequest: ${error instanceof Error ? error.message : 'threw'}`);
      if (!served.isOver) served.respond(500);
    }
  }

  /** @returns what makes room again; nothing where there is none. */
  #admit(request: SipRequest, { remote: { address } }: Flow): (() => void) | undefined {
    const { incoming, incomingOctets } = this.#options.limits;
    const octets = sizeOf(request);
    const others = this.#perAddress.get(address) ?? 0;
    // One peer who asks for much leaves room for the others.
    const hasRoom = this.#serving.size < incoming && others < Math.max(incoming / 4, 1);
    if (!hasRoom || this.#octets + octets > incomingOctets) return undefined;
    this.#octets += octets;
    this.#perAddress.set(address, others + 1);
    return () => {
      this.#octets -= octets;
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    };
  }

  #acknowledged(request: SipRequest, via: Via): void {
    const byBranch = this.#serving.get(serverKey(request, via, 'INVITE'));
    const tag = tagOf(request.headers.get('to')) ?? '';
    const served = byBranch ?? this.#accepted.get(acknowledgementKey(request, tag));
    const { expected } = this.#options;
    if (served instanceof ServedInvite && verdictOn(request, expected) === undefined) {
      served.acknowledged(request);
    }
  }

  #cancel(request: SipRequest, inviteKey: string, way: Way): void {
    const served = this.#serving.get(inviteKey);
    const isKnown = served !== undefined || this.#options.finished.has(inviteKey);
    if (isKnown) this.#answer(request, 200, {}, way, served?.tag);
    else this.#refuse(request, 481, {}, way);
    if (served instanceof ServedInvite) served.cancel(request);
  }

  /** Whoever is flooded with what it refuses must not flood others with refusals. */
  #refuse(request: SipRequest, status: number, reply: Reply, way: Way): void {
    if (way.flow.transport === 'udp') {
      const { settingOf, limits } = this.#options;
      const second = Math.floor(settingOf(way.flow).clock.monotonic() / 1_000);
      if (this.#refused.second !== second) this.#refused = { second, count: 0 };
      if (++this.#refused.count > limits.refusals) return;
    }
    this.#answer(request, status, reply, way);
  }

  /** Answers at once, and forgets all but the response to a CANCEL: the second would find another state. */
  #answer(request: SipRequest, status: number, reply: Reply, { key, via, flow }: Way, tag?: string): void {
    const { server, finished } = this.#options;
    const send = this.#wayBack(via, flow);
    const bytes = buildMessage(responseTo(request, status, reply, tag ?? statelessTag(key), server));
    send(bytes);
    if (flow.transport === 'udp' && request.method === 'CANCEL') finished.add(key, bytes, send);
  }

  /** Where the responses to a request go (RFC 3261 §18.2.2; RFC 3581 §4). */
  #wayBack(via: Via, flow: Flow): (bytes: Buffer) => void {
    const port = via.port ?? 5_060;
    if (flow instanceof UdpFlow) return via.params.has('rport') ? flow.sender() : flow.sender(port);
    return (bytes) => {
      if (flow.send(bytes) || flow.isOpen || flow.transport !== 'tcp') return;
      this.#options.flowTo({ transport: 'tcp', address: flow.remote.address, port }).then(
        (again) => again.send(bytes),
        () => undefined,
      );
    };
  }
}

/** Octets that a request holds, about. */
function sizeOf({ headers, body }: SipRequest): number {
  let size = body.length;
  for (const [name, value] of headers) size += name.length + value.length;
  return size;
}
