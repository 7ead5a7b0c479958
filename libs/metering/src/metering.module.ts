import { Module } from '@nestjs/common';
import { AuditModule } from '#audit';
import { Caps } from './caps.service.js';
import { Ledger } from './ledger.service.js';
import { LedgerStore } from './ledger.store.js';
import { Meter } from './meter.js';
import { MeterStore } from './meter.store.js';
import { MeteringController } from './metering.controller.js';
import { PriceBooks } from './price-books.js';
import { Prices } from './prices.service.js';
import { Usage } from './usage.service.js';
import { UsageStore } from './usage.store.js';

/** What messages cost and how many there were. Needs `AccountsModule` and `ConnectorsModule.forRoot`. */
@Module({
  imports: [AuditModule],
  controllers: [MeteringController],
  providers: [Caps, Ledger, LedgerStore, Meter, MeterStore, PriceBooks, Prices, Usage, UsageStore],
  exports: [Meter],
})
export class MeteringModule {}
