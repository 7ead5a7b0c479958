import type { WorkspaceId } from '#model';
import { Clock, Database, logger } from '#platform';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { logChannel, type ReaderScope } from './event-log.js';
import { eventLogStore as store } from './event-log.store.js';
import { TailedReader, type LogReader, type ReaderOptions } from './log-reader.js';
import { LogTail } from './log-tail.js';
import { Signals } from './signals.js';

const log = logger('bus');

/** What a lost signal costs. */
const pollMs = 2_000;

interface OpenTail {
  readonly tail: LogTail;
  readonly readers: Set<TailedReader>;
  close(): void;
}

/** The live readers of this process: one tail per workspace that somebody reads, however many they are. */
@Injectable()
export class LogReaders implements BeforeApplicationShutdown {
  readonly #tails = new Map<WorkspaceId, OpenTail>();
  #cancelPoll: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly signals: Signals,
  ) {}

  /**
   * Reads a log from behind the number `since`, or from now on. The scope must have been read after `since` was: what
   * the person was allowed or refused in between is a reset, what came before is not seen.
   */
  open(
    workspace: WorkspaceId,
    scope: ReaderScope,
    since: bigint | undefined,
    options: ReaderOptions = {},
  ): LogReader {
    if (this.#closed) throw new Error('the readers are closed');
    const open = this.#tailOf(workspace);
    const reader = new TailedReader(
      this.database,
      this.clock,
      open.tail,
      workspace,
      scope,
      since,
      options,
      () => {
        open.readers.delete(reader);
        if (open.readers.size > 0) return;
        open.close();
        if (this.#tails.get(workspace) === open) this.#tails.delete(workspace);
        if (this.#tails.size === 0) this.#cancelPoll?.();
      },
    );
    open.readers.add(reader);
    if (this.#tails.size === 1 && open.readers.size === 1) this.#pollLater();
    return reader;
  }

  /** How many readers there are and how many logs they read. */
  get counts(): { readonly readers: number; readonly tails: number } {
    let readers = 0;
    for (const open of this.#tails.values()) readers += open.readers.size;
    return { readers, tails: this.#tails.size };
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#closed = true;
    const readers = [...this.#tails.values()].flatMap((open) => [...open.readers]);
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  }

  #tailOf(workspace: WorkspaceId): OpenTail {
    const known = this.#tails.get(workspace);
    if (known) return known;
    const tail = new LogTail(this.database, this.clock, workspace);
    const unsubscribe = this.signals.subscribe(logChannel(workspace), () => {
      tail.wake();
    });
    const open: OpenTail = {
      tail,
      readers: new Set(),
      close() {
        unsubscribe();
        tail.close();
      },
    };
    this.#tails.set(workspace, open);
    return open;
  }

  #pollLater(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = this.clock.after(pollMs, () => {
      void this.#poll().finally(() => {
        if (this.#tails.size > 0) this.#pollLater();
      });
    });
  }

  /** One question for all logs that are read here. */
  async #poll(): Promise<void> {
    try {
      const heads = await store.heads(this.database, [...this.#tails.keys()]);
      for (const [workspace, { tail }] of this.#tails) {
        if (heads.get(workspace) !== tail.position) tail.wake();
      }
    } catch (err) {
      log.debug({ err }, 'cannot look whether the logs have grown, trying again');
    }
  }
}
