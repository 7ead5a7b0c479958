import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { isWildcard, itself, socketType } from './addresses.js';
import { NotSent, type Hop } from './places.js';
import type { Ports } from './ports.js';
import { StreamFlow } from './stream.js';

/**
 * A connection to a hop, the TLS handshake done and judged.
 * @param signal gives up.
 * @param whenOver told when the connection that stood is over.
 * @throws NotSent
 */
export async function connectTo(
  hop: Hop,
  ports: Ports,
  signal: AbortSignal,
  whenOver: () => void,
): Promise<StreamFlow> {
  const { address, port, from, tls } = hop;
  const isTls = hop.transport === 'tls';
  const local = from !== undefined && !isWildcard(from.host) ? from.host : undefined;
  const where = {
    host: address,
    port,
    lookup: itself,
    ...(local !== undefined && socketType(local) === socketType(address) && { localAddress: local }),
  };
  let socket: Socket;
  try {
    socket = isTls ? connectTls({ ...tls?.options, ...where }) : connectTcp(where);
  } catch (error) {
    throw NotSent.from(error);
  }
  let giveUp = (): void => undefined;
  const stands = new Promise<void>((resolve, reject) => {
    socket.once(isTls ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new NotSent('the connection was closed before it stood'));
    });
    giveUp = () => {
      reject(new NotSent('given up'));
    };
    signal.addEventListener('abort', giveUp);
  });
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = ports.clock.after(ports.timers.connectMs, () => {
      reject(new NotSent('no connection in time', 'ETIMEDOUT'));
    });
  });
  try {
    await Promise.race([stands, late]);
    const distrust = isTls ? tls?.judge?.(socket as TLSSocket) : undefined;
    if (distrust !== undefined) throw new NotSent(distrust);
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw NotSent.from(error);
  } finally {
    cancel?.();
    signal.removeEventListener('abort', giveUp);
  }
  return new StreamFlow(socket, ports, { isAccepted: false, whenOver });
}
