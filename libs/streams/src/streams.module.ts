import { Module } from '@nestjs/common';
import { AccountViews } from '#accounts';
import { CallsModule, CallViews } from '#calls';
import { ConversationsModule, ConversationViews, MessageViews } from '#conversations';
import { DeliveryModule, EnvelopeViews, FanOuts } from '#delivery';
import { IdentityViews, RosterModule } from '#roster';
import { EventFeeds } from './event-feeds.js';
import { EventPages } from './event-pages.js';
import { EventRenderer } from './event-renderer.js';
import { OpenStreams } from './open-streams.js';
import { roomViews } from './room-views.js';
import { Snapshots } from './snapshots.js';
import { StreamGateway } from './stream.gateway.js';
import { StreamsController } from './streams.controller.js';
import { VIEWS } from './views.js';
import { WatchedPlaces } from './watched-places.js';
import { Watches } from './watches.js';

/**
 * Snapshot, pages of events, server-sent events and WebSocket. Needs the global modules and, of the application,
 * `useWebSocketAdapter(new WsAdapter(app))`.
 */
@Module({
  imports: [RosterModule, ConversationsModule, DeliveryModule, CallsModule],
  controllers: [StreamsController],
  providers: [
    {
      provide: VIEWS,
      useFactory: roomViews,
      inject: [
        AccountViews,
        IdentityViews,
        ConversationViews,
        MessageViews,
        EnvelopeViews,
        FanOuts,
        CallViews,
      ],
    },
    EventRenderer,
    EventFeeds,
    EventPages,
    OpenStreams,
    Snapshots,
    StreamGateway,
    WatchedPlaces,
    Watches,
  ],
  exports: [EventRenderer],
})
export class StreamsModule {}
