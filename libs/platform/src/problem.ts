/** One mistake in what was sent: where (a JSON pointer, RFC 6901, or a parameter's name) and what. */
export interface ProblemError {
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemExtras {
  /** Becomes the Retry-After header (RFC 9110 §10.2.3), in whole seconds. */
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly ProblemError[];
  /** Further members of the problem document (RFC 9457 §3.2). */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * An answer that is not a success: rendered as `application/problem+json` (RFC 9457). `code` is stable and for
 * programs, `detail` is a sentence for people; neither ever carries a secret or somebody's text.
 */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly more: ProblemExtras = {},
  ) {
    super(`${code}: ${detail}`, more.cause === undefined ? undefined : { cause: more.cause });
  }
}
