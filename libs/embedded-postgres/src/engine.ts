import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { prepareArchive, unpackCluster } from './archive.js';
import { Reply } from './backend.js';
import { initialisation, parameters } from './parameters.js';
import { concat, dataRows, query, type Bytes } from './wire.js';

/** The engine cannot go on. What it has committed is in its files; it must be opened again, in a fresh worker. */
export class EngineDied extends Error {
  override readonly name = 'EngineDied';
}

export interface EngineOptions {
  readonly dataDir: string;
  /** What a new database starts from. */
  readonly archive?: Uint8Array | string;
  /** Called at once, from inside the engine, when it has panicked: nothing may run after that. Must not return. */
  readonly panicked: (why: string) => never;
}

/** One PGlite, spoken to in protocol messages. One batch at a time; the caller's thread stands still meanwhile. */
export class Engine {
  /** The connection whose unnamed prepared statement the session holds; any simple query drops it. */
  unnamedStatementOf: number | undefined;

  private constructor(private readonly database: PGlite) {}

  /** Opens the database, making it where there is none. Throws with the engine's own last words. */
  static async open(options: EngineOptions): Promise<Engine> {
    const lastWords: string[] = [];
    const common = {
      extensions: { pg_trgm },
      initDbStartParams: initialisation,
      startParams: parameters(PGlite.defaultStartParams),
      onStderr: (line: string): boolean => {
        const [, level, words = ''] = /\b(PANIC|FATAL|DETAIL|HINT|^postgres):\s+(.*)$/.exec(line) ?? [];
        if (level === undefined) return false;
        lastWords.push(words);
        // After a panic the code goes on as if it had been caught, into a database that is no longer sound.
        if (level === 'PANIC') options.panicked(words);
        return false;
      },
    };
    try {
      if (options.dataDir.startsWith('memory://')) {
        const archive = await readArchive(options.archive);
        const loadDataDir = archive && new Blob([archive], { type: 'application/gzip' });
        return new Engine(await PGlite.create({ ...common, ...(loadDataDir ? { loadDataDir } : {}) }));
      }
      const cluster = join(options.dataDir, 'cluster');
      if (!existsSync(cluster)) {
        await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
        const archive = (await readArchive(options.archive)) ?? (await prepareArchive());
        unpackCluster(archive, cluster);
      }
      await chmod(cluster, 0o700); // the engine itself makes files that anybody may read
      return new Engine(await PGlite.create({ ...common, dataDir: cluster }));
    } catch (error) {
      if (lastWords.length === 0) throw error;
      throw new EngineDied(lastWords.join('; '), { cause: error });
    }
  }

  /**
   * Runs one batch. Pieces of the answer go to the sink as they come.
   * @param answered whether the batch must end in ReadyForQuery, as all do but those that end in Flush.
   * @param tag what to call a RESET that stands for another statement.
   */
  async run(batch: Uint8Array, sink: (piece: Bytes) => void, answered = true, tag?: string): Promise<Reply> {
    const reply = new Reply(sink, tag);
    try {
      await this.database.execProtocolRawStream(batch, {
        syncToFs: false, // a real file system needs none
        onRawData: (chunk) => {
          reply.push(chunk);
        },
      });
    } catch (error) {
      throw new EngineDied('the engine left in the middle of a statement', { cause: error });
    }
    // It swallows traps of its code: that an answer has no end is the only trace they leave.
    if (!reply.end() || (answered && reply.status === undefined))
      throw new EngineDied('the engine broke off its answer');
    return reply;
  }

  /** Runs a batch of the room's own, outside of any connection; returns the whole answer. */
  async ask(sql: string): Promise<{ reply: Reply; rows: (string | null)[][] }> {
    const pieces: Bytes[] = [];
    const reply = await this.run(query(sql), (piece) => pieces.push(piece));
    this.unnamedStatementOf = undefined;
    return { reply, rows: dataRows(concat(pieces)) };
  }

  /** The whole database as it stands, as a gzipped tar. */
  async dump(): Promise<Uint8Array> {
    await this.ask('CHECKPOINT');
    const tar = await this.database.dumpDataDir('gzip');
    return new Uint8Array(await tar.arrayBuffer());
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

async function readArchive(archive: Uint8Array | string | undefined): Promise<Buffer | undefined> {
  if (archive === undefined) return undefined;
  return typeof archive === 'string' ? readFile(archive) : Buffer.from(archive);
}
