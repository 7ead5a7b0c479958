import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Database } from './database.js';
import { isUnavailable } from './database.errors.js';
import { Health, type Finding } from './health.js';
import { MigrationError, missingMigrations, readMigrations } from './migrations.js';

/** What must be true of the database, asked anew each time. */
@Injectable()
export class PlatformHealth implements OnModuleInit {
  readonly #migrations = readMigrations();

  constructor(
    private readonly health: Health,
    private readonly database: Database,
  ) {}

  onModuleInit(): void {
    this.health.register('database', () => this.#reachable());
    this.health.register('migrations', () => this.#migrated());
    this.health.register('storage', () => Promise.resolve(this.#room()));
  }

  async #reachable(): Promise<Finding> {
    try {
      await this.database.query('SELECT 1');
      return { status: 'ok' };
    } catch (error) {
      if (isUnavailable(error)) return { status: 'down', why: 'the database cannot be reached' };
      throw error;
    }
  }

  async #migrated(): Promise<Finding> {
    try {
      const missing = await missingMigrations(this.database, this.#migrations);
      return missing.length === 0
        ? { status: 'ok' }
        : { status: 'down', why: `missing: ${missing.map(({ name }) => name).join(', ')}` };
    } catch (error) {
      // A newer version has come beside us and migrated: we go on until we are replaced.
      if (error instanceof MigrationError) return { status: 'degraded', why: error.message };
      if (isUnavailable(error)) return { status: 'down', why: 'the database cannot be reached' };
      throw error;
    }
  }

  #room(): Finding {
    return this.database.full
      ? { status: 'degraded', why: 'too little free space: what is new is refused' }
      : { status: 'ok' };
  }
}
