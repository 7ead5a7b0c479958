import { mkdirSync } from 'node:fs';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Clock, SystemClock } from './clock.js';
import { Config } from './config.js';
import { Database } from './database.js';
import { startEngine } from './engine.js';
import { DiskSpace, FreeSpace, SpaceGuard } from './free-space.js';
import { Health } from './health.js';
import { HttpMetrics } from './http-metrics.js';
import { Metrics } from './metrics.js';
import { openDatabase } from './open-database.js';
import { OperationsController } from './operations.controller.js';
import { PlatformHealth } from './platform-health.js';
import { ProblemFilter } from './problem.filter.js';
import { openSecretBox, SecretBox } from './secret-box.js';

/**
 * What every room may ask for: injectable everywhere. Import it before all others: it is ready before they start, and
 * closes after them.
 */
@Global()
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: PlatformModule,
      controllers: [OperationsController],
      providers: [
        { provide: Config, useValue: config },
        { provide: Clock, useClass: SystemClock },
        { provide: FreeSpace, useFactory: () => new DiskSpace(dataDirectory(config)) },
        { provide: SpaceGuard, useFactory: guardSpace, inject: [Config, FreeSpace, Clock] },
        {
          provide: Database,
          useFactory: async (clock: Clock, guard: SpaceGuard) => {
            dataDirectory(config);
            return await openDatabase(await startEngine(config), clock, { guard });
          },
          inject: [Clock, SpaceGuard],
        },
        { provide: SecretBox, useFactory: () => openSecretBox(config) },
        { provide: APP_FILTER, useClass: ProblemFilter },
        Metrics,
        HttpMetrics,
        Health,
        PlatformHealth,
      ],
      exports: [Config, Clock, Database, SecretBox, Metrics, Health],
    };
  }
}

/** Made at the first start, for its user only. */
function dataDirectory({ dataDir }: Config): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return dataDir;
}

/** A server of its own watches its own disk. */
async function guardSpace(config: Config, space: FreeSpace, clock: Clock): Promise<SpaceGuard> {
  const guard = new SpaceGuard(space, clock);
  if (config.databaseUrl === undefined) await guard.watch();
  return guard;
}
