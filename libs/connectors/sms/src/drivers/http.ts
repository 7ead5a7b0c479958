/*
 * Requests to a provider, made so that afterwards it is known whether anything of them left: a connection is made, judged
 * and encrypted before a request may use it, and only then is a byte written. Every connect asks for its turn, so that
 * the addresses are judged each time. Nothing is followed to elsewhere.
 */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { SessionContext, Target } from '#connector';
import { distrust, socketFailure, tlsOptions, whereTo, type TlsChoices } from '#connector/session';
import { failure, type Failure } from '#model';

/** A request to a provider. */
export interface Ask {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** What came back, its body read up to `mostAnswer` bytes. */
export interface Answered {
  readonly outcome: 'answered';
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/**
 * `not-sent`: nothing of the request left, so it may be made again. `unanswered`: it left, wholly or in part, and nobody
 * says what became of it.
 */
export type HttpOutcome =
  Answered | { readonly outcome: 'not-sent' | 'unanswered'; readonly failure: Failure };

/** An answer whose body is still to be read; whoever does not read it destroys it. */
export interface Opened {
  readonly outcome: 'opened';
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly content: IncomingMessage;
}

export interface HttpTimings {
  readonly connect: number;
  readonly answer: number;
}

/** The longest answer that is looked at. */
const mostAnswer = 262_144;
/** Connections to one provider. */
const mostSockets = 16;
/** Providers close what is idle after some five seconds: what we write then is lost, and nobody knows. */
const idleMs = 3_000;

const over = failure('network-unreachable', 'The account was disconnected.');
const silent = failure('timeout', 'The provider does not answer.');
const broken = failure('network-unreachable', 'The connection to the provider broke before it answered.');

/** A connect that failed for a reason that is known. */
class NotConnected extends Error {
  constructor(readonly failure: Failure) {
    super(failure.code);
  }
}

/** Where a URL leads to. */
export function targetOf(url: URL): Target {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

/** One provider's requests, over connections that are kept while they are of use. */
export class HttpClient {
  readonly #context: SessionContext;
  readonly #timings: HttpTimings;
  readonly #tls: TlsChoices;
  readonly #end = new AbortController();
  readonly #plain: HttpAgent;
  readonly #secure: HttpsAgent;

  /** @param tls whom to trust, besides the public authorities */
  constructor(context: SessionContext, timings: HttpTimings, tls: TlsChoices = {}) {
    this.#context = context;
    this.#timings = timings;
    this.#tls = tls;
    const options = { keepAlive: true, maxSockets: mostSockets, timeout: idleMs } as const;
    this.#plain = new HttpAgent(options);
    this.#secure = new HttpsAgent(options);
    this.#connectBy(this.#plain);
    this.#connectBy(this.#secure);
  }

  /** Makes a request and reads its answer. Never rejects. */
  async ask(ask: Ask, signal?: AbortSignal): Promise<HttpOutcome> {
    const opened = await this.open(ask, signal);
    if (opened.outcome !== 'opened') return opened;
    const { status, headers, content } = opened;
    const chunks: Buffer[] = [];
    let length = 0;
    const late = this.#context.clock.after(this.#timings.answer, () => content.destroy());
    try {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        // What an API answers is short: the rest says nothing more, and the connection goes with it.
        if (length > mostAnswer) break;
      }
    } catch {
      // The head has said what matters.
    } finally {
      late();
    }
    return { outcome: 'answered', status, headers, body: Buffer.concat(chunks).subarray(0, mostAnswer) };
  }

  /** Makes a request and gives its answer as it comes. Never rejects. */
  open(ask: Ask, signal?: AbortSignal): Promise<Opened | Exclude<HttpOutcome, Answered>> {
    const ended = this.#end.signal;
    if (ended.aborted || signal?.aborted === true) {
      return Promise.resolve({ outcome: 'not-sent', failure: over });
    }
    return new Promise((done) => {
      let left = false;
      const fail = (why: Failure): void => {
        settle({ outcome: left ? 'unanswered' : 'not-sent', failure: why });
        request.destroy();
      };
      const settle = (outcome: Opened | Exclude<HttpOutcome, Answered>): void => {
        late();
        signal?.removeEventListener('abort', stop);
        ended.removeEventListener('abort', stop);
        done(outcome);
      };
      const stop = (): void => {
        fail(over);
      };
      const isSecure = ask.url.protocol === 'https:';
      const request = (isSecure ? httpsRequest : httpRequest)(ask.url, {
        method: ask.method,
        agent: isSecure ? this.#secure : this.#plain,
        headers: {
          'accept-encoding': 'identity',
          ...(ask.body !== undefined && { 'content-length': String(Buffer.byteLength(ask.body)) }),
          ...ask.headers,
        },
      });
      const late = this.#context.clock.after(this.#timings.connect + this.#timings.answer, () => {
        fail(silent);
      });
      signal?.addEventListener('abort', stop, { once: true });
      ended.addEventListener('abort', stop, { once: true });
      // The connection stands: from here on bytes leave.
      request.once('socket', () => {
        left = true;
      });
      request.once('response', (content) => {
        content.on('error', () => undefined);
        settle({ outcome: 'opened', status: content.statusCode ?? 0, headers: content.headers, content });
      });
      request.on('error', (error) => {
        if (error instanceof NotConnected) fail(error.failure);
        else fail(left ? broken : socketFailure(error));
      });
      request.end(ask.body);
    });
  }

  /** Gives up what is under way and lets go of all connections. */
  destroy(): void {
    this.#end.abort();
    this.#plain.destroy();
    this.#secure.destroy();
  }

  /** An agent whose requests get a connection only when it stands. */
  #connectBy(agent: HttpAgent): void {
    const isSecure = agent instanceof HttpsAgent;
    Object.assign(agent, {
      createConnection: (
        { host, port }: RequestOptions,
        ready: (error: Error | null, socket?: Socket) => void,
      ) => {
        const target = { host: (host ?? '').replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
        this.#connect(target, isSecure).then(
          (socket) => {
            ready(null, socket);
          },
          (error: unknown) => {
            ready(error instanceof Error ? error : new NotConnected(broken));
          },
        );
      },
    });
  }

  async #connect(target: Target, isSecure: boolean): Promise<Socket> {
    const turn = await this.#context.turn(target);
    if (turn.turn === 'closed' || this.#end.signal.aborted) throw new NotConnected(over);
    if (turn.turn === 'refused') throw new NotConnected(turn.failure);
    const where = { ...whereTo(target.host, target.port, turn.addresses), noDelay: true };
    if (!isSecure) return await this.#stands(connectTcp(where), 'connect');
    const trust = { ...this.#tls, host: target.host };
    const tls = tlsOptions(trust);
    if ('code' in tls) throw new NotConnected(tls);
    const socket = await this.#stands(connectTls({ ...where, ...tls }), 'secureConnect');
    const why = distrust(socket, trust);
    if (why === undefined) return socket;
    socket.destroy();
    throw new NotConnected(why);
  }

  #stands<S extends Socket | TLSSocket>(socket: S, event: 'connect' | 'secureConnect'): Promise<S> {
    return new Promise<S>((done, fail) => {
      const late = this.#context.clock.after(this.#timings.connect, () => {
        socket.destroy(new NotConnected(silent));
      });
      const stop = (): void => {
        socket.destroy(new NotConnected(over));
      };
      this.#end.signal.addEventListener('abort', stop, { once: true });
      const settled = (): void => {
        late();
        this.#end.signal.removeEventListener('abort', stop);
      };
      socket.once('error', (error: Error) => {
        settled();
        fail(error instanceof NotConnected ? error : new NotConnected(socketFailure(error)));
      });
      socket.once(event, () => {
        settled();
        // Until a request has it, nobody else listens.
        socket.on('error', () => undefined);
        done(socket);
      });
    });
  }
}

/** How long the provider asks us to wait (RFC 9110 §10.2.3), in milliseconds, at most an hour; undefined where it does not say. */
export function retryAfterOf(headers: IncomingMessage['headers'], now: number): number | undefined {
  const said = headers['retry-after'];
  if (said === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - now;
  return Number.isNaN(ms) ? undefined : Math.min(3_600_000, Math.max(0, ms));
}
