import type { Ephemeral, WorkspaceId } from '#model';
import { Clock } from '#platform';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { JsonLike } from './json.js';
import { Signals } from './signals.js';

/** Short enough to feel immediate, long enough that a burst is one message. */
const windowMs = 50;
/** Per signal: far below what a wire carries. */
const mostAtOnce = 200;
const longestSignal = 48_000;

interface Item {
  readonly ephemeral: Ephemeral;
  /** As JSON. */
  readonly length: number;
}

interface Waiting {
  readonly items: Map<string, Item>;
  unnamed: number;
}

/**
 * Present state on its way to those who look: presence, typing, occupancy. Never stored, never numbered, the latest
 * wins. The first goes at once; what follows within 50 ms goes together, and of those about the same thing only the last.
 */
@Injectable()
export class Ephemerals implements OnModuleDestroy {
  readonly #waiting = new Map<WorkspaceId, Waiting>();
  readonly #cancels = new Set<() => void>();

  constructor(
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {}

  /**
   * Tells everybody who looks at the workspace.
   * @param key what it is about, within its type and audience: a later one replaces it while it waits. Without a key it
   * replaces nothing and is replaced by nothing, as deltas need.
   */
  publish(workspace: WorkspaceId, ephemeral: Ephemeral, key?: string): void {
    const item = { ephemeral, length: JSON.stringify(ephemeral).length };
    const waiting = this.#waiting.get(workspace);
    if (!waiting) {
      this.#send(workspace, [item]);
      this.#waiting.set(workspace, { items: new Map(), unnamed: 0 });
      this.#later(workspace);
      return;
    }
    const { type, audience } = ephemeral;
    const name = key === undefined ? String(waiting.unnamed++) : JSON.stringify([type, audience, key]);
    // Behind what else was said meanwhile: the order of the latest words is kept.
    waiting.items.delete(name);
    waiting.items.set(name, item);
    if (waiting.items.size >= mostAtOnce) this.#flush(workspace, waiting);
  }

  /** `missed` is called when some may have been lost on the way: ask anew for what is being looked at. */
  subscribe(
    workspace: WorkspaceId,
    handler: (ephemeral: Ephemeral) => void,
    missed: () => void = () => undefined,
  ): () => void {
    return this.signals.subscribe(channelOf(workspace), (payload) => {
      if (!Array.isArray(payload)) missed();
      else for (const item of payload as unknown as readonly Ephemeral[]) handler(item);
    });
  }

  onModuleDestroy(): void {
    for (const cancel of this.#cancels) cancel();
    for (const [workspace, waiting] of this.#waiting) this.#flush(workspace, waiting);
    this.#waiting.clear();
  }

  #later(workspace: WorkspaceId): void {
    const cancel = this.clock.after(windowMs, () => {
      this.#cancels.delete(cancel);
      const waiting = this.#waiting.get(workspace);
      if (!waiting || waiting.items.size === 0) {
        this.#waiting.delete(workspace);
        return;
      }
      this.#flush(workspace, waiting);
      this.#later(workspace);
    });
    this.#cancels.add(cancel);
  }

  #flush(workspace: WorkspaceId, waiting: Waiting): void {
    const items = [...waiting.items.values()];
    waiting.items.clear();
    if (items.length > 0) this.#send(workspace, items);
  }

  #send(workspace: WorkspaceId, items: readonly Item[]): void {
    let batch: Ephemeral[] = [];
    let length = 0;
    const send = (): void => {
      if (batch.length > 0) this.signals.publish(channelOf(workspace), batch as unknown as JsonLike);
      batch = [];
      length = 0;
    };
    for (const item of items) {
      if (length + item.length > longestSignal) send();
      batch.push(item.ephemeral);
      length += item.length;
    }
    send();
  }
}

function channelOf(workspace: WorkspaceId): string {
  return `ephemeral:${workspace}`;
}
