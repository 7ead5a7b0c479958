/* Addresses of this machine, and how addresses are written. */
import { createSocket } from 'node:dgram';
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** `udp4` or `udp6`, for an address. */
export function socketType(address: string): 'udp4' | 'udp6' {
  return isIPv6(address) ? 'udp6' : 'udp4';
}

/** Whether it stands for all addresses of the machine. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Without the zone of a link-local address, which means nothing to others. */
export function withoutZone(address: string): string {
  const at = address.indexOf('%');
  return at < 0 ? address : address.slice(0, at);
}

/** As it is written before a port. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${withoutZone(address)}]` : address;
}

/**
 * The address of ours from which the system would send to another: nothing is sent.
 * @throws the system's error where there is no way there.
 */
export async function localAddressTo(remote: string): Promise<string> {
  const socket = createSocket({ type: socketType(remote), lookup: itself });
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once('error', reject);
      // The port says nothing here: nothing is sent.
      socket.connect(9, remote, () => {
        resolve(socket.address().address);
      });
    });
  } finally {
    socket.close();
  }
}

/** As `localAddressTo`, at once and by the interfaces alone: the one in whose net the other is, or the first that others see. */
export function localAddressNear(remote: string): string {
  const family = isIPv6(remote) ? 'IPv6' : 'IPv4';
  const ours = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => one.family === family);
  const near = ours.find(({ address, cidr }) => {
    const net = new BlockList();
    const prefix = Number(cidr?.split('/')[1]);
    const version = family === 'IPv6' ? 'ipv6' : 'ipv4';
    if (!Number.isInteger(prefix)) return false;
    net.addSubnet(address, prefix, version);
    return net.check(withoutZone(remote), version);
  });
  const seen = near ?? ours.find(({ internal }) => !internal) ?? ours[0];
  return seen?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}

/** A `lookup` for sockets that are only ever given addresses: they need not wait for a turn to learn what they know. */
export function itself(
  host: string,
  _options: unknown,
  answer: (error: null, address: string, family: number) => void,
): void {
  answer(null, host, host.includes(':') ? 6 : 4);
}
