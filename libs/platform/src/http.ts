import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Config } from './config.js';
import { problemOf } from './problem-of.js';
import { Problem, renderProblem } from './problem.js';
import type { Reply } from './problem.filter.js';
import { watchBodies } from './slow-bodies.js';

/** The largest body that is taken where a route does not say otherwise in its `config`. */
export const bodyLimit = 1_048_576;

/** Bodies that are handed over as streams. */
const streamed = ['multipart/form-data', 'application/octet-stream'];

/** HTTP as this server speaks it: bounded in every direction, and answering with problem documents from the first byte. */
export function createHttpAdapter(config: Pick<Config, 'trustProxy'>): FastifyAdapter {
  const adapter = new FastifyAdapter({
    bodyLimit,
    // Longer than the 60 s after which a reverse proxy usually lets go, so that it never sends into a closing socket.
    keepAliveTimeout: 72_000,
    trustProxy: config.trustProxy.length > 0 ? [...config.trustProxy] : false,
    // While shutting down, a request that has come in is answered as ever.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1_024 },
    logger: false,
    frameworkErrors: (error: Error, _request: unknown, reply: unknown) => {
      const { status, headers, body } = renderProblem(problemOf(error));
      (reply as Reply).code(status).headers(headers).send(Buffer.from(body));
    },
    clientErrorHandler: answerBadRequest,
  });
  const fastify = adapter.getInstance();
  // What may be larger than memory reaches its route as it comes; routes that want JSON refuse it there.
  fastify.addContentTypeParser(streamed, (_request, body, done) => {
    done(null, body);
  });
  fastify.addHook('onRoute', (route) => {
    const { bodyLimit: own } = (route.config ?? {}) as { bodyLimit?: number };
    if (own !== undefined) route.bodyLimit = own;
  });
  watchBodies(fastify, (socket) => {
    answerBadRequest(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
  });
  return adapter;
}

/** What is no HTTP never becomes a request: the answer is written by hand. */
function answerBadRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new Problem(408, 'timeout', 'the request took too long to arrive')
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? new Problem(431, 'headers-too-large', 'the header fields are too large')
        : new Problem(400, 'bad-request', 'this is not HTTP');
  const { status, headers, body } = renderProblem(problem);
  const fields = { ...headers, 'content-length': String(Buffer.byteLength(body)), connection: 'close' };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${head.join('')}\r\n${body}`);
}
