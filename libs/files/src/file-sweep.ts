import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DueSweep, type Sweep } from '#bus';
import { Clock, Database, logger } from '#platform';
import { FileStore } from './file-store.js';
import { dueFiles, forgetContent, keepNamed, lockDueContent, nextDue, removeFile } from './files.store.js';

const log = logger('files');

/** Files or contents that one turn looks at; where there are more, the next turn follows at once. */
const atOnce = 100;
/** How often to look for what a dead process left half written, and from which age on it is. */
const tidyMs = 3_600_000;
const staleMs = 86_400_000;

/**
 * Lets go of files that nothing needs: uploads that no message carries a day later, those whose last message was erased,
 * arrivals that were broken off, and content that no file has.
 */
@Injectable()
export class FileSweep implements OnModuleInit {
  #sweep: Sweep | undefined;
  #tidiedAt = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly store: FileStore,
    private readonly due: DueSweep,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.#sweep = this.due.add('files', () => this.run());
  }

  /** Runs it now, or at that time. */
  wake(at?: Date): void {
    this.#sweep?.wake(at);
  }

  /** One turn. @returns when the next file or content is due */
  async run(): Promise<Date | undefined> {
    const now = new Date(this.clock.now());
    const files = await dueFiles(this.database, now, atOnce);
    for (const { id, arriving, ...owner } of files) {
      await this.database.transaction(
        (sql) => removeFile(sql, owner, id, arriving ? 'arriving' : 'unused', now),
        { evenWhenFull: true },
      );
    }
    let contents = 0;
    while (contents < atOnce && (await this.collect(now))) contents++;
    await this.tidy();
    return files.length === atOnce || contents === atOnce ? now : await nextDue(this.database);
  }

  /**
   * Deletes one content that no file names, bytes first, while its row is locked: whoever brings the same content waits,
   * and then writes it anew. A crash in between leaves a row without bytes that no file names, to be found again.
   */
  private async collect(now: Date): Promise<boolean> {
    return await this.database.transaction(
      async (sql) => {
        const hash = await lockDueContent(sql, now);
        if (!hash) return false;
        if (await keepNamed(sql, hash)) return true;
        await this.store.delete(hash);
        await forgetContent(sql, hash);
        return true;
      },
      { evenWhenFull: true },
    );
  }

  private async tidy(): Promise<void> {
    if (this.clock.monotonic() - this.#tidiedAt < tidyMs) return;
    this.#tidiedAt = this.clock.monotonic();
    await this.store.tidy(this.clock.now() - staleMs).catch((err: unknown) => {
      log.warn({ err }, 'could not clear away what was left half written');
    });
  }
}
