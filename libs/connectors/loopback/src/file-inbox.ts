import type { FileOutcome, SessionContext } from '#connector';
import type { AccountId } from '#model';
import type { Inbound } from './inlet.js';

/** A file that a message brings, or what somebody looks like, as it came. */
export interface BroughtFile {
  readonly name: string;
  readonly mediaType?: string;
  readonly bytes: Buffer;
}

/** Something that came in, maybe with a file. */
export interface Arrived extends Inbound {
  readonly file?: BroughtFile;
}

/**
 * Passes on what comes in, in order. A message that brings a file waits until the house has taken the file, and
 * everything behind it waits too; meanwhile the transport is paused, so that no more than a chunk of it waits here.
 */
export class FileInbox {
  private line: Promise<void> | undefined;
  private stop = new AbortController();

  constructor(
    private readonly files: SessionContext['files'],
    private readonly pass: (items: readonly Inbound[]) => void,
    private readonly hold: (on: boolean) => void,
  ) {}

  take(items: readonly Arrived[]): void {
    if (this.line === undefined && items.every(({ file }) => file === undefined)) {
      this.pass(items);
      return;
    }
    const { signal } = this.stop;
    this.hold(true);
    const line = (this.line ?? Promise.resolve()).then(() => this.handOver(items, signal));
    this.line = line;
    void line.then(() => {
      if (this.line !== line) return;
      this.line = undefined;
      this.hold(false);
    });
  }

  /** Forgets what waits: the peer will deliver it again. */
  clear(): void {
    this.stop.abort();
    this.stop = new AbortController();
    this.line = undefined;
  }

  private async handOver(items: readonly Arrived[], signal: AbortSignal): Promise<void> {
    const whole: Inbound[] = [];
    for (const { file, ...item } of items) {
      if (signal.aborted) return;
      whole.push(file ? await this.withFile(item, file, signal) : item);
    }
    if (!signal.aborted) this.pass(whole);
  }

  private async withFile(item: Inbound, file: BroughtFile, signal: AbortSignal): Promise<Inbound> {
    const { event } = item;
    if (event.type !== 'message' && event.type !== 'identity') return item;
    const outcome = await this.receive(event.account, file, signal);
    if (event.type === 'identity') {
      return outcome.outcome === 'stored'
        ? { ...item, event: { ...event, avatar: outcome.attachment } }
        : item;
    }
    const content =
      outcome.outcome === 'stored'
        ? { ...event.content, attachments: [outcome.attachment] }
        : { ...event.content, text: `${event.content.text} [${file.name}: ${outcome.failure.code}]`.trim() };
    return { ...item, event: { ...event, content } };
  }

  private receive(account: AccountId, file: BroughtFile, signal: AbortSignal): Promise<FileOutcome> {
    const { bytes, ...about } = file;
    return this.files.receive(account, { ...about, size: bytes.length }, inPieces(bytes), signal);
  }
}

/** As a socket would bring them. */
async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    await Promise.resolve();
    yield bytes.subarray(at, at + 65_536);
  }
}
