import type { z } from 'zod';
import { EventStream, type OpenSocket } from './event-stream.js';
import type { RouteSpec } from './routes/route.js';
import { routes, type RouteName, type Routes } from './routes.js';
import { Problem } from './shapes/problem.js';

type Given<R, K extends string> = R extends { readonly [P in K]: infer S extends z.ZodType }
  ? Partial<z.input<S>> extends z.input<S>
    ? { readonly [P in K]?: z.input<S> }
    : { readonly [P in K]: z.input<S> }
  : unknown;

/** What a route is asked with: its parameters, query, headers and body or file, as far as it has them. */
export type InputOf<N extends RouteName> = Given<Routes[N], 'params'> &
  Given<Routes[N], 'query'> &
  Given<Routes[N], 'headers'> &
  Given<Routes[N], 'body'> &
  (Routes[N] extends { readonly upload: true } ? { readonly file: Blob } : unknown) & {
    /** Gives up when it is aborted. */
    readonly signal?: AbortSignal;
  };

type Others<R> = R extends { readonly others: infer O extends Readonly<Record<number, z.ZodType>> }
  ? { [S in keyof O]: z.output<O[S]> }[keyof O]
  : never;

/** What a route answers: a shape, text or a file where it is no JSON, or nothing. */
export type AnswerOf<N extends RouteName> =
  | (Routes[N] extends { readonly answer: infer A extends z.ZodType }
      ? z.output<A>
      : Routes[N] extends { readonly media: '*/*' }
        ? Blob
        : Routes[N] extends { readonly media: string }
          ? string
          : undefined)
  | Others<Routes[N]>;

/** Routes that can be asked without saying anything. */
type Bare = { [N in RouteName]: Partial<InputOf<N>> extends InputOf<N> ? N : never }[RouteName];

export interface ClientOptions {
  /** Where the server is: `http://127.0.0.1:8080`. */
  readonly url: string | URL;
  /** Absent in a browser that has the inbox's cookie. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
  /** Opens a WebSocket; needed where there is no global one (Node 20), or where a token must go along. */
  readonly openSocket?: OpenSocket;
  /** Holds every answer and frame against its schema; for tests. */
  readonly check?: boolean;
}

/** The server refused, and said why. */
export class ParleyError extends Error {
  override readonly name = 'ParleyError';
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${String(status)} ${problem.code}: ${problem.detail}`);
  }
}

/**
 * A typed client over the route table. Nothing is tried again by itself: a send that got no answer is repeated by its
 * caller with the same `idempotency-key`.
 */
export class ParleyClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Asks one route.
   * @throws ParleyError where the server refuses; what `fetch` throws where it cannot be reached.
   */
  async call<N extends Bare>(name: N, input?: InputOf<N>): Promise<AnswerOf<N>>;
  async call<N extends RouteName>(name: N, input: InputOf<N>): Promise<AnswerOf<N>>;
  async call(name: RouteName, input: AnyInput = {}): Promise<unknown> {
    const spec: RouteSpec = routes[name];
    const ask = this.#options.fetch ?? fetch;
    const response = await ask(urlOf(this.#options.url, spec, input), {
      method: spec.method,
      headers: {
        accept: `${spec.media ?? 'application/json'}, application/problem+json`,
        ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...this.#authorization(),
        ...input.headers,
      },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      ...(input.file === undefined ? {} : { body: formOf(input.file) }),
      ...(input.signal ? { signal: input.signal } : {}),
    });
    const shape = response.status === spec.status ? spec.answer : spec.others?.[response.status];
    if (!shape && response.status !== spec.status) throw await refusalOf(response);
    if (!shape && spec.media === '*/*') return await response.blob();
    if (!shape) return spec.media === undefined ? undefined : await response.text();
    const answer: unknown = await response.json();
    return this.#options.check === true ? shape.parse(answer) : answer;
  }

  /**
   * Follows the log from a cursor (from now on, where none is given), over WebSocket, for ever: it reconnects by
   * itself and goes on where it was. It ends after a `reset`, when it is closed, or when it is not let in.
   */
  stream(since?: string): EventStream {
    const url = urlOf(this.#options.url, routes.stream, {});
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const { openSocket, check } = this.#options;
    return new EventStream({
      url,
      headers: this.#authorization(),
      ...(since === undefined ? {} : { since }),
      ...(openSocket ? { openSocket } : {}),
      ...(check === undefined ? {} : { check }),
    });
  }

  #authorization(): Readonly<Record<string, string>> {
    return this.#options.token === undefined ? {} : { authorization: `Bearer ${this.#options.token}` };
  }
}

interface AnyInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly file?: Blob;
  readonly signal?: AbortSignal;
}

/** A file as a form carries it; its own name, where it has one, goes along. */
function formOf(file: Blob): FormData {
  const form = new FormData();
  form.set('file', file);
  return form;
}

/** The address of one call. A base URL with a path (a server behind `/parley/`) keeps it. */
export function urlOf(
  base: string | URL,
  spec: Pick<RouteSpec, 'path'>,
  input: Pick<AnyInput, 'params' | 'query'>,
): URL {
  const path = spec.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = input.params?.[name];
    if (typeof value !== 'string' || value === '') throw new TypeError(`${spec.path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const url = new URL(base);
  url.pathname = url.pathname.replace(/\/+$/, '') + path;
  for (const [key, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) url.searchParams.set(key, String(value));
  }
  return url;
}

/** Anything may stand between us and the server: what is no problem document becomes one. */
async function refusalOf(response: Response): Promise<ParleyError> {
  const text = await response.text();
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    said = undefined;
  }
  const problem = Problem.loose().safeParse(said);
  if (problem.success) return new ParleyError(response.status, problem.data);
  return new ParleyError(response.status, {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    code: 'no-problem-details',
    detail: text.slice(0, 200),
  });
}
