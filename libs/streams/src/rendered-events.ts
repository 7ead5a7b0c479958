import type { EventId, WorkspaceId } from '#model';
import type { Clock } from '#platform';
import type { RenderedEvent } from './rendered-event.js';

/** So long is what was rendered for one reader given to others: a reconnecting crowd asks within moments. */
const ttlMs = 2_000;
const mostEvents = 5_000;
const mostSize = 16 * 1024 * 1024;

interface Kept {
  readonly workspace: WorkspaceId;
  readonly rendered: Promise<RenderedEvent>;
  readonly until: number;
  size: number;
}

/**
 * What was rendered a moment ago. An older rendering harms nobody: what has changed since has an event of its own, later
 * in the log. Only erasing must be told.
 */
export class RenderedEvents {
  // In the order of insertion, so the first is the oldest.
  readonly #kept = new Map<EventId, Kept>();
  #size = 0;

  constructor(private readonly clock: Clock) {}

  get(workspace: WorkspaceId, id: EventId, render: () => Promise<RenderedEvent>): Promise<RenderedEvent> {
    this.#shrink();
    const known = this.#kept.get(id);
    if (known) return known.rendered;
    const rendered = render();
    const kept = { workspace, rendered, until: this.clock.monotonic() + ttlMs, size: 0 };
    this.#kept.set(id, kept);
    rendered.then(
      ({ size }) => {
        if (this.#kept.get(id) !== kept) return;
        kept.size = size;
        this.#size += size;
      },
      () => {
        this.#drop(id, kept);
      },
    );
    return rendered;
  }

  /** Nothing of this workspace is given again; whoever waits for a rendering still gets it. */
  forget(workspace: WorkspaceId): void {
    for (const [id, kept] of this.#kept) if (kept.workspace === workspace) this.#drop(id, kept);
  }

  #shrink(): void {
    const now = this.clock.monotonic();
    for (const [id, kept] of this.#kept) {
      if (kept.until > now && this.#kept.size <= mostEvents && this.#size <= mostSize) return;
      this.#drop(id, kept);
    }
  }

  #drop(id: EventId, kept: Kept): void {
    if (this.#kept.get(id) !== kept) return;
    this.#kept.delete(id);
    this.#size -= kept.size;
  }
}
