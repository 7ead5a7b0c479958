import { Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { newId, type AccountId, type FileId, type WorkspaceId } from '#model';
import { Clock, Config, Database, Problem } from '#platform';
import { Arrival, type Incoming } from './arrival.js';
import { FileStore, type ByteRange } from './file-store.js';
import { FileSweep } from './file-sweep.js';
import { filesOf, findFiles, removeFile, usageOf, type Owner, type StoredFile } from './files.store.js';
import { isCarried } from './uses.store.js';

/** How long a file is kept that no message carries. */
const unusedMs = 86_400_000;

/** Files: taking them in, giving them out, letting them go. Who may see which is for the rooms above to say. */
@Injectable()
export class Files {
  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly store: FileStore,
    private readonly sweep: FileSweep,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes a file in as it comes: never in memory, within its owner's quota, judged by its content.
   * @throws Problem 413 `file-too-large`, 409 `quota-exceeded`
   * @throws Broken when the content broke off or fell short; StorageFull. Nothing of it is kept then.
   */
  async receive(incoming: Incoming): Promise<StoredFile> {
    const limits = {
      maxBytes: this.config.fileMaxBytes,
      quotaBytes: this.config.fileQuotaBytes,
      unusedMs,
    };
    const id = newId<'FileId'>(this.clock.now());
    const file = await new Arrival(id, incoming, limits, this.database, this.store, this.clock).take();
    this.sweep.wake(file.dueAt ?? undefined);
    return file;
  }

  /** Those of a workspace's files that are there. */
  async find(workspace: WorkspaceId, ids: readonly FileId[]): Promise<Map<FileId, StoredFile>> {
    return ids.length === 0 ? new Map() : await findFiles(this.database, workspace, ids);
  }

  /** A person's own files, the latest first. */
  async listOf(owner: Owner, before: FileId | undefined, limit: number): Promise<StoredFile[]> {
    return await filesOf(this.database, owner, before, limit);
  }

  /** How many bytes a person's files have, and may have. */
  async usageOf(owner: Owner): Promise<{ readonly used: number; readonly quota: number }> {
    return { used: await usageOf(this.database, owner), quota: this.config.fileQuotaBytes };
  }

  /** Whether a message of one of these accounts carries it. */
  async isCarried(file: FileId, accounts: Iterable<AccountId>): Promise<boolean> {
    return await isCarried(this.database, file, accounts);
  }

  /** Its content, or a stretch of it. @throws ContentGone */
  async open(file: Pick<StoredFile, 'hash'>, range?: ByteRange): Promise<Readable> {
    return await this.store.open(file.hash, range);
  }

  /**
   * Deletes a file of its owner that no message carries.
   * @throws Problem 409 `file-in-use`, 404
   */
  async remove(owner: Owner, id: FileId): Promise<void> {
    const outcome = await this.database.transaction((sql) => removeFile(sql, owner, id, 'unused'), {
      evenWhenFull: true,
    });
    if (outcome === 'not-there') throw noFile();
    if (outcome === 'used') {
      throw new Problem(
        409,
        'file-in-use',
        'A message carries this file: it goes when the last such message is retracted or erased.',
      );
    }
    this.sweep.wake();
  }
}

export function noFile(): Problem {
  return new Problem(404, 'not-found', 'There is no such file.');
}
