import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { socketType } from './addresses.js';
import type { Listening, ListenWhere } from './places.js';
import type { Ports } from './ports.js';
import { StreamFlow } from './stream.js';

export interface ListenLimits {
  /** Connections that others have made to one port of ours, at once: 1,000. */
  readonly connections: number;
  /** As many of them from one address: 200. */
  readonly connectionsPerAddress: number;
}

/** A port on which others make connections. */
export class StreamListener implements Listening {
  readonly transport: 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(where: ListenWhere, server: Server, sockets: Set<Socket>) {
    this.transport = where.transport === 'tls' ? 'tls' : 'tcp';
    const address = server.address();
    const isPlace = address !== null && typeof address === 'object';
    this.host = isPlace ? address.address : where.host;
    this.port = isPlace ? address.port : where.port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** @throws the system's error where the port cannot be had. */
  static async listen(where: ListenWhere, limits: ListenLimits, ports: Ports): Promise<StreamListener> {
    const sockets = new Set<Socket>();
    const counts = new Map<string, number>();
    const isTls = where.transport === 'tls';
    const welcome = (socket: Socket): void => {
      // Reset before its turn came.
      if (socket.remoteAddress === undefined) socket.destroy();
      else new StreamFlow(socket, ports, { isAccepted: true });
    };
    const server: Server = isTls
      ? createTlsServer({ handshakeTimeout: ports.timers.connectMs, ...where.tls }, welcome)
      : createTcpServer(welcome);
    server.maxConnections = limits.connections;
    // Before the handshake: who never ends it counts as well.
    server.prependListener('connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      const address = socket.remoteAddress ?? '';
      const others = counts.get(address) ?? 0;
      if (others >= limits.connectionsPerAddress) {
        socket.destroy();
        return;
      }
      counts.set(address, others + 1);
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        const left = (counts.get(address) ?? 1) - 1;
        if (left > 0) counts.set(address, left);
        else counts.delete(address);
      });
    });
    server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const ipv6Only = socketType(where.host) === 'udp6';
      server.listen({ host: where.host, port: where.port, ipv6Only }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Of one connection that could not be taken.
    server.on('error', () => undefined);
    return new StreamListener(where, server, sockets);
  }

  async close(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    for (const socket of this.#sockets) socket.destroy();
    await gone;
  }
}
