import type { JsonLike } from './json.js';

/**
 * Hints between processes, lossy by law: whoever must not miss a thing looks into the tables, and a hint only says when.
 * A handler that is called with `undefined` is told to look: something may have been missed, or was too large to carry.
 */
export class Signals {
  publish(_channel: string, _payload?: JsonLike): void {
    throw new Error('not built yet');
  }
  subscribe(_channel: string, _handler: (payload: JsonLike | undefined) => void): () => void {
    throw new Error('not built yet');
  }
}
