import type { IncomingMessage } from 'node:http';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Authenticator } from '#accounts';
import { closeCodes, routes } from '#api';
import { decodeCursor } from '#bus';
import { Participants } from '#conversations';
import { Clock, logger, Problem } from '#platform';
import { ClientRequests } from './client-requests.js';
import { OpenStreams } from './open-streams.js';
import { WatchedPlaces } from './watched-places.js';
import { WebSocketWire } from './websocket-wire.js';

const log = logger('streams');

/** The largest frame that a client may send, in bytes; past it the connection is closed with 1009. */
const maxPayload = 65_536;
const tryLater = 1013;

/**
 * `WS /v1/stream`. Whoever is not let in is told so by a close code, not by an HTTP status: a browser shows its page the
 * one and not the other.
 */
@WebSocketGateway({ path: routes.stream.path, maxPayload, perMessageDeflate: false })
export class StreamGateway implements OnGatewayConnection<WebSocket> {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly streams: OpenStreams,
    private readonly places: WatchedPlaces,
    private readonly participants: Participants,
    private readonly clock: Clock,
  ) {}

  handleConnection(socket: WebSocket, request: IncomingMessage): void {
    // Nest's adapter writes an error into the log for whatever bytes a peer sends; nothing of ours has failed.
    socket.removeAllListeners('error');
    socket.on('error', (err) => {
      log.debug({ err }, 'a peer broke its stream');
    });
    const wire = new WebSocketWire(socket);
    const { places, participants, clock } = this;
    // At once: what the client says while it is let in must not be missed.
    const requests = new ClientRequests({ places, participants, clock }, socket, wire);
    this.#welcome(wire, requests, request).catch((err: unknown) => {
      if (err instanceof Problem) {
        wire.close(closeCodeOf(err), err.code);
        return;
      }
      log.warn({ err }, 'a stream could not be opened');
      wire.close(tryLater, 'try again');
    });
  }

  async #welcome(wire: WebSocketWire, requests: ClientRequests, request: IncomingMessage): Promise<void> {
    const asking = { method: request.method, headers: { ...request.headers } };
    const principal = await this.authenticator.authenticate(asking);
    const since = sinceOf(request.url ?? '');
    const session = await this.streams.open(principal, asking, () => wire);
    requests.begin(session);
    await session.run(since);
  }
}

/** @throws Problem 422 `invalid` */
function sinceOf(url: string): bigint | undefined {
  const parameters = new URL(url, 'http://here').searchParams;
  const query = routes.stream.query.safeParse(Object.fromEntries(parameters));
  const since = query.data?.since === undefined ? undefined : decodeCursor(query.data.since);
  if (!query.success || (query.data.since !== undefined && since === undefined)) {
    throw new Problem(422, 'invalid', 'The cursor is none that this server has given.');
  }
  return since;
}

function closeCodeOf({ status }: Problem): number {
  if (status === 401) return closeCodes.notSignedIn;
  if (status === 403) return closeCodes.notAllowed;
  if (status === 422) return closeCodes.invalid;
  if (status === 429) return closeCodes.tooMany;
  return tryLater;
}
