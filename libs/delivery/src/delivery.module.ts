import { Module } from '@nestjs/common';
import { ConversationsModule } from '#conversations';
import { MeteringModule } from '#metering';
import { Acceptor } from './accept.js';
import { Consents } from './consents.js';
import { ChargeStore } from './charge.store.js';
import { Charges } from './charges.js';
import { Changes } from './changes.service.js';
import { DeliveryController } from './delivery.controller.js';
import { Dispatcher } from './dispatcher.js';
import { EnvelopeStore } from './envelope.store.js';
import { EnvelopeViews } from './envelope.views.js';
import { Envelopes } from './envelopes.service.js';
import { FanOutStore } from './fan-out.store.js';
import { FanOutSweep } from './fan-out.sweep.js';
import { FanOuts } from './fan-outs.js';
import { IdempotencyStore } from './idempotency.store.js';
import { OptOutStore } from './opt-out.store.js';
import { OptOutsController } from './opt-outs.controller.js';
import { OptOuts } from './opt-outs.service.js';
import { Receipts } from './receipts.js';
import { QuoteStore } from './quote.store.js';
import { Quotes } from './quotes.service.js';
import { Routing } from './routing.js';
import { SendService } from './send.service.js';
import { Settler } from './settler.js';
import { SweepStore } from './sweep.store.js';
import { DeliverySweeps } from './sweeps.js';
import { UnknownFates } from './unknown-fates.js';

/** What the rooms above call. */
const offered = [Charges, Consents, Dispatcher, EnvelopeViews, FanOuts, Receipts, UnknownFates];

/**
 * How messages leave. Needs, bound by the server for everybody, `Gate` (policy) and `Fence` (leases).
 */
@Module({
  imports: [ConversationsModule, MeteringModule],
  controllers: [DeliveryController, OptOutsController],
  providers: [
    ...offered,
    Acceptor,
    Changes,
    ChargeStore,
    DeliverySweeps,
    EnvelopeStore,
    Envelopes,
    FanOutStore,
    FanOutSweep,
    IdempotencyStore,
    OptOuts,
    OptOutStore,
    Quotes,
    QuoteStore,
    Routing,
    SendService,
    Settler,
    SweepStore,
  ],
  exports: offered,
})
export class DeliveryModule {}
