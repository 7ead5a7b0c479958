/* Where messages are to go, and where they are listened for. */
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import type { Transport } from './flow.js';

export interface HopTls {
  /** Hops with equal keys may share a connection. */
  readonly key: string;
  readonly options: ConnectionOptions;
  /** Asked once, after the handshake and before anything is written: why the peer is not trusted. */
  readonly judge?: (socket: TLSSocket) => string | undefined;
}

/** The next place on the way. */
export interface Hop {
  readonly transport: Transport;
  /** Numeric; IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly tls?: HopTls;
  /** Sends from this UDP port; on a stream, names its port as the one where we listen, and connects from its address. */
  readonly from?: Listening;
}

export interface ListenWhere {
  readonly transport: Transport;
  /** Numeric; `0.0.0.0` or `::` for all of one family. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** For TLS. */
  readonly tls?: TlsOptions;
}

export interface Listening {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
  /** Resolves when the port is free and what stood by it is closed. */
  close(): Promise<void>;
}

/** Nothing has left for a hop. */
export class NotSent extends Error {
  /** The system's code, where it is the system that refused: `ECONNREFUSED`. */
  readonly code: string | undefined;

  constructor(why: string, code?: string) {
    super(why);
    this.name = 'NotSent';
    this.code = code;
  }

  static from(error: unknown): NotSent {
    if (error instanceof NotSent) return error;
    const { message = 'no reason given', code } = error as Partial<NodeJS.ErrnoException>;
    return new NotSent(message, code);
  }
}
