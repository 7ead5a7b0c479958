import type { AccountId, LogEvent, PersonId, WorkspaceId } from '#model';
import { logger, type Clock, type Database } from '#platform';
import type { ReaderScope } from './event-log.js';
import { eventLogStore as store } from './event-log.store.js';

const log = logger('bus');

/** Whoever is handed events as they happen. */
export interface Follower {
  readonly scope: ReaderScope;
  /** The next event that it may see; events come in order. */
  take(event: LogEvent): void;
  /** The tail has lost the thread: the follower is let go and must read the log itself. */
  letGo(): void;
}

const pageSize = 500;
const retryMs = 1_000;

/**
 * Reads the log of one workspace once for all its readers in this process, from the moment it was opened, and hands each
 * event to those who may see it. Somebody else wakes it; a wake-up that comes while it reads makes it look once more.
 */
export class LogTail {
  readonly #accounts = new Map<AccountId, Set<Follower>>();
  readonly #people = new Map<PersonId, Set<Follower>>();
  readonly #followers = new Set<Follower>();
  #position: bigint | undefined;
  #reading = false;
  #again = false;
  #closed = false;
  #cancelRetry: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly workspace: WorkspaceId,
  ) {}

  /** Everything up to here has been handed out; undefined until the log has been seen for the first time. */
  get position(): bigint | undefined {
    return this.#position;
  }

  /** Sets out from a number that the caller has just read as the head's. */
  startAt(head: bigint): void {
    if (this.#position !== undefined) return;
    this.#position = head;
    // Woken while it did not know where to begin: what woke it may lie behind that head.
    if (this.#again) this.wake();
  }

  /** From now on the follower gets every event after `position` that it may see. */
  follow(follower: Follower): void {
    this.#followers.add(follower);
    for (const account of follower.scope.accounts) enter(this.#accounts, account, follower);
    enter(this.#people, follower.scope.person, follower);
  }

  leave(follower: Follower): void {
    if (!this.#followers.delete(follower)) return;
    for (const account of follower.scope.accounts) remove(this.#accounts, account, follower);
    remove(this.#people, follower.scope.person, follower);
  }

  wake(): void {
    this.#again = true;
    if (this.#reading || this.#closed || this.#position === undefined) return;
    this.#reading = true;
    void this.#read();
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
  }

  async #read(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        if (await this.#readPage()) this.#again = true;
      }
    } catch (err) {
      // The readers stay: they miss nothing, they only hear later.
      log.warn({ err, workspace: this.workspace }, 'cannot read the log, trying again');
      this.#cancelRetry?.();
      this.#cancelRetry = this.clock.after(retryMs, () => {
        this.wake();
      });
    } finally {
      // In the same turn as the last look at #again, so that no wake-up falls between.
      this.#reading = false;
    }
  }

  /** Whether there is more to read. */
  async #readPage(): Promise<boolean> {
    const position = this.#position ?? 0n;
    const { events, head, floor, reached } = await store.everything(
      this.database,
      this.workspace,
      position,
      pageSize,
    );
    // This process stood still for so long that retention overtook it, or the workspace is gone.
    const lost = floor > position || head < position;
    if (lost) for (const follower of [...this.#followers]) this.#letGo(follower);
    else for (const event of events) this.#hand(event);
    this.#position = lost ? head : reached;
    return this.#position < head;
  }

  #hand(event: LogEvent): void {
    const followers =
      event.audience.kind === 'account'
        ? this.#accounts.get(event.audience.account)
        : this.#people.get(event.audience.person);
    for (const follower of followers ?? []) follower.take(event);
  }

  #letGo(follower: Follower): void {
    this.leave(follower);
    follower.letGo();
  }
}

function enter<K>(index: Map<K, Set<Follower>>, key: K, follower: Follower): void {
  const followers = index.get(key);
  if (followers) followers.add(follower);
  else index.set(key, new Set([follower]));
}

function remove<K>(index: Map<K, Set<Follower>>, key: K, follower: Follower): void {
  const followers = index.get(key);
  followers?.delete(follower);
  if (followers?.size === 0) index.delete(key);
}
