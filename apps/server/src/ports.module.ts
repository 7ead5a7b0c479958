import { Global, Module } from '@nestjs/common';
import { CallLedger } from '#calls';
import { Fates } from '#conversations';
import { EnvelopeFates, Fence, Gate, OpenGate } from '#delivery';
import { CallIntake, Leases, LeaseStore } from '#sessions';

/**
 * What lower rooms publish and upper rooms implement: conversations ask `Fates`, delivery asks `Gate` and `Fence`, sessions
 * tell `CallIntake`. Bound here, so that no room imports upward.
 */
@Global()
@Module({
  providers: [
    LeaseStore,
    Leases,
    { provide: Fence, useExisting: Leases },
    { provide: Fates, useClass: EnvelopeFates },
    { provide: CallIntake, useClass: CallLedger },
    { provide: Gate, useClass: OpenGate },
  ],
  exports: [LeaseStore, Leases, Fence, Fates, CallIntake, Gate],
})
export class PortsModule {}
