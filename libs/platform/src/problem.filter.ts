import type { ServerResponse } from 'node:http';
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { logger } from './logger.js';
import { problemOf } from './problem-of.js';
import { renderProblem } from './problem.js';

const log = logger('platform');

/** What we use of Fastify's request and reply. */
interface Request {
  readonly method: string;
  readonly routeOptions?: { readonly url?: string };
}
export interface Reply {
  readonly sent: boolean;
  readonly raw: ServerResponse;
  code(status: number): this;
  headers(fields: Readonly<Record<string, string>>): this;
  send(body: Uint8Array): unknown;
}

/** Every error of every route becomes a problem document; those that are ours become a line in the log as well. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const problem = problemOf(error);
    // By the route's pattern: what stands in its place may be somebody's name.
    const request = host.getArgByIndex<Request>(0);
    const facts = { method: request.method, route: request.routeOptions?.url, code: problem.code };
    if (problem.code === 'internal') {
      log.error({ ...facts, instance: problem.more.instance, err: error }, 'a request failed');
    } else if (problem.status >= 500) {
      log.warn({ ...facts, err: error }, 'a request could not be served');
    }
    const reply = host.getArgByIndex<Reply>(1);
    if (reply.sent || reply.raw.headersSent) {
      // An answer that has begun can only be broken off, so that nobody takes it for whole.
      reply.raw.destroy();
      return;
    }
    const { status, headers, body } = renderProblem(problem);
    // As bytes: to text Fastify would add a charset, which JSON has none of (RFC 8259 §11).
    reply.code(status).headers(headers).send(Buffer.from(body));
  }
}
