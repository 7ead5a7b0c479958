import { Injectable } from '@nestjs/common';
import type { ResetReason } from '#api';
import { LogReaders, type LogItem, type LogReader, type ReaderScope } from '#bus';
import type { WorkspaceId } from '#model';
import { EventRenderer } from './event-renderer.js';
import { ReadAhead } from './read-ahead.js';
import type { RenderedEvent } from './rendered-event.js';

/** What a reader is told, in order. A reset is always the last. */
export type FeedItem =
  | { readonly kind: 'event'; readonly event: RenderedEvent; readonly prev: bigint }
  | { readonly kind: 'heartbeat'; readonly sequence: bigint }
  | { readonly kind: 'reset'; readonly reason: ResetReason };

/** Endless batches of what one reader is told. Iterate once; disposing ends it. */
export interface EventFeed extends AsyncIterable<readonly FeedItem[]>, AsyncDisposable {}

/** Items that are read before their reader takes them: enough to render together, little enough to hold for many. */
const ahead = 32;

/** The log as readers are shown it: each event with what it is about. */
@Injectable()
export class EventFeeds {
  constructor(
    private readonly readers: LogReaders,
    private readonly renderer: EventRenderer,
  ) {}

  /** Reads from behind the number `since`, or from now on. Nothing is read while the consumer does not ask for more. */
  open(workspace: WorkspaceId, scope: ReaderScope, since: bigint | undefined): EventFeed {
    const reader = this.readers.open(workspace, scope, since);
    const batches = this.#batches(workspace, reader);
    return {
      [Symbol.asyncIterator]: () => batches,
      async [Symbol.asyncDispose]() {
        // First the reader: whoever waits for its next item is woken by that.
        await reader[Symbol.asyncDispose]();
        await batches.return();
      },
    };
  }

  async *#batches(workspace: WorkspaceId, reader: LogReader): AsyncGenerator<readonly FeedItem[], void> {
    await using items = new ReadAhead(reader, ahead);
    for (let batch = await items.take(); batch; batch = await items.take()) {
      yield await this.#show(workspace, batch);
    }
  }

  async #show(workspace: WorkspaceId, items: readonly LogItem[]): Promise<readonly FeedItem[]> {
    const events = items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
    const rendered = (await this.renderer.render(workspace, events)).values();
    return items.map((item): FeedItem => {
      if (item.kind !== 'event') return item;
      const event = rendered.next().value;
      if (!event) throw new Error('an event was not rendered');
      return { kind: 'event', event, prev: item.prev };
    });
  }
}
