import { statfs } from 'node:fs/promises';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from './clock.js';
import { logger } from './logger.js';

const log = logger('platform');

/** How much room there is for data. A test hands over its own. */
export abstract class FreeSpace {
  /** Bytes that this process may still use. */
  abstract bytes(): Promise<number>;
}

/** The file system of a directory. */
export class DiskSpace extends FreeSpace {
  constructor(private readonly directory: string) {
    super();
  }

  async bytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    return bavail * bsize;
  }
}

const megabyte = 1_000_000;

export interface SpaceGuardOptions {
  /** Below this, nothing new is taken; default 200 MB: room for what is under way, and for deleting. */
  readonly lowBytes?: number;
  /** How often to look; default every 5 s. */
  readonly everyMs?: number;
}

/**
 * Refuses new work before the disk is full, because a database that cannot write its own journal is at risk and one
 * that merely refuses is not. Opens again when there is a tenth more than the limit, so that it does not flap.
 */
export class SpaceGuard implements OnApplicationShutdown {
  readonly #low: number;
  readonly #every: number;
  #full = false;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(
    private readonly space: FreeSpace,
    private readonly clock: Clock,
    { lowBytes = 200 * megabyte, everyMs = 5_000 }: SpaceGuardOptions = {},
  ) {
    this.#low = lowBytes;
    this.#every = everyMs;
  }

  /** Whether there is too little room, as last seen. */
  get full(): boolean {
    return this.#full;
  }

  /** Looks now, and from now on. */
  async watch(): Promise<void> {
    await this.look();
    if (this.#closed) return;
    this.#cancel = this.clock.after(this.#every, () => void this.watch());
  }

  async look(): Promise<void> {
    let free: number;
    try {
      free = await this.space.bytes();
    } catch (err) {
      // Not knowing is no reason to refuse: the database itself says when it cannot write.
      log.warn({ err }, 'cannot tell how much space is free');
      return;
    }
    const full = free < (this.#full ? this.#low * 1.1 : this.#low);
    if (full !== this.#full) {
      const facts = { freeMegabytes: Math.floor(free / megabyte) };
      if (full) log.error(facts, 'too little free space: refusing new work');
      else log.info(facts, 'enough free space again');
    }
    this.#full = full;
  }

  onApplicationShutdown(): void {
    this.#closed = true;
    this.#cancel();
  }
}
