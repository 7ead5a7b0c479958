import type { ErrorCode } from '#model';
import type { JsonLike } from './json.js';

/** Somebody took the request up and did not answer before the deadline: it may have been done or not. */
export class RequestTimeout extends Error {
  override readonly name = 'RequestTimeout';
}

/** Nobody took the request up. */
export class NoResponder extends Error {
  override readonly name = 'NoResponder';
}

/** Whoever serves the address said no. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

export type RequestHandler = (body: JsonLike, signal: AbortSignal) => Promise<JsonLike>;

export class Requests {
  serve(_address: string, _handler: RequestHandler): () => void {
    throw new Error('not built yet');
  }
  ask(_address: string, _body: JsonLike, _deadlineMs: number): Promise<JsonLike> {
    throw new Error('not built yet');
  }
}
