/* Where the servers of a domain are. */
import type { ServerTarget } from './stream.js';

/** The domain itself, on the port for clients (RFC 6120 §3.2.2). */
export async function findServers(domain: string): Promise<readonly ServerTarget[]> {
  return Promise.resolve([{ host: domain, port: 5222, directTls: false }]);
}
