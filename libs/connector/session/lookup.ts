import { isIP, type LookupFunction, type TcpNetConnectOpts } from 'node:net';

/**
 * A `lookup` for sockets and requests that answers with the addresses of a turn, whatever the name resolves to by now: the
 * name stays the one that the certificate must be for.
 */
export function lookupAmong(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, answer) => {
    const [first] = found;
    if (first === undefined) answer(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), '', 4);
    else if (options.all === true) answer(null, found);
    else answer(null, first.address, first.family);
  };
}

/** Where a socket is to connect: to the addresses of a turn and nowhere else. */
export function whereTo(host: string, port: number, addresses: readonly string[]): TcpNetConnectOpts {
  const [only] = addresses;
  return {
    // With one address there is nothing to look up; with several, Node tries them one after another (RFC 8305).
    host: addresses.length === 1 && only !== undefined ? only : host,
    port,
    lookup: lookupAmong(addresses),
  };
}
