import { Injectable } from '@nestjs/common';
import type { Principal } from '#accounts';
import { Files, noFile, type StoredFile } from '#files';
import type { FileId } from '#model';
import { Sight } from './sight.js';

/** Who may see a file: whoever uploaded it, and whoever may see a message that carries it (DESIGN.md, law 11). */
@Injectable()
export class FileSight {
  constructor(
    private readonly files: Files,
    private readonly sight: Sight,
  ) {}

  /** Those of some files that are there and that the caller may see. */
  async of(principal: Principal, ids: readonly FileId[]): Promise<Map<FileId, StoredFile>> {
    const found = await this.files.find(principal.workspace, ids);
    const others = [...found.values()].filter(({ person }) => person !== principal.person);
    if (others.length === 0) return found;
    const { accounts } = await this.sight.of(principal);
    for (const { id } of others) if (!(await this.files.isCarried(id, accounts))) found.delete(id);
    return found;
  }

  /** @throws Problem 404 `not-found`, the same for somebody else's file as for one that never was */
  async mustSee(principal: Principal, id: FileId): Promise<StoredFile> {
    const file = (await this.of(principal, [id])).get(id);
    if (!file) throw noFile();
    return file;
  }
}
