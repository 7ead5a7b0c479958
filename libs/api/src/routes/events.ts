import { z } from 'zod';
import { EventPage, Health, Snapshot } from '../shapes/events.js';
import { Cursor, JsonObjectOut, Limit, maxWatched, Next } from '../values.js';
import { route } from './route.js';

export const eventRoutes = {
  snapshot: route({
    method: 'GET',
    path: '/v1/snapshot',
    summary: 'Everything as it is now, page by page, and the cursor from which to follow',
    tag: 'events',
    auth: 'person',
    scope: 'read',
    query: z.strictObject({ limit: Limit, next: Next.exactOptional() }),
    status: 200,
    answer: Snapshot,
  }),
  events: route({
    method: 'GET',
    path: '/v1/events',
    summary: 'What has happened since a cursor: a page, or a stream with Accept: text/event-stream',
    tag: 'events',
    auth: 'person',
    scope: 'read',
    query: z.strictObject({
      limit: Limit,
      since: Cursor.exactOptional(),
      /** For a stream: conversations to watch, and `roster` for everybody's presence, with commas between. */
      watch: z
        .string()
        .max(maxWatched * 40)
        .exactOptional(),
    }),
    /** A reconnecting EventSource says where it was; this wins over `since`. Empty where it has been nowhere. */
    headers: z.object({ 'last-event-id': Cursor.or(z.literal('')).exactOptional() }),
    status: 200,
    answer: EventPage,
    stream: 'server-sent-events',
  }),
  stream: route({
    method: 'GET',
    path: '/v1/stream',
    summary: 'The same events on a WebSocket, with presence, typing and occupancy for those who watch',
    tag: 'events',
    auth: 'person',
    scope: 'read',
    query: z.strictObject({ since: Cursor.exactOptional() }),
    status: 101,
    stream: 'websocket',
  }),
  healthz: route({
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the process lives, and how it is',
    tag: 'operations',
    auth: 'none',
    status: 200,
    answer: Health,
    others: { 503: Health },
  }),
  readyz: route({
    method: 'GET',
    path: '/readyz',
    summary: 'Whether the process can serve: 503 while it cannot',
    tag: 'operations',
    auth: 'none',
    status: 200,
    answer: Health,
    others: { 503: Health },
  }),
  metrics: route({
    method: 'GET',
    path: '/metrics',
    summary: 'Figures for Prometheus',
    tag: 'operations',
    auth: 'none',
    status: 200,
    media: 'text/plain',
  }),
  openapi: route({
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description, OpenAPI 3.1',
    tag: 'operations',
    auth: 'none',
    status: 200,
    answer: JsonObjectOut,
  }),
  docs: route({
    method: 'GET',
    path: '/v1/docs',
    summary: 'A page to read the description and try it',
    tag: 'operations',
    auth: 'none',
    status: 200,
    media: 'text/html',
  }),
} as const;
