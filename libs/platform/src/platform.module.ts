import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock, SystemClock } from './clock.js';
import { Config } from './config.js';
import { Database } from './database.js';
import { Health } from './health.js';
import { Metrics } from './metrics.js';
import { SecretBox } from './secret-box.js';

/** What every room may ask for: injectable everywhere, imported once. */
@Global()
@Module({})
export class PlatformModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: Config, useValue: config },
        { provide: Clock, useClass: SystemClock },
        { provide: Database, useFactory: (): Database => fail() },
        { provide: SecretBox, useFactory: (): SecretBox => fail() },
        Metrics,
        Health,
      ],
      exports: [Config, Clock, Database, SecretBox, Metrics, Health],
    };
  }
}

function fail(): never {
  throw new Error('not built yet');
}
