/* The other side of the link: as much of an SMSC as a test, a sandbox or a gateway of one's own needs. */
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { systemClock } from './clock.js';
import type { BindAs } from './esme.js';
import type { Reply, SessionOptions } from './options.js';
import type { Pdu, Request } from './pdu.js';
import { Session } from './session.js';
import { statuses } from './statuses.js';

/** Somebody who has bound. */
export interface Bound {
  readonly session: Session;
  readonly as: BindAs;
  readonly bind: Pdu<'bind_transmitter' | 'bind_receiver' | 'bind_transceiver'>;
  /** The address that it came from. */
  readonly peer: string;
  /** What the session writes to; whoever writes to it besides must write whole PDUs, or mean not to. */
  readonly socket: Socket;
}

export interface BindAnswer {
  /** ESME_ROK where nothing is said; whoever is refused is cut off. */
  readonly status?: number;
  /** What we call ourselves. */
  readonly systemId?: string;
}

type Maybe<T> = Promise<T> | T;

export interface SmscOptions extends Omit<SessionOptions, 'onRequest'> {
  /** 0: any free one. */
  readonly port?: number;
  /** 127.0.0.1 where nothing is said. */
  readonly host?: string;
  readonly tls?: TlsOptions;
  /** Says who may bind. */
  readonly onBind?: (bind: Bound['bind'], peer: string) => Maybe<BindAnswer>;
  /** A request of somebody who may make it; see `SessionHandlers`. */
  readonly onRequest?: (request: Request, from: Bound) => Maybe<Reply | undefined>;
  /** Somebody has bound and been told so. */
  readonly onBound?: (bound: Bound) => void;
  /** How long a connection may stand without a bind; 10,000 milliseconds. */
  readonly bindMs?: number;
  /** Connections at once; 1,000. */
  readonly mostConnections?: number;
}

export interface Smsc {
  readonly port: number;
  /** Who is bound. */
  readonly bound: ReadonlySet<Bound>;
  /** Takes no more connections and ends those that stand; resolves when they are gone. */
  close(): Promise<void>;
}

const toSend = new Set<Request['command']>([
  'submit_sm',
  'submit_multi',
  'query_sm',
  'cancel_sm',
  'replace_sm',
]);

/** Listens. @throws the system's error where the port cannot be had. */
export async function listenSmsc(options: SmscOptions = {}): Promise<Smsc> {
  const { port = 0, host = '127.0.0.1', tls, mostConnections = 1_000 } = options;
  const bound = new Set<Bound>();
  const sockets = new Set<Socket>();
  const welcome = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    serve(socket, options, bound);
  };
  const server: Server = tls === undefined ? createTcpServer(welcome) : createTlsServer(tls, welcome);
  server.maxConnections = mostConnections;
  await new Promise<void>((ready, fail) => {
    server.once('error', fail).listen(port, host, ready);
  });
  server.on('error', () => undefined);
  const address = server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    bound,
    close: async () => {
      const gone = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      for (const socket of sockets) socket.destroy();
      await gone;
    },
  };
}

function serve(socket: Socket, options: SmscOptions, all: Set<Bound>): void {
  const { clock = systemClock, bindMs = 10_000 } = options;
  const peer = socket.remoteAddress ?? '';
  let bound: Bound | undefined;
  let binding = false;

  async function bindOf(bind: Bound['bind'], session: Session): Promise<Reply> {
    if (bound !== undefined || binding) return { status: statuses.ESME_RALYBND };
    binding = true;
    let answer: BindAnswer | undefined;
    try {
      answer = await options.onBind?.(bind, peer);
    } finally {
      binding = false;
    }
    const { status = statuses.ESME_ROK, systemId = '' } = answer ?? {};
    if (status !== statuses.ESME_ROK) {
      // Its answer goes first.
      setImmediate(() => socket.end());
      return { status };
    }
    cancel();
    const as = bind.command.slice('bind_'.length) as BindAs;
    const now: Bound = { session, as, bind, peer, socket };
    bound = now;
    all.add(now);
    setImmediate(() => {
      if (session.isOpen) options.onBound?.(now);
    });
    return { systemId, tlvs: { scInterfaceVersion: 0x34 } };
  }

  const session = new Session(socket, {
    ...options,
    onRequest: (request, { session: here }) => {
      if (isBind(request)) return bindOf(request, here);
      const may = bound !== undefined && (bound.as !== 'receiver' || !toSend.has(request.command));
      if (bound === undefined || !may) return { status: statuses.ESME_RINVBNDSTS };
      if (options.onRequest === undefined) return { status: statuses.ESME_RINVCMDID };
      return options.onRequest(request, bound);
    },
  });
  const cancel = clock.after(bindMs, () => {
    session.close();
  });
  void session.closed.then(() => {
    cancel();
    if (bound !== undefined) all.delete(bound);
  });
}

function isBind(request: Request): request is Bound['bind'] {
  return request.command.startsWith('bind_');
}
