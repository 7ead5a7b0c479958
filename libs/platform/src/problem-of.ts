import { randomUUID } from 'node:crypto';
import { HttpException } from '@nestjs/common';
import { isStorageFull, isUnavailable } from './database.errors.js';
import { Problem } from './problem.js';

/** Codes of what fails before any route of ours is reached, by status. */
const codes: Readonly<Record<number, string>> = {
  400: 'bad-request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  406: 'not-acceptable',
  408: 'timeout',
  409: 'conflict',
  413: 'body-too-large',
  414: 'address-too-long',
  415: 'unsupported-media-type',
  422: 'invalid',
  429: 'rate-limited',
  431: 'headers-too-large',
  501: 'not-implemented',
  503: 'unavailable',
};

/** What Fastify refuses by itself: its code, ours, and a sentence without what was sent. */
const refusals: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'the body is larger than is taken here'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['bad-request', 'the body is not as long as Content-Length says'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'unsupported-media-type',
    'the body’s Content-Type is not taken here; send application/json, or a file as multipart/form-data',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed-json', 'the body is not valid JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [
    'malformed-json',
    'the body is empty, but its Content-Type is application/json',
  ],
  FST_ERR_BAD_URL: ['bad-request', 'the address is not well formed'],
  FST_ERR_MAX_PARAM_LENGTH: ['address-too-long', 'a part of the address is too long'],
};

/** The problem that an error is to whoever asked. What nobody foresaw is `internal`, and says nothing of itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isStorageFull(error)) {
    return new Problem(507, 'storage-full', 'there is too little room to store anything new', {
      retryAfterSeconds: 60,
      cause: error,
    });
  }
  if (isUnavailable(error)) {
    return new Problem(503, 'storage-unavailable', 'the database cannot be reached; try again', {
      retryAfterSeconds: 2,
      cause: error,
    });
  }
  const status = statusOf(error);
  if (status !== undefined && status >= 400 && status < 500) return refused(status, error as Error);
  if (error instanceof HttpException && status !== undefined && status !== 500) {
    return new Problem(status, codes[status] ?? 'internal', error.message, { cause: error });
  }
  return new Problem(500, 'internal', 'something went wrong here; it has been logged', {
    instance: `urn:uuid:${randomUUID()}`,
    cause: error,
  });
}

function refused(status: number, error: Error): Problem {
  const own = codeOf(error) ?? codeOf(error.cause);
  const [code, detail] = (own === undefined ? undefined : refusals[own]) ?? [
    codes[status] ?? 'bad-request',
    // V8 quotes the body that it could not parse.
    /JSON/.test(error.message) ? 'the body is not valid JSON' : error.message,
  ];
  return new Problem(status, code, detail, { cause: error });
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
