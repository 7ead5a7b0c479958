import type { Occupant, OccupancyChange, SessionClock } from '#connector';

interface Change {
  /** `fresh`: came within this very moment, so that nobody has been told of them. */
  readonly joined: Map<string, { readonly occupant: Occupant; readonly fresh: boolean }>;
  readonly left: Set<string>;
}

/**
 * Comings and goings, gathered for a moment per room: a netsplit is thousands of lines and should be one delta.
 * Who came and went within the moment leaves no trace.
 */
export class Occupancy {
  readonly #clock: SessionClock;
  readonly #afterMs: number;
  readonly #tell: (conversation: string, change: OccupancyChange) => void;
  readonly #changes = new Map<string, Change>();
  #cancel: (() => void) | undefined;

  constructor(
    clock: SessionClock,
    afterMs: number,
    tell: (conversation: string, change: OccupancyChange) => void,
  ) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#tell = tell;
  }

  /** @param isNew whether they were not there before; else something about them has changed. */
  joined(conversation: string, occupant: Occupant, isNew: boolean): void {
    const change = this.#change(conversation);
    const { address } = occupant;
    const fresh = change.joined.get(address)?.fresh ?? (isNew && !change.left.has(address));
    change.left.delete(address);
    change.joined.set(address, { occupant, fresh });
  }

  left(conversation: string, address: string): void {
    const change = this.#change(conversation);
    const came = change.joined.get(address);
    change.joined.delete(address);
    if (came?.fresh !== true) change.left.add(address);
  }

  close(): void {
    this.#cancel?.();
    this.#changes.clear();
  }

  #change(conversation: string): Change {
    this.#cancel ??= this.#clock.after(this.#afterMs, () => {
      this.#flush();
    });
    let change = this.#changes.get(conversation);
    if (change === undefined) {
      change = { joined: new Map(), left: new Set() };
      this.#changes.set(conversation, change);
    }
    return change;
  }

  #flush(): void {
    this.#cancel = undefined;
    const changes = [...this.#changes];
    this.#changes.clear();
    for (const [conversation, { joined, left }] of changes) {
      if (joined.size === 0 && left.size === 0) continue;
      this.#tell(conversation, {
        ...(joined.size > 0 && { joined: [...joined.values()].map(({ occupant }) => occupant) }),
        ...(left.size > 0 && { left: [...left] }),
      });
    }
  }
}
