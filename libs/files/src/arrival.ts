/*
 * How a file comes in. Room for it is reserved in the tables before its bytes are taken, so that any number of uploads at
 * once stay within the quota; what was reserved belongs to a row with a time, so that the sweep gives it back where a
 * process died. Only when the content is whole, judged and in the store does the row become a file.
 */
import type { FileId } from '#model';
import { type Clock, type Database, logger, Problem } from '#platform';
import { Broken } from './broken.js';
import type { FileStore } from './file-store.js';
import { cleanName } from './file-names.js';
import {
  beginArrival,
  endArrival,
  extendArrival,
  nameContent,
  removeFile,
  usageOf,
  type Owner,
  type StoredFile,
} from './files.store.js';
import { headLength, judgeType } from './media-types.js';

const log = logger('files');

/** A reservation of which nothing is heard for so long belongs to a process that died. */
const leaseMs = 15 * 60_000;
/** How often an arrival that goes on says so. */
const renewMs = 60_000;
/** The first reservation for a file of unknown size; then twice as much each time. */
const firstBytes = 262_144;

/** What may come. */
export interface Limits {
  readonly maxBytes: number;
  readonly quotaBytes: number;
  /** How long a file is kept that no message carries. */
  readonly unusedMs: number;
}

/** A file on its way in, as its sender describes it. */
export interface Incoming extends Owner {
  readonly name: string;
  /** What its sender says it is; believed only where the content agrees. */
  readonly mediaType?: string;
  /** Exactly how many bytes there will be, where that was promised. */
  readonly size?: number;
  /** About how many bytes there will be. */
  readonly expected?: number;
  readonly content: AsyncIterable<Uint8Array>;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
}

export class Arrival {
  private reserved = 0;
  private taken = 0;
  private renewedAt: number;
  private readonly head: Buffer[] = [];
  private headTaken = 0;
  private readonly whose: Owner & { readonly id: FileId };

  constructor(
    private readonly id: FileId,
    private readonly incoming: Incoming,
    private readonly limits: Limits,
    private readonly database: Database,
    private readonly store: FileStore,
    private readonly clock: Clock,
  ) {
    this.whose = { id, workspace: incoming.workspace, person: incoming.person };
    this.renewedAt = clock.monotonic();
  }

  /** Takes it in. @throws Problem, Broken, StorageFull: then nothing of it is kept. */
  async take(): Promise<StoredFile> {
    const { size, expected = firstBytes } = this.incoming;
    if (size !== undefined && size > this.limits.maxBytes) throw this.tooLarge();
    await this.begin(size ?? Math.min(Math.max(1, expected), this.limits.maxBytes));
    try {
      const { size } = await this.store.put(this.metered(), ({ hash }) => this.name(hash));
      return await this.end(size);
    } catch (error) {
      await this.giveUp();
      throw error;
    }
  }

  private async begin(bytes: number): Promise<void> {
    const { size, name } = this.incoming;
    const { quotaBytes } = this.limits;
    const row = (bytes: number) => ({
      ...this.whose,
      name: cleanName(name),
      bytes,
      until: this.inMs(leaseMs),
    });
    const begin = (bytes: number) =>
      this.database.transaction((sql) => beginArrival(sql, row(bytes), quotaBytes));
    if (await begin(bytes)) this.reserved = bytes;
    // What was only expected may turn out to be less.
    else if (size !== undefined || !(await begin(0))) throw await this.overQuota();
  }

  /** The content, byte by byte accounted for before it is passed on. */
  private async *metered(): AsyncGenerator<Uint8Array, void, undefined> {
    const { content, size, signal } = this.incoming;
    for await (const chunk of untilAborted(content, signal)) {
      this.taken += chunk.byteLength;
      if (this.taken > this.limits.maxBytes) throw this.tooLarge();
      if (size !== undefined && this.taken > size) {
        throw new Problem(413, 'file-too-large', 'The file is larger than was announced.');
      }
      if (this.taken > this.reserved) await this.reserve();
      else if (this.clock.monotonic() - this.renewedAt > renewMs) await this.renew(0);
      if (this.headTaken < headLength) {
        this.head.push(Buffer.from(chunk.subarray(0, headLength - this.headTaken)));
        this.headTaken += Math.min(chunk.byteLength, headLength - this.headTaken);
      }
      yield chunk;
    }
    if (size !== undefined && this.taken < size)
      throw new Broken('The file ended before all of it had come.');
  }

  /** Room for what has been taken, with some to spare if there is any. */
  private async reserve(): Promise<void> {
    const ample = Math.min(Math.max(firstBytes, this.taken * 2), this.limits.maxBytes);
    if (await this.renew(ample - this.reserved)) return;
    if (await this.renew(this.taken - this.reserved)) return;
    throw await this.overQuota();
  }

  private async renew(more: number): Promise<boolean> {
    const outcome = await this.database.transaction((sql) =>
      extendArrival(sql, this.whose, more, this.inMs(leaseMs), this.limits.quotaBytes),
    );
    if (outcome === 'gone') throw silent();
    this.renewedAt = this.clock.monotonic();
    if (outcome === 'no-room') return false;
    this.reserved += more;
    return true;
  }

  /** From here on nobody removes the content, should it be there already. */
  private async name(hash: Buffer): Promise<void> {
    if (!(await this.database.transaction((sql) => nameContent(sql, this.id, hash)))) throw silent();
  }

  private async end(size: number): Promise<StoredFile> {
    const mediaType = judgeType(Buffer.concat(this.head), this.incoming.mediaType);
    const dueAt = this.inMs(this.limits.unusedMs);
    const file = await this.database.transaction((sql) =>
      endArrival(sql, this.whose, { mediaType, size, dueAt }),
    );
    if (!file) throw silent();
    return file;
  }

  /** What cannot be given back now, the sweep gives back. */
  private async giveUp(): Promise<void> {
    try {
      await this.database.transaction((sql) => removeFile(sql, this.whose, this.id, 'arriving'), {
        evenWhenFull: true,
      });
    } catch (err) {
      log.warn({ err, file: this.id }, 'what was reserved for a file stays so until the sweep');
    }
  }

  private inMs(ms: number): Date {
    return new Date(this.clock.now() + ms);
  }

  private tooLarge(): Problem {
    const { maxBytes } = this.limits;
    return new Problem(413, 'file-too-large', `A file may have at most ${String(maxBytes)} bytes.`, {
      members: { limit: maxBytes },
    });
  }

  private async overQuota(): Promise<Problem> {
    const { quotaBytes } = this.limits;
    return new Problem(
      409,
      'quota-exceeded',
      'Your files would take more room than you have: delete some first.',
      {
        members: { quota: quotaBytes, used: (await usageOf(this.database, this.incoming)) - this.reserved },
      },
    );
  }
}

function silent(): Broken {
  return new Broken('Nothing came of the file for too long.');
}

/** The content until the signal is given, also while its source hangs; the source is closed however the reading ends. */
async function* untilAborted(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = content[Symbol.asyncIterator]();
  let breakOff: (why: Broken) => void = () => undefined;
  const stop = (): void => {
    breakOff(new Broken('The transfer was broken off.'));
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      // A promise of its own for each piece: one for all, raced against, would hold every piece until the end.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        breakOff = reject;
        if (signal?.aborted === true) stop();
        source.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    if (error instanceof Broken || error instanceof Problem) throw error;
    throw new Broken('The transfer broke off.', { cause: error });
  } finally {
    signal?.removeEventListener('abort', stop);
    // Not waited for: a source that hangs does not answer this either.
    void source.return?.().catch(() => undefined);
  }
}
