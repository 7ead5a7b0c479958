import { Readable } from 'node:stream';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteSpec } from '#api';
import { Problem, type ProblemError } from '#platform';
import { Authenticator } from './authenticator.js';
import { rememberCaller } from './callers.js';
import { Origins } from './origins.js';
import type { Principal } from './principal.js';
import { SessionCookie } from './session-cookie.js';

export const routeKey = Symbol('route of the API');

/** Stands before every route: who asks, whether they may, and whether what they sent has the route's shape. */
@Injectable()
export class RouteGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly origins: Origins,
    private readonly cookie: SessionCookie,
  ) {}

  /** @throws Problem 401, 403, 404 for a parameter of the wrong shape, 415, 422 `invalid` with every mistake */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const spec = this.reflector.get<RouteSpec>(routeKey, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (spec.auth === 'none') {
      this.origins.mustNotBeForeign(request);
    } else {
      const reply = context.switchToHttp().getResponse<FastifyReply>();
      const principal = await this.identify(request, reply);
      mustBeAllowed(spec, principal);
      rememberCaller(request, principal);
    }
    takeInput(spec, request);
    return true;
  }

  private async identify(request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    try {
      const { principal, renewed } = await this.authenticator.identify(request);
      if (renewed !== undefined) void reply.header('set-cookie', this.cookie.keep(renewed));
      return principal;
    } catch (error) {
      // RFC 9110 §11.6.1: a 401 names a way to authenticate.
      if (error instanceof Problem && error.status === 401) void reply.header('www-authenticate', 'Bearer');
      throw error;
    }
  }
}

/** @throws Problem 403 `missing-scope` or `admins-only` */
function mustBeAllowed(spec: RouteSpec, principal: Principal): void {
  if (spec.auth === 'admin' && principal.role !== 'admin') {
    throw new Problem(403, 'admins-only', 'Only an admin of this workspace may do this.');
  }
  // A route that forgot to name its scope lets nobody in.
  if (spec.scope === undefined || !principal.scopes.has(spec.scope)) {
    throw new Problem(
      403,
      'missing-scope',
      `This needs a token with the scope ${spec.scope ?? 'of nobody'}.`,
    );
  }
}

/** Puts what the shapes made of the input in the place of what was sent. */
function takeInput(spec: RouteSpec, request: FastifyRequest): void {
  if (spec.params) {
    const params = spec.params.safeParse(request.params);
    if (!params.success) throw new Problem(404, 'not-found', 'There is nothing here by that id.');
    request.params = params.data;
  }
  const mistakes: ProblemError[] = [];
  if (spec.query) {
    const query = spec.query.safeParse(request.query);
    if (query.success) request.query = query.data;
    else mistakes.push(...mistakesOf(query.error.issues, named));
  }
  if (spec.headers) {
    const headers = spec.headers.safeParse(request.headers);
    if (!headers.success) mistakes.push(...mistakesOf(headers.error.issues, named));
  }
  if (!spec.upload) mustNotBeAFile(request.body);
  if (spec.body) {
    mustBeJson(request.headers['content-type']);
    const body = spec.body.safeParse(request.body);
    if (body.success) request.body = body.data;
    else mistakes.push(...mistakesOf(body.error.issues, pointerTo));
  }
  if (mistakes.length > 0) {
    throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', { errors: mistakes });
  }
}

/**
 * A form of another site can send anything but JSON without asking first.
 * @throws Problem 415 `unsupported-media-type`
 */
function mustBeJson(contentType: string | undefined): void {
  if (contentType === undefined || /^application\/json\s*(;|$)/i.test(contentType)) return;
  throw new Problem(415, 'unsupported-media-type', 'The body has to be JSON: Content-Type application/json.');
}

/**
 * Bodies that may be endless reach their route unread: any other has no use for them.
 * @throws Problem 415 `unsupported-media-type`
 */
function mustNotBeAFile(body: unknown): void {
  if (body instanceof Readable) throw new Problem(415, 'unsupported-media-type', 'No file is taken here.');
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly keys?: readonly string[];
}

function mistakesOf(
  issues: readonly Issue[],
  place: (path: readonly PropertyKey[]) => string,
): ProblemError[] {
  return issues.flatMap(({ path, message, code, keys }) =>
    code === 'unrecognized_keys' && keys
      ? keys.map((key) => ({ pointer: place([...path, key]), detail: 'is not known' }))
      : [{ pointer: place(path), detail: message }],
  );
}

/** Parameters and headers are called by their names. */
function named(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}

/** RFC 6901 */
function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
