import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { freePort } from './peer.js';

/** A free loopback port, of TCP and of UDP; `freePort` says why below those of outgoing connections. */
export async function freeSipPort(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (await isFreeUdpPort(port)) return port;
  }
}

/**
 * Whether somebody has a UDP port by now. Whoever tried it by taking it could keep it from the one who is waited for; Linux
 * has a list.
 */
export async function isTakenUdpPort(port: number): Promise<boolean> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = (await readFile('/proc/net/udp', 'utf8')).split('\n');
  return sockets.some((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${wanted}`));
}

async function isFreeUdpPort(port: number): Promise<boolean> {
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
