import { Module } from '@nestjs/common';
import { ConversationsModule } from '#conversations';
import { DeliveryModule } from '#delivery';
import { RosterModule } from '#roster';
import { InboundWriter } from './inbound-writer.js';
import { Ingest } from './ingest.js';
import { IngressGateway } from './ingress.gateway.js';
import { IngressHandOver } from './ingress-hand-over.js';
import { IngressStore } from './ingress.store.js';
import { PresenceWriter } from './presence-writer.js';
import { SessionStore } from './session.store.js';
import { StateWriter } from './state-writer.js';
import { Supervisor } from './supervisor.js';

/** Keeps one live session per account and takes in what they bring. Needs `LeasesModule`, bound for everybody. */
@Module({
  imports: [RosterModule, ConversationsModule, DeliveryModule],
  providers: [
    InboundWriter,
    Ingest,
    IngressGateway,
    IngressHandOver,
    IngressStore,
    PresenceWriter,
    SessionStore,
    StateWriter,
    Supervisor,
  ],
  exports: [Supervisor],
})
export class SessionsModule {}
