import type { Access, AskingRequest, Authenticator, Principal } from '#accounts';
import { closeCodes, type ResetReason } from '#api';
import { encodeCursor } from '#bus';
import type { AccountId, ConversationId, WorkspaceId } from '#model';
import { logger, Problem, type Clock } from '#platform';
import { RendererClosed } from './event-renderer.js';
import type { EventFeed, EventFeeds, FeedItem } from './event-feeds.js';
import type { WatchedPlaces } from './watched-places.js';
import { missedFrame, type Watch, type Watcher, type Watches } from './watches.js';
import type { Wire } from './wire.js';

const log = logger('streams');

/** Bytes that may lie unread before no more is written. */
const mostLying = 256 * 1024;
/** How long a peer may take to make room, and how long it may take to hear a goodbye. */
const patienceMs = 30_000;
const goodbyeMs = 5_000;

/** Rights that were read from a memory of some seconds are looked at once more after this. */
const settledMs = 5_000;

/** Close codes of RFC 6455 §7.4.1 and its registry. */
const normal = 1000;
const failed = 1011;
const restarting = 1012;

/** What sessions need of the house. */
export interface SessionRooms {
  readonly feeds: EventFeeds;
  readonly access: Access;
  readonly authenticator: Authenticator;
  readonly watches: Watches;
  readonly places: WatchedPlaces;
  readonly clock: Clock;
}

/**
 * One open stream: a reader of the log whose far end is a client.
 *
 * Slow peers. Events are written while at most 256 KiB lie unread; past that the log is not read on, so a slow peer
 * costs that much, the batch of events that was begun, and no more. One that takes nothing of it for 30 s is closed as `slow`; it resumes by cursor. Present
 * state is not written to a peer that lags: it is told that it missed some.
 *
 * Rights. Whoever asked is asked for again when their rights change, and every half a minute: a token taken back closes
 * the stream, an account gained or lost resets it.
 */
export class StreamSession implements Watcher {
  readonly workspace: WorkspaceId;
  readonly watch: Watch;
  #feed: EventFeed | undefined;
  #ended = false;
  #missed = false;
  #making: Promise<boolean> | undefined;

  /**
   * @param principal who asked with `asking`; may read.
   * @param accounts what they may see.
   */
  constructor(
    private readonly rooms: SessionRooms,
    readonly principal: Principal,
    readonly accounts: ReadonlySet<AccountId>,
    private readonly asking: AskingRequest,
    readonly wire: Wire,
  ) {
    this.workspace = principal.workspace;
    this.watch = rooms.watches.join(this);
    wire.onGone(() => {
      this.#end();
    });
  }

  /** Streams until the peer goes or is sent away. Never rejects. */
  async run(since: bigint | undefined): Promise<void> {
    if (this.#ended) return;
    const { workspace, person } = this.principal;
    const feed = this.rooms.feeds.open(workspace, { person, accounts: this.accounts }, since);
    this.#feed = feed;
    // What changed while the peer was let in, and what had not yet been heard of here.
    void this.recheck();
    const cancel = this.rooms.clock.after(settledMs, () => void this.recheck());
    try {
      // The first word: the client is let in.
      if (since !== undefined) this.wire.heartbeat(encodeCursor(since));
      for await (const batch of feed) {
        for (const item of batch) {
          if (this.#isEnded()) return;
          this.#give(item);
          if (!(await this.room())) return;
        }
      }
    } catch (err) {
      if (this.#isEnded()) return;
      if (err instanceof RendererClosed) this.restart();
      else {
        log.error({ err, workspace }, 'a stream failed');
        this.end(failed, 'something went wrong here');
      }
    } finally {
      cancel();
      this.end(normal, 'the log ended');
    }
  }

  /** Resolves when there is room to write; false when the stream has ended meanwhile. */
  async room(): Promise<boolean> {
    if (this.wire.lying <= mostLying) return !this.#ended;
    this.#making ??= this.#makeRoom();
    return await this.#making;
  }

  ephemeral(frame: string): void {
    if (this.#ended) return;
    if (!this.#missed && this.wire.lying <= mostLying) {
      this.wire.ephemeral(frame);
      return;
    }
    this.#missed = true;
    void this.room().then((open) => {
      if (!open || !this.#missed) return;
      this.#missed = false;
      this.wire.ephemeral(missedFrame);
    });
  }

  /** Looks whether the peer lives and may still see what it sees. Never rejects. */
  async checkUp(): Promise<void> {
    if (!this.wire.checkAlive()) this.wire.cut();
    else await this.recheck();
  }

  /** Looks whether the peer may still see what it sees. Never rejects. */
  async recheck(): Promise<void> {
    if (this.#ended) return;
    try {
      const { workspace, person, scopes } = await this.rooms.authenticator.authenticate(this.asking);
      const accounts = await this.rooms.access.accountsOf(workspace, person);
      if (!scopes.has('read')) this.end(closeCodes.notAllowed, 'this needs the scope read');
      else if (!sameSet(accounts, this.accounts)) this.#reset('access');
    } catch (err) {
      if (err instanceof Problem && err.status === 401) this.end(closeCodes.notSignedIn, err.code);
      else if (err instanceof Problem && err.status === 403) this.end(closeCodes.notAllowed, err.code);
      // The database is away for a moment: nobody is sent away for that.
      else log.debug({ err }, 'cannot look whether a stream may go on');
    }
  }

  /** This process goes: another one, or this one in a moment, takes over from the cursor. */
  restart(): void {
    this.end(restarting, 'the server restarts');
  }

  /** Says goodbye. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#end();
    this.wire.close(code, reason);
    const cancel = this.rooms.clock.after(goodbyeMs, () => {
      this.wire.cut();
    });
    this.wire.onGone(cancel);
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.watch[Symbol.dispose]();
    void this.#letGo();
  }

  async #letGo(): Promise<void> {
    try {
      await this.#feed?.[Symbol.asyncDispose]();
    } catch (err) {
      log.debug({ err }, 'a stream ended with an error');
    }
  }

  /** A method, for the compiler believes a property to stay as it was last seen. */
  #isEnded(): boolean {
    return this.#ended;
  }

  #give(item: FeedItem): void {
    switch (item.kind) {
      case 'event':
        this.wire.event(item.event.cursor, item.event.frame(item.prev, this.principal.person));
        if (item.event.type === 'conversation.changed') this.#follow(item.event.subject as ConversationId);
        return;
      case 'heartbeat':
        this.wire.heartbeat(encodeCursor(item.sequence));
        return;
      case 'reset':
        this.#reset(item.reason);
    }
  }

  #reset(reason: ResetReason): void {
    if (this.#ended) return;
    this.wire.reset(reason);
    this.end(normal, `reset: ${reason}`);
  }

  /** What is watched may have another address now. */
  #follow(conversation: ConversationId): void {
    if (!this.watch.isWatching(conversation)) return;
    this.rooms.places.find(this.principal, conversation).then(
      (watched) => {
        if (!this.#ended && this.watch.isWatching(conversation)) this.watch.conversation(watched);
      },
      (err: unknown) => {
        log.debug({ err }, 'cannot look where a watched conversation is now');
      },
    );
  }

  async #makeRoom(): Promise<boolean> {
    const cancel = this.rooms.clock.after(patienceMs, () => {
      this.end(closeCodes.slow, 'too slow: resume by cursor');
    });
    await this.wire.drained();
    cancel();
    this.#making = undefined;
    return !this.#ended;
  }
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((each) => b.has(each));
}
