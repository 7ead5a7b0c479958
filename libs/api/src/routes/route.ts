import type { z } from 'zod';
import type { Scope } from '../words.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may ask: anybody, a person who is signed in, or an admin of the workspace. */
export type Auth = 'none' | 'person' | 'admin';

/** The chapters of the API's page. */
export const tags = [
  'people',
  'accounts',
  'roster',
  'conversations',
  'messages',
  'files',
  'calls',
  'metering',
  'events',
  'operations',
] as const;
export type Tag = (typeof tags)[number];

/**
 * One route of the API: the single source of its controller, its checks, its page, its client and its authorisation
 * test. Every object is strict: an unknown key is refused with 422; a parameter of the wrong shape answers 404, as
 * somebody else's id does.
 */
export interface RouteSpec {
  readonly method: Method;
  /** With parameters as `:name`, each of them named in `params`. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly tag: Tag;
  readonly auth: Auth;
  /** What a token needs to be used here; always given unless `auth` is none. */
  readonly scope?: Scope;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The largest body in bytes, where more than the usual mebibyte is taken. */
  readonly largest?: number;
  /** The body is one file: `multipart/form-data` with a file in it, or its bytes as `application/octet-stream`. */
  readonly upload?: true;
  /** Request headers that mean something here, in lower case. Others pass. */
  readonly headers?: z.ZodObject;
  /** The status of a good answer. */
  readonly status: number;
  /** The good answer's body; absent with 204, 101 and where `media` is no JSON. */
  readonly answer?: z.ZodType;
  /** Further answers that are no problem details, by status. */
  readonly others?: Readonly<Record<number, z.ZodType>>;
  /** The good answer's media type where it is not application/json; with every type allowed, a file. */
  readonly media?: string;
  /** Also as CSV (RFC 4180), with `Accept: text/csv` or `format=csv` in the query. */
  readonly csv?: true;
  /** How the answer may go on: a stream of server-sent events on demand, or a WebSocket instead of an answer. */
  readonly stream?: 'server-sent-events' | 'websocket';
}

/** Writes down one route; the types of its parts are kept as they are. */
export function route<const R extends RouteSpec>(spec: R): R {
  return spec;
}
