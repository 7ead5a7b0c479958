import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Signals, type JsonLike } from '#bus';
import type { PersonId, WorkspaceId } from '#model';

/** The channel on which a change of somebody's rights is told: `{workspace, person}`. */
export const accessChannel = 'access';

/** Whose rights may have changed; everybody's, when a signal does not say or some may have been lost. */
export type Concern = 'everybody' | { readonly workspace: WorkspaceId; readonly person: PersonId };

/**
 * Tells that somebody's role, credentials or accounts changed: here at once, in the other processes by signal. A lost
 * signal costs what the caches' short lives cost.
 */
@Injectable()
export class AccessChanges implements OnModuleInit, OnModuleDestroy {
  readonly #listeners = new Set<(concern: Concern) => void>();
  #unsubscribe: (() => void) | undefined;

  constructor(private readonly signals: Signals) {}

  onModuleInit(): void {
    this.#unsubscribe = this.signals.subscribe(accessChannel, (payload) => {
      this.tell(concernOf(payload));
    });
  }

  onModuleDestroy(): void {
    this.#unsubscribe?.();
  }

  /** Listeners are called in the order in which they came. */
  listen(heard: (concern: Concern) => void): () => void {
    this.#listeners.add(heard);
    return () => {
      this.#listeners.delete(heard);
    };
  }

  /** Call after the commit. */
  changed(workspace: WorkspaceId, people: Iterable<PersonId>): void {
    for (const person of new Set(people)) {
      this.tell({ workspace, person });
      this.signals.publish(accessChannel, { workspace, person });
    }
  }

  private tell(concern: Concern): void {
    for (const heard of this.#listeners) heard(concern);
  }
}

/** Whether something of this person in this workspace is concerned. */
export function concerns(
  concern: Concern,
  one: { readonly workspace: WorkspaceId; readonly person: PersonId },
): boolean {
  return concern === 'everybody' || (concern.workspace === one.workspace && concern.person === one.person);
}

function concernOf(payload: JsonLike | undefined): Concern {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return 'everybody';
  const { workspace, person } = payload as Readonly<Record<string, JsonLike | undefined>>;
  return typeof workspace === 'string' && typeof person === 'string'
    ? { workspace: workspace as WorkspaceId, person: person as PersonId }
    : 'everybody';
}
