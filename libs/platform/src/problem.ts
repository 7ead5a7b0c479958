import { STATUS_CODES } from 'node:http';

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
  /** Further header fields of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which occurrence this is (RFC 9457 §3.1.5), so that it can be found in the log. */
  readonly instance?: string;
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

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The document of a problem. Its type is `about:blank`: what it means is in the status and the code. */
export function renderProblem({ status, code, detail, more }: Problem): RenderedProblem {
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(more.retryAfterSeconds !== undefined && {
        'retry-after': String(Math.ceil(more.retryAfterSeconds)),
      }),
      ...more.headers,
    },
    body: JSON.stringify({
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      detail,
      ...(more.instance !== undefined && { instance: more.instance }),
      ...(more.errors !== undefined && { errors: more.errors }),
      ...more.members,
    }),
  };
}
