import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock, Database, logger } from '#platform';
import { noteTokenUse } from './credential.store.js';

const everyMs = 60_000;
const log = logger('accounts');

/** When tokens were last used, written down once a minute: a write per request would double the load. */
@Injectable()
export class TokenUse implements OnModuleDestroy {
  #used = new Map<string, Date>();
  #cancel: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  note(token: string): void {
    this.#used.set(token, new Date(this.clock.now()));
    this.#cancel ??= this.clock.after(everyMs, () => {
      void this.flush();
    });
  }

  /** Writes down what is noted. Never rejects: losing a minute of this harms nobody. */
  async flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    const used = this.#used;
    if (used.size === 0) return;
    this.#used = new Map();
    try {
      await noteTokenUse(this.database, used);
    } catch (err) {
      log.warn({ err, tokens: used.size }, 'the last use of tokens could not be written down');
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.flush();
  }
}
