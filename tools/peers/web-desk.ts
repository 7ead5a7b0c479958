/*
 * A web server that keeps what it is told, as gateways tell it by GET and POST: raw, because a text's octets may be in
 * any charset.
 */
import { createServer } from 'node:http';

/** One request, as it came. */
export interface Told {
  readonly method: string;
  readonly path: string;
  /** Its query, each value as octets. */
  readonly query: Readonly<Record<string, Buffer>>;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export interface WebDesk extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Everything told so far, in order. */
  readonly told: readonly Told[];
  /** What the next ones are answered; 200 at first. */
  status: number;
}

/** Opens one on a free loopback port. */
export async function openWebDesk(): Promise<WebDesk> {
  const told: Told[] = [];
  const desk = { status: 200 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [path = '', query = ''] = (request.url ?? '').split('?', 2);
      told.push({
        method: request.method ?? '',
        path,
        query: octets(query),
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      response.writeHead(desk.status, { connection: 'close' }).end();
    });
  });
  await new Promise<void>((ready, fail) => {
    server.once('error', fail).listen(0, '127.0.0.1', ready);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(desk, {
    url: `http://127.0.0.1:${String(address.port)}`,
    told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  });
}

function octets(query: string): Record<string, Buffer> {
  return Object.fromEntries(
    query.split('&').map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [name, plainOctets(value)];
    }),
  );
}

/** What was escaped for a URL: octets, which need not be UTF-8. */
export function plainOctets(escaped: string): Buffer {
  const plain = escaped
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}
