import type { FileOutcome, InboundFile, SessionContext } from '#connector';
import { failure, newId, type AccountId, type Failure, type FileId } from '#model';

/** A file that was taken in, with what its sender said of it and what came. */
export interface ReceivedFile {
  readonly account: AccountId;
  readonly file: InboundFile;
  readonly bytes: Buffer;
}

/** The files of a house in memory: takes them in as the contract says, up to a size, or refuses them all. */
export class TestFiles {
  /** Every file that was stored, in order. */
  readonly received: ReceivedFile[] = [];
  /** The files that messages carry, by id. */
  readonly held = new Map<
    FileId,
    { readonly name: string; readonly mediaType: string; readonly bytes: Uint8Array }
  >();
  /** Refuses every file from now on. */
  refusal: Failure | undefined;
  /** The most bytes of one file. */
  limit = 1_048_576;

  /** As `SessionContext.files.receive`. */
  readonly receive: SessionContext['files']['receive'] = async (account, file, content, signal) => {
    if (this.refusal) return refused(this.refusal);
    if (file.size !== undefined && file.size > this.limit) return refused(failure('too-large'));
    const most = Math.min(file.size ?? this.limit, this.limit);
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of abortable(content, signal)) {
        size += chunk.byteLength;
        if (size > most) return refused(failure('too-large'));
        chunks.push(chunk);
      }
    } catch (error) {
      return refused(failure('network-unreachable', error instanceof Error ? error.message : undefined));
    }
    if (file.size !== undefined && size < file.size) {
      return refused(failure('network-unreachable', 'The file ended before all of it had come.'));
    }
    this.received.push({ account, file, bytes: Buffer.concat(chunks) });
    const { name, mediaType = 'application/octet-stream' } = file;
    return { outcome: 'stored', attachment: { name, mediaType, size, file: newId<'FileId'>() } };
  };

  /** As `SessionContext.files.read`. */
  readonly read: SessionContext['files']['read'] = (_account, file) => {
    const held = this.held.get(file);
    if (held === undefined) return Promise.resolve(undefined);
    const { name, mediaType, bytes } = held;
    return Promise.resolve({ name, mediaType, size: bytes.length, content: piecesOf(bytes) });
  };
}

/** Bytes in pieces, as a disk gives them. */
async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    yield await Promise.resolve(bytes.subarray(at, at + 65_536));
  }
}

function refused(why: Failure): FileOutcome {
  return { outcome: 'refused', failure: why };
}

/** The content until the signal is given; it is closed however the reading ends, also while it waits for its source. */
async function* abortable(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = content[Symbol.asyncIterator]();
  let breakOff: (why: Error) => void = () => undefined;
  const stop = (): void => {
    breakOff(new Error('The transfer was broken off.'));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        breakOff = reject;
        if (signal.aborted) stop();
        source.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    // Not waited for: a source that hangs does not answer this either.
    void source.return?.().catch(() => undefined);
  }
}
