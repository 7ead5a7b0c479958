import type { Ephemeral, WorkspaceId } from '#model';

export class Ephemerals {
  /** `key`: what the ephemeral is about; within 50 ms a later one of the same type, audience and key replaces it. */
  publish(_workspace: WorkspaceId, _ephemeral: Ephemeral, _key?: string): void {
    throw new Error('not built yet');
  }
  /** `missed` is called when some may have been lost. */
  subscribe(
    _workspace: WorkspaceId,
    _handler: (ephemeral: Ephemeral) => void,
    _missed?: () => void,
  ): () => void {
    throw new Error('not built yet');
  }
}
