import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Metrics } from './metrics.js';

/** What we use of Fastify. */
interface Server {
  addHook(
    name: 'onResponse',
    hook: (
      request: { readonly method: string; readonly routeOptions: { readonly url?: string } },
      reply: { readonly statusCode: number; readonly elapsedTime: number },
      done: () => void,
    ) => void,
  ): unknown;
}

/** How long requests took, by route. */
@Injectable()
export class HttpMetrics implements OnModuleInit {
  constructor(
    private readonly metrics: Metrics,
    private readonly host: HttpAdapterHost,
  ) {}

  onModuleInit(): void {
    const seconds = this.metrics.histogram(
      'http_request_duration_seconds',
      'From the request’s head to the last byte of the answer.',
      [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      ['method', 'route', 'status'],
    );
    // A process without a gateway may have no HTTP at all.
    const server = (this.host.httpAdapter as typeof this.host.httpAdapter | undefined)?.getInstance<
      Partial<Server>
    >();
    server?.addHook?.('onResponse', ({ method, routeOptions }, { statusCode, elapsedTime }, done) => {
      // The pattern, not the address: bounded in number, and nobody's name in it.
      seconds.observe({ method, route: routeOptions.url ?? 'none', status: statusCode }, elapsedTime / 1_000);
      done();
    });
  }
}
