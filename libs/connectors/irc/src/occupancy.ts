import type { Occupant, OccupancyChange, SessionClock } from '#connector';

/**
 * Comings and goings, gathered for a moment per room: a netsplit is thousands of lines and should be one delta.
 * Who came and went within the moment leaves no trace.
 */
export class Occupancy {
  readonly #clock: SessionClock;
  readonly #afterMs: number;
  readonly #tell: (conversation: string, change: OccupancyChange) => void;
  readonly #changes = new Map<string, { joined: Map<string, Occupant>; left: Set<string> }>();
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

  joined(conversation: string, occupant: Occupant): void {
    const change = this.#change(conversation);
    change.left.delete(occupant.address);
    change.joined.set(occupant.address, occupant);
  }

  left(conversation: string, address: string): void {
    const change = this.#change(conversation);
    change.joined.delete(address);
    change.left.add(address);
  }

  close(): void {
    this.#cancel?.();
    this.#changes.clear();
  }

  #change(conversation: string): { joined: Map<string, Occupant>; left: Set<string> } {
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
      this.#tell(conversation, {
        ...(joined.size > 0 && { joined: [...joined.values()] }),
        ...(left.size > 0 && { left: [...left] }),
      });
    }
  }
}
