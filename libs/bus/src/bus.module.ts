import { Clock, Config, Database, Health } from '#platform';
import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { DueSweep } from './due-sweep.js';
import { Ephemerals } from './ephemerals.js';
import { EventLog } from './event-log.js';
import { Jobs } from './jobs.js';
import { LogReaders } from './log-readers.js';
import { PostgresWire } from './postgres.wire.js';
import { Requests } from './requests.js';
import { Signals } from './signals.js';
import { NoWire, Wire } from './wire.js';

const parts = [EventLog, LogReaders, Signals, Requests, Ephemerals, Jobs, DueSweep];

/** What happens and who hears of it: injectable everywhere, imported once. */
@Global()
@Module({
  providers: [{ provide: Wire, useFactory: openWire, inject: [Config, Database, Clock, Health] }, ...parts],
  exports: parts,
})
export class BusModule implements OnApplicationShutdown {
  constructor(private readonly wire: Wire) {}

  async onApplicationShutdown(): Promise<void> {
    await this.wire.close();
  }
}

async function openWire(config: Config, database: Database, clock: Clock, health: Health): Promise<Wire> {
  if (config.redisUrl !== undefined) {
    // Some megabytes that an installation without Redis does not spend.
    const { RedisWire } = await import('./redis.wire.js');
    const wire = new RedisWire(config.redisUrl);
    health.register('redis', () => Promise.resolve(wire.health()));
    return wire;
  }
  return database.engine === 'postgres' ? new PostgresWire(database, clock) : new NoWire();
}
