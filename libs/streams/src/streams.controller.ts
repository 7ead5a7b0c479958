import { Controller, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, Route, type Principal, type QueryOf } from '#accounts';
import { maxWatched, routes, type Routes, type Snapshot } from '#api';
import { decodeCursor } from '#bus';
import { isUuid, type ConversationId } from '#model';
import { Problem } from '#platform';
import { EventPages } from './event-pages.js';
import { OpenStreams } from './open-streams.js';
import { Snapshots } from './snapshots.js';
import { SseWire } from './sse-wire.js';
import { WatchedPlaces } from './watched-places.js';

/** Present state, and what has happened since. */
@Controller()
export class StreamsController {
  constructor(
    private readonly snapshots: Snapshots,
    private readonly pages: EventPages,
    private readonly streams: OpenStreams,
    private readonly places: WatchedPlaces,
  ) {}

  @Route(routes.snapshot)
  async snapshot(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['snapshot']>,
  ): Promise<Snapshot> {
    return await this.snapshots.page(caller, query.limit, query.next);
  }

  @Route(routes.events)
  async events(
    @Caller() caller: Principal,
    @Query() query: QueryOf<Routes['events']>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const last = request.headers['last-event-id'];
    const since = cursorOf(typeof last === 'string' && last !== '' ? last : query.since);
    if (!/\btext\/event-stream\b/.test(request.headers.accept ?? '')) {
      const page = await this.pages.page(caller, since, query.limit);
      await reply.type('application/json; charset=utf-8').send(page);
      return;
    }
    const watch = watchedOf(query.watch);
    const asking = { method: request.method, headers: { ...request.headers } };
    const found = await Promise.all(watch.conversations.map((id) => this.places.find(caller, id)));
    const session = await this.streams.open(caller, asking, () => {
      // From here on the answer is ours: what Fastify would have sent along goes along.
      reply.hijack();
      return new SseWire(reply.raw, reply.getHeaders());
    });
    for (const place of found) session.watch.conversation(place);
    if (watch.roster) session.watch.roster(true);
    await session.run(since);
  }

  /** A WebSocket never comes here: its upgrade goes to the gateway. */
  @Route(routes.stream)
  // eslint-disable-next-line @typescript-eslint/require-await -- a handler is a promise, though nothing is waited for
  async stream(@Res({ passthrough: true }) reply: FastifyReply): Promise<never> {
    void reply.header('upgrade', 'websocket');
    throw new Problem(426, 'upgrade-required', 'This is a WebSocket: ask for an upgrade (RFC 6455).');
  }
}

/** @throws Problem 422 `invalid` */
function cursorOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const since = decodeCursor(text);
  if (since === undefined) throw mistake('since', 'is none that this server has given');
  return since;
}

/** @throws Problem 422 `invalid` */
function watchedOf(text = ''): { readonly roster: boolean; readonly conversations: ConversationId[] } {
  const words = new Set(text.split(',').filter((word) => word !== ''));
  const roster = words.delete('roster');
  const conversations = [...words].map((word) => {
    if (!isUuid(word)) throw mistake('watch', 'names conversations by their ids, and roster');
    return word as ConversationId;
  });
  if (conversations.length > maxWatched) throw mistake('watch', `at most ${String(maxWatched)}`);
  return { roster, conversations };
}

function mistake(pointer: string, detail: string): Problem {
  return new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
    errors: [{ pointer, detail }],
  });
}
