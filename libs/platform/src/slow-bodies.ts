/*
 * A client that dribbles must not hold anything for long, and one that sends a large file must not be cut off because
 * the file is large. So there is no time by which a body has to have come, but a speed: 30 s are free, and every 16 KiB
 * buy another second. (Node's own `requestTimeout` knows only the first kind of limit.)
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

const freeMs = 30_000;
const bytesPerMs = 16.384;
/** How often to look again at one that is fast enough. */
const againMs = 10_000;

interface Hooks {
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse },
      done: () => void,
    ) => void,
  ): unknown;
}

/** Cuts off requests whose bodies come too slowly; `answer` may say so and has to end the socket. */
export function watchBodies(server: Hooks, answer: (socket: Socket) => void): void {
  server.addHook('onRequest', (request, reply, done) => {
    // A request that a test injects comes over no socket.
    if (hasBody(request.raw) && request.raw.socket instanceof Socket) watch(request.raw, reply.raw, answer);
    done();
  });
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function watch(request: IncomingMessage, response: ServerResponse, answer: (socket: Socket) => void): void {
  const { socket } = request;
  const begun = performance.now();
  const before = socket.bytesRead;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    if (request.complete || socket.destroyed) return;
    const earned = freeMs + (socket.bytesRead - before) / bytesPerMs;
    // Whoever was answered long ago and still sends is not listened to any more.
    if (response.writableEnded || response.headersSent) socket.destroy();
    else if (performance.now() - begun >= earned) answer(socket);
    else lookIn(againMs);
  };
  const lookIn = (ms: number): void => {
    timer = setTimeout(look, ms).unref();
  };
  lookIn(freeMs);
  request.once('close', () => {
    clearTimeout(timer);
  });
}
