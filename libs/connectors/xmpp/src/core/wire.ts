/*
 * The socket under a stream: TCP, TLS from the first byte (XEP-0368) or TLS begun later on the same connection (STARTTLS),
 * always with the account's own authority, pin and certificate, and always against the name of the account's domain: who
 * answers for a domain is told by the DNS, who may answer for it by its certificate (RFC 6120 §13.7.2).
 */
import { connect as connectTcp, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { domainToASCII } from 'node:url';
import { distrust, socketFailure, tlsOptions, type TlsSettings, whereTo } from '#connector/session';
import { failure, type Failure } from '#model';
import type { Secured } from './channel-binding.js';
import type { ServerTarget } from './stream.js';

/** What a peer may leave unread before it counts as gone. */
const deafBacklog = 4_194_304;

export interface WireOptions {
  readonly target: ServerTarget;
  /** Where it was found: the only places we connect to. */
  readonly addresses: readonly string[];
  /** The account's domain: the name that a certificate must be for. */
  readonly domain: string;
  readonly tls: Omit<TlsSettings, 'host'>;
}

export interface WireHandler {
  /** Connected, and secured where it is TLS; called again when STARTTLS is done. */
  opened(): void;
  bytes(chunk: Buffer): void;
  drained(): void;
  /** Once, last: why it ended; undefined where either side just ended the connection. */
  closed(why: Failure | undefined): void;
}

export class Wire {
  readonly #options: WireOptions;
  readonly #handler: WireHandler;
  readonly #tls: TlsSettings;
  #socket: Socket | undefined;
  #secured: Secured | undefined;
  #over = false;
  #why: Failure | undefined;

  constructor(options: WireOptions, handler: WireHandler) {
    this.#options = options;
    this.#handler = handler;
    // Certificates and SNI speak of names in ASCII.
    const host = isIP(options.domain) === 0 ? domainToASCII(options.domain) : options.domain;
    this.#tls = { ...options.tls, host };
  }

  open(): void {
    const { target, addresses } = this.#options;
    const where = whereTo(target.host, target.port, addresses);
    const secured = target.directTls ? this.#tlsOptions({ ALPNProtocols: ['xmpp-client'] }) : undefined;
    if (secured === 'unusable') return;
    const socket = secured === undefined ? this.#plain(where) : this.#encrypted({ ...where, ...secured });
    socket.setNoDelay(true);
  }

  /** Begins TLS on the connection at hand; `opened` tells when it is done. Nothing may have been read past the consent. */
  upgrade(): void {
    const plain = this.#socket;
    if (plain === undefined || this.#over) return;
    const secured = this.#tlsOptions({});
    if (secured === 'unusable') return;
    for (const event of ['data', 'drain', 'error', 'close']) plain.removeAllListeners(event);
    plain.on('error', () => undefined);
    this.#encrypted({ ...secured, socket: plain });
  }

  /** The encrypted connection, for what is bound to it; undefined in clear. */
  get secured(): Secured | undefined {
    return this.#secured;
  }

  get backlog(): number {
    return this.#socket?.writableLength ?? 0;
  }

  write(text: string): void {
    const socket = this.#socket;
    if (socket === undefined || this.#over || !socket.writable) return;
    if (socket.writableLength > deafBacklog) {
      this.destroy(failure('timeout', 'The server does not read what we send.'));
      return;
    }
    // What is written in one turn leaves together.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => {
        socket.uncork();
      });
    }
    socket.write(text);
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Ends after what has been written; `closed` follows when the peer ends too. */
  finish(): void {
    this.#socket?.end();
  }

  destroy(why?: Failure): void {
    this.#why ??= why;
    this.#end();
  }

  #tlsOptions(more: ConnectionOptions): ConnectionOptions | 'unusable' {
    const options = tlsOptions(this.#tls);
    if (!('code' in options)) return { ...options, ...more };
    // A text that is no certificate. Told later, as every failure is: whoever opens the wire is not ready yet.
    setImmediate(() => {
      this.destroy(options);
    });
    return 'unusable';
  }

  #plain(where: TcpNetConnectOpts): Socket {
    const socket = connectTcp(where, () => {
      this.#opened();
    });
    return this.#listen(socket);
  }

  #encrypted(options: ConnectionOptions): Socket {
    const socket = connectTls(options, () => {
      // Nothing has been said yet, and nothing will be to a server that is not trusted.
      // Before it is judged: Node 20 hands the certificate out once.
      const { raw } = socket.getPeerCertificate() as Partial<PeerCertificate>;
      const why = distrust(socket, this.#tls);
      this.#secured = { socket, certificate: raw };
      if (why === undefined) this.#opened();
      else this.destroy(why);
    });
    return this.#listen(socket);
  }

  #listen(socket: Socket): Socket {
    this.#socket = socket;
    return socket
      .on('data', (chunk) => {
        if (!this.#over) this.#handler.bytes(chunk);
      })
      .on('drain', () => {
        if (!this.#over) this.#handler.drained();
      })
      .on('error', (error) => {
        this.#why ??= socketFailure(error);
      })
      .on('close', () => {
        this.#end();
      });
  }

  #opened(): void {
    if (!this.#over) this.#handler.opened();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket?.destroy();
    this.#handler.closed(this.#why);
  }
}
