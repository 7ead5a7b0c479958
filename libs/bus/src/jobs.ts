import type { JsonLike } from './json.js';

export class UnknownJob extends Error {
  override readonly name = 'UnknownJob';
}

export interface JobOptions {
  readonly delayMs?: number;
  readonly key?: string;
  /** At least 2, which is the default: a crash costs one. */
  readonly attempts?: number;
}

export class Jobs {
  handle(_name: string, _handler: (data: JsonLike) => Promise<void>): void {
    throw new Error('not built yet');
  }
  add(_name: string, _data: JsonLike, _options?: JobOptions): Promise<void> {
    throw new Error('not built yet');
  }
}
