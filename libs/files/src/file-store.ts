import type { Readable } from 'node:stream';

/** Content that has come whole: every byte is on the disk (or wherever the store keeps it), but not yet to be found. */
export interface WholeContent {
  /** SHA-256, 32 bytes. */
  readonly hash: Buffer;
  /** Bytes. */
  readonly size: number;
}

/** A stretch of content, in bytes, both ends counted. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** There is no content by that hash: it was deleted, or never was. */
export class ContentGone extends Error {
  override readonly name = 'ContentGone';

  constructor(options?: ErrorOptions) {
    super('the content is not in the store', options);
  }
}

/**
 * Where the bytes of files are (a port): content by its own hash, the same content once. Knows nothing of names, people
 * or how often content is used. One suite, `describeFileStore`, says what every implementation keeps to.
 */
export abstract class FileStore {
  /**
   * Takes content in as it comes, in constant memory. When all of it is safe, and before it can be found, `agree` is
   * asked, which may write down that it will be there; then it is to be found under its hash, unless it was already.
   * Where the content throws, `agree` throws or the process dies, nothing is to be found, and what was written meanwhile
   * goes at the latest with `tidy`.
   * @throws whatever the content or `agree` threw, or StorageFull
   */
  abstract put(
    content: AsyncIterable<Uint8Array>,
    agree?: (whole: WholeContent) => Promise<void>,
  ): Promise<WholeContent>;

  /**
   * Opens content to be read, all of it or a stretch that lies within it. What is opened is read to its end even if it
   * is deleted meanwhile. To be destroyed by its reader.
   * @throws ContentGone
   */
  abstract open(hash: Uint8Array, range?: ByteRange): Promise<Readable>;

  /** Deletes content. What is not there is deleted already. */
  abstract delete(hash: Uint8Array): Promise<void>;

  /** Clears away what was being taken in when a process died, if it was begun before that time (milliseconds since 1970). */
  abstract tidy(before: number): Promise<void>;
}
