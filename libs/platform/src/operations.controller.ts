import { Controller, Get, Header, Res } from '@nestjs/common';
import { Health, type HealthReport } from './health.js';
import { Metrics } from './metrics.js';
import type { Reply } from './problem.filter.js';

/** What whoever runs this asks: alive? ready? how is it doing? */
@Controller()
export class OperationsController {
  constructor(
    private readonly health: Health,
    private readonly metrics: Metrics,
  ) {}

  /** Liveness: the process answers. Restarting it would not mend a database that is away, so that is not asked here. */
  @Get('healthz')
  @Header('cache-control', 'no-store')
  alive(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  /** Readiness: 200 when work may be sent here, degraded or not; 503 when not. Each check says how it stands. */
  @Get('readyz')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) reply: Reply): Promise<HealthReport> {
    const report = await this.health.report();
    if (report.status === 'down') reply.code(503);
    return report;
  }

  @Get('metrics')
  @Header('cache-control', 'no-store')
  async numbers(@Res({ passthrough: true }) reply: Reply): Promise<string> {
    reply.headers({ 'content-type': this.metrics.contentType });
    return await this.metrics.text();
  }
}
