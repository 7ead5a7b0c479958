import { createSocket } from 'node:dgram';
import { freePort } from './peer.js';

/** A free loopback port, of TCP and of UDP; `freePort` says why below those of outgoing connections. */
export async function freeSipPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (await isFreeUdpPort(port)) return port;
  }
}

/** Whether nobody on 127.0.0.1 has this UDP port. */
export async function isFreeUdpPort(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const isFree = await new Promise<boolean>((told) => {
    socket
      .once('error', () => {
        told(false);
      })
      .bind(port, '127.0.0.1', () => {
        told(true);
      });
  });
  await new Promise<void>((closed) => {
    socket.close(closed);
  });
  return isFree;
}
