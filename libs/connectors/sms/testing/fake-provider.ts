/* A provider over HTTP in this process: answers as it is told, breaks off on demand, and remembers what it was asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Given {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** `cut`: the connection breaks when the whole request is there. `silent`: there is never an answer. */
export type Manners = Given | 'cut' | 'silent';

export class FakeProvider implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** What the next requests get instead of an answer of `answer`. */
  readonly next: Manners[] = [];
  /** Whether a connection ends with its answer. */
  isBrief = false;
  #server: Server | undefined;
  #port = 0;

  /** @param answer what a request gets; it may be called at any time */
  constructor(private readonly answer: (asked: Asked) => Given) {}

  static async start(answer: (asked: Asked) => Given): Promise<FakeProvider> {
    const provider = new FakeProvider(answer);
    await provider.up();
    return provider;
  }

  /** Without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** Listens, on the port of before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => {
      this.#take(request, response);
    });
    await new Promise<void>((ready, fail) => {
      server.once('error', fail).listen(this.#port, '127.0.0.1', ready);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nothing listens any more. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((closed) => {
      if (server)
        server.close(() => {
          closed();
        });
      else closed();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const asked: Asked = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', this.url),
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      this.asked.push(asked);
      const manners = this.next.shift() ?? this.answer(asked);
      if (manners === 'silent') return;
      if (manners === 'cut') {
        request.socket.destroy();
        return;
      }
      const brief = this.isBrief ? { connection: 'close' } : {};
      response.writeHead(manners.status, { ...brief, ...manners.headers }).end(manners.body);
    });
  }
}
