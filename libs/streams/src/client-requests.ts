import type { RawData, WebSocket } from 'ws';
import { ClientFrame } from '#api';
import type { Participants } from '#conversations';
import { logger, Problem, type Clock } from '#platform';
import type { StreamSession } from './stream-session.js';
import { unreachable } from '#model';
import type { WatchedPlaces } from './watched-places.js';
import type { WebSocketWire } from './websocket-wire.js';

const log = logger('streams');

/** Requests that may wait; past that nothing more is read from the peer. */
const mostWaiting = 32;

export interface RequestRooms {
  readonly places: WatchedPlaces;
  readonly participants: Participants;
  readonly clock: Clock;
}

/**
 * What one client asks on its WebSocket, one after the other in the order asked. A client that asks faster than it is
 * answered, or takes no answers, is not read from meanwhile: its own requests wait in its own buffers.
 */
export class ClientRequests {
  readonly #waiting: { readonly data: RawData; readonly isBinary: boolean }[] = [];
  #session: StreamSession | undefined;
  #working = false;

  constructor(
    private readonly rooms: RequestRooms,
    private readonly socket: WebSocket,
    private readonly wire: WebSocketWire,
  ) {
    socket.on('message', (data, isBinary) => {
      this.#waiting.push({ data, isBinary });
      if (this.#waiting.length >= mostWaiting) socket.pause();
      void this.#work();
    });
  }

  /** Until it is known who asks, requests wait. */
  begin(session: StreamSession): void {
    this.#session = session;
    void this.#work();
  }

  async #work(): Promise<void> {
    const session = this.#session;
    if (!session || this.#working) return;
    this.#working = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (!(await session.room())) return;
      this.wire.say(
        next.isBinary ? malformed('a frame is text') : await this.#answer(session, textOf(next.data)),
      );
    }
    this.#working = false;
    this.socket.resume();
  }

  async #answer(session: StreamSession, text: string): Promise<object> {
    let said: unknown;
    try {
      said = JSON.parse(text);
    } catch {
      return malformed('a frame is JSON');
    }
    const frame = ClientFrame.safeParse(said);
    if (!frame.success) {
      const [issue] = frame.error.issues;
      const id = ClientFrame.options[0].shape.id.safeParse((said as { id?: unknown } | null)?.id);
      return malformed(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, id.data);
    }
    const { id } = frame.data;
    try {
      return { answer: { id, ...(await this.#do(session, frame.data)) } };
    } catch (err) {
      if (err instanceof Problem) return { error: { id, code: err.code, detail: err.detail } };
      log.warn({ err, request: frame.data.request }, 'a request on a stream failed');
      return { error: { id, code: 'internal', detail: 'something went wrong here; try again' } };
    }
  }

  async #do(session: StreamSession, frame: ClientFrame): Promise<object> {
    switch (frame.request) {
      case 'ping':
        return { at: new Date(this.rooms.clock.now()).toISOString() };
      case 'watch':
        if (frame.conversation !== undefined) {
          session.watch.conversation(await this.rooms.places.find(session.principal, frame.conversation));
        }
        if (frame.roster) session.watch.roster(true);
        return {};
      case 'unwatch':
        if (frame.conversation !== undefined) session.watch.noConversation(frame.conversation);
        if (frame.roster) session.watch.roster(false);
        return {};
      case 'typing':
        if (!session.principal.scopes.has('send')) {
          throw new Problem(403, 'missing-scope', 'This needs a token with the scope send.');
        }
        await this.rooms.participants.typing(session.principal, frame.conversation, frame.active);
        return {};
      default:
        return unreachable(frame);
    }
  }
}

function malformed(detail: string, id?: string | number): object {
  return { error: { ...(id === undefined ? {} : { id }), code: 'malformed', detail } };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.from(data as Buffer).toString();
}
