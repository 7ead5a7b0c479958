import {
  applyDecorators,
  createParamDecorator,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  UseGuards,
  type ExecutionContext,
} from '@nestjs/common';
import type { RouteSpec } from '#api';
import type { Principal } from './principal.js';
import { RouteConfig } from '@nestjs/platform-fastify';
import { routeKey, RouteGuard } from './route.guard.js';
import { principalOf } from './callers.js';

/** What a route's body, query and answer are, as a handler has them. */
export type BodyOf<R extends RouteSpec> = Parsed<R['body']>;
export type QueryOf<R extends RouteSpec> = Parsed<R['query']>;
export type AnswerOf<R extends RouteSpec> =
  | (R extends { readonly answer: Shape<infer T> } ? T : undefined)
  | (R extends { readonly others: Readonly<Record<number, Shape<infer T>>> } ? T : never);

interface Shape<T> {
  readonly _zod: { readonly output: T };
}
type Parsed<S> = S extends Shape<infer T> ? T : never;

/**
 * A handler gives the route's own answer; one without an answer gives nothing; a stream, and what may be CSV instead, is
 * its handler's business.
 */
type Handler<R extends RouteSpec> = (
  ...args: never[]
) => R extends { readonly stream: string } | { readonly csv: true }
  ? Promise<unknown>
  : R extends { readonly answer: object }
    ? Promise<AnswerOf<R>>
    : Promise<void>;

const methods = {
  GET: RequestMethod.GET,
  POST: RequestMethod.POST,
  PUT: RequestMethod.PUT,
  PATCH: RequestMethod.PATCH,
  DELETE: RequestMethod.DELETE,
} as const;

/**
 * Makes a method the controller of one route of the API's table: its path and method, its status, who may call it, and
 * what it takes. By the time the handler runs, the caller is known and may do this, and `@Body()`, `@Query()` and
 * `@Param()` hold what the table's shapes made of the input. An answer with another status than the usual one sets it
 * on the reply.
 */
export function Route<R extends RouteSpec>(
  spec: R,
): <H extends Handler<R>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<H>,
) => void {
  return applyDecorators(
    RequestMapping({ path: spec.path, method: methods[spec.method] }),
    HttpCode(spec.status),
    ...(spec.largest === undefined ? [] : [RouteConfig({ bodyLimit: spec.largest })]),
    SetMetadata(routeKey, spec),
    UseGuards(RouteGuard),
  );
}

/** What an answer with another status than the route's usual one is set on. */
export interface Reply {
  status(code: number): unknown;
}

/** The principal who called. Only on a route that needs one. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  principalOf(context.switchToHttp().getRequest<object>()),
);
