import { Injectable } from '@nestjs/common';
import { EphemeralFrame, maxWatched } from '#api';
import { Ephemerals } from '#bus';
import type { AccountId, ConversationId, Ephemeral, WorkspaceId } from '#model';
import { logger, Problem } from '#platform';

const log = logger('streams');

/** Where a conversation is on its network; what sessions say of it, they say under this address. */
export interface Watched {
  readonly conversation: ConversationId;
  readonly account: AccountId;
  readonly address: string;
}

/** Somebody who looks. */
export interface Watcher {
  readonly workspace: WorkspaceId;
  readonly accounts: ReadonlySet<AccountId>;
  /** Takes an `EphemeralFrame` as JSON. */
  ephemeral(frame: string): void;
}

/** Some present state was lost on its way: whoever looks asks anew. */
export const missedFrame = JSON.stringify({ type: 'missed' } satisfies EphemeralFrame);

/**
 * Who looks at what: present state (presence, typing, occupancy) goes to those who look at it and may see the account,
 * and to nobody else. One subscription per workspace, for as long as somebody there looks.
 */
@Injectable()
export class Watches {
  readonly #boards = new Map<WorkspaceId, Board>();

  constructor(private readonly ephemerals: Ephemerals) {}

  /** Begins to look at nothing; disposing ends it. */
  join(watcher: Watcher): Watch {
    return new Watch(watcher, {
      take: () => this.#board(watcher.workspace),
      leave: (board) => {
        if (!board.isEmpty || this.#boards.get(watcher.workspace) !== board) return;
        this.#boards.delete(watcher.workspace);
        board.close();
      },
    });
  }

  /** How many logs' present state is listened to here. */
  get count(): number {
    return this.#boards.size;
  }

  #board(workspace: WorkspaceId): Board {
    const known = this.#boards.get(workspace);
    if (known) return known;
    const board = new Board();
    board.close = this.ephemerals.subscribe(
      workspace,
      (ephemeral) => {
        board.tell(ephemeral);
      },
      () => {
        board.missed();
      },
    );
    this.#boards.set(workspace, board);
    return board;
  }
}

/** What one watcher looks at. */
export class Watch implements Disposable {
  readonly #conversations = new Map<ConversationId, Watched>();
  #roster = false;

  constructor(
    private readonly watcher: Watcher,
    private readonly boards: { take(): Board; leave(board: Board): void },
  ) {}

  /** @throws Problem 429 `too-many-watched` */
  conversation(watched: Watched): void {
    const known = this.#conversations.get(watched.conversation);
    if (!known && this.#conversations.size >= maxWatched) {
      throw new Problem(429, 'too-many-watched', `A stream may watch ${String(maxWatched)} conversations.`);
    }
    const board = this.boards.take();
    if (known) board.remove(known, this.watcher);
    this.#conversations.set(watched.conversation, watched);
    board.add(watched, this.watcher);
  }

  isWatching(conversation: ConversationId): boolean {
    return this.#conversations.has(conversation);
  }

  noConversation(conversation: ConversationId): void {
    const known = this.#conversations.get(conversation);
    if (!known) return;
    this.#conversations.delete(conversation);
    const board = this.boards.take();
    board.remove(known, this.watcher);
    this.boards.leave(board);
  }

  roster(look: boolean): void {
    if (look === this.#roster) return;
    this.#roster = look;
    const board = this.boards.take();
    for (const account of this.watcher.accounts) {
      if (look) board.addRoster(account, this.watcher);
      else board.removeRoster(account, this.watcher);
    }
    this.boards.leave(board);
  }

  [Symbol.dispose](): void {
    this.roster(false);
    for (const conversation of [...this.#conversations.keys()]) this.noConversation(conversation);
  }
}

/** The watchers of one workspace, found by what they look at. */
class Board {
  /** By place, then by conversation: one place is one conversation, but for the moment in which an address changes hands. */
  readonly #places = new Map<string, Map<ConversationId, Set<Watcher>>>();
  readonly #rosters = new Map<AccountId, Set<Watcher>>();
  close: () => void = () => undefined;

  get isEmpty(): boolean {
    return this.#places.size === 0 && this.#rosters.size === 0;
  }

  add({ conversation, account, address }: Watched, watcher: Watcher): void {
    const place = placeOf(account, address);
    const there = this.#places.get(place) ?? new Map<ConversationId, Set<Watcher>>();
    this.#places.set(place, there);
    enter(there, conversation, watcher);
  }

  remove({ conversation, account, address }: Watched, watcher: Watcher): void {
    const place = placeOf(account, address);
    const there = this.#places.get(place);
    if (!there) return;
    leave(there, conversation, watcher);
    if (there.size === 0) this.#places.delete(place);
  }

  addRoster(account: AccountId, watcher: Watcher): void {
    enter(this.#rosters, account, watcher);
  }

  removeRoster(account: AccountId, watcher: Watcher): void {
    leave(this.#rosters, account, watcher);
  }

  missed(): void {
    const everybody = new Set<Watcher>();
    for (const there of [...this.#places.values(), this.#rosters]) {
      for (const watchers of there.values()) for (const watcher of watchers) everybody.add(watcher);
    }
    for (const watcher of everybody) watcher.ephemeral(missedFrame);
  }

  tell({ type, audience, data }: Ephemeral): void {
    if (audience.kind !== 'account') return;
    const { account } = audience;
    if (type === 'presence') {
      const { address, presence, note, since } = data;
      const state = without({ presence, note, since });
      give(without({ type, account, address, presence: state }), this.#rosters.get(account));
      return;
    }
    const { conversation: address } = data;
    if (typeof address !== 'string') return;
    const shown = type === 'occupancy' ? { joined: [], left: [], ...data } : data;
    for (const [conversation, watchers] of this.#places.get(placeOf(account, address)) ?? []) {
      give({ ...shown, type, account, conversation }, watchers);
    }
  }
}

/** What was not said is left out. */
function without(said: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** Written once for all who look. */
function give(shown: object, watchers: ReadonlySet<Watcher> | undefined): void {
  if (!watchers) return;
  const frame = EphemeralFrame.safeParse(shown);
  if (!frame.success) {
    log.warn({ issues: frame.error.issues }, 'an ephemeral has not the shape of one');
    return;
  }
  const text = JSON.stringify(frame.data);
  for (const watcher of watchers) watcher.ephemeral(text);
}

function placeOf(account: AccountId, address: string): string {
  return `${account} ${address}`;
}

function enter<K>(index: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  index.set(key, (index.get(key) ?? new Set<Watcher>()).add(watcher));
}

function leave<K>(index: Map<K, Set<Watcher>>, key: K, watcher: Watcher): void {
  const watchers = index.get(key);
  watchers?.delete(watcher);
  if (watchers?.size === 0) index.delete(key);
}
