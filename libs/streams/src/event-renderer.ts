import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { EventId, EventType, LogEvent, WorkspaceId } from '#model';
import { Clock, Database, logger } from '#platform';
import { RenderedEvent } from './rendered-event.js';
import { RenderedEvents } from './rendered-events.js';
import { VIEWS, type Rendering, type Views } from './views.js';

const log = logger('streams');

/** Events per look at the tables. */
const batchSize = 200;
const retriesMs = [100, 300, 1_000, 2_000];

/** A room is shut: nothing is rendered any more. */
export class RendererClosed extends Error {
  override readonly name = 'RendererClosed';
  constructor() {
    super('the server is shutting down');
  }
}

interface Waiting {
  readonly event: LogEvent;
  readonly done: (rendered: RenderedEvent) => void;
  readonly failed: (error: Error) => void;
}

/** After these the tables no longer hold what they held: nothing that was rendered before may be given again. */
const erasing: ReadonlySet<EventType> = new Set([
  'message.erased',
  'conversation.removed',
  'account.removed',
]);

/**
 * Joins events with what they are about, for all readers of this process. Each event is rendered once however many
 * read it, and what several readers ask at once is looked up together: while one batch of a workspace is under way,
 * the next gathers.
 */
@Injectable()
export class EventRenderer implements OnModuleDestroy {
  readonly #views = new Map<EventType, Views>();
  readonly #known: RenderedEvents;
  readonly #queues = new Map<WorkspaceId, Waiting[]>();
  readonly #naps = new Set<() => void>();
  #closed = false;

  constructor(
    @Inject(VIEWS) views: readonly Views[],
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    this.#known = new RenderedEvents(clock);
    for (const each of views) this.register(each);
  }

  /** Takes on the events of a room. @throws Error where another room has one of the types already. */
  register(views: Views): void {
    const taken = views.types.find((type) => this.#views.has(type));
    if (taken !== undefined) throw new Error(`the event ${taken} is rendered by two rooms`);
    for (const type of views.types) this.#views.set(type, views);
  }

  /**
   * The events as text, in their order. A database that is away for a moment is waited for; an event that cannot be
   * rendered is given with its ids alone.
   * @throws RendererClosed
   */
  async render(workspace: WorkspaceId, events: readonly LogEvent[]): Promise<RenderedEvent[]> {
    if (events.some((event) => erasing.has(event.type))) this.#known.forget(workspace);
    return await Promise.all(
      events.map((event) => this.#known.get(workspace, event.id, () => this.#ask(workspace, event))),
    );
  }

  onModuleDestroy(): void {
    this.#closed = true;
    for (const wake of this.#naps) wake();
  }

  #ask(workspace: WorkspaceId, event: LogEvent): Promise<RenderedEvent> {
    return new Promise((done, failed) => {
      const waiting = { event, done, failed };
      const queue = this.#queues.get(workspace);
      if (queue) {
        queue.push(waiting);
        return;
      }
      this.#queues.set(workspace, [waiting]);
      // Whoever was woken by the same news asks in this turn.
      setImmediate(() => void this.#work(workspace));
    });
  }

  async #work(workspace: WorkspaceId): Promise<void> {
    for (;;) {
      const batch = this.#queues.get(workspace)?.splice(0, batchSize) ?? [];
      if (batch.length === 0) {
        // In the same turn as the look at the queue, so that nobody is left waiting in it.
        this.#queues.delete(workspace);
        return;
      }
      try {
        const renderings = await this.#look(
          workspace,
          batch.map(({ event }) => event),
        );
        for (const { event, done } of batch) done(new RenderedEvent(event, renderings.get(event.id)));
      } catch (error) {
        for (const { failed } of batch) failed(error as Error);
      }
    }
  }

  async #look(workspace: WorkspaceId, events: readonly LogEvent[]): Promise<Map<EventId, Rendering>> {
    const byViews = new Map<Views, LogEvent[]>();
    for (const event of events) {
      const views = this.#views.get(event.type);
      const theirs = views && byViews.get(views);
      if (theirs) theirs.push(event);
      else if (views) byViews.set(views, [event]);
    }
    const looks = [...byViews].map(([views, theirs]) => this.#lookPatiently(views, workspace, theirs));
    return new Map((await Promise.all(looks)).flat());
  }

  async #lookPatiently(
    views: Views,
    workspace: WorkspaceId,
    events: readonly LogEvent[],
  ): Promise<(readonly [EventId, Rendering])[]> {
    for (let attempt = 0; ; attempt++) {
      if (this.#closed) throw new RendererClosed();
      try {
        return [...(await views.render(workspace, events))];
      } catch (err) {
        if (this.database.isUnavailable(err)) {
          log.debug({ err, workspace }, 'events cannot be rendered for the moment, trying again');
          await this.#nap(retriesMs[attempt] ?? 2_000);
        } else if (events.length > 1) {
          const alone = events.map((event) => this.#lookPatiently(views, workspace, [event]));
          return (await Promise.all(alone)).flat();
        } else {
          // One event that we are too stupid to show must not hold up all that come after it.
          log.error(
            { err, workspace, event: events[0]?.id, type: events[0]?.type },
            'an event cannot be rendered',
          );
          return [];
        }
      }
    }
  }

  async #nap(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        this.#naps.delete(wake);
        resolve();
      };
      const cancel = this.clock.after(ms, wake);
      this.#naps.add(wake);
    });
  }
}
