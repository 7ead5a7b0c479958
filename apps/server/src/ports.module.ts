import { Global, Module } from '@nestjs/common';
import { Fates } from '#conversations';
import { EnvelopeFates, Fence, Gate, OpenGate } from '#delivery';
import { Leases, LeaseStore } from '#sessions';

/**
 * What lower rooms publish and upper rooms implement: conversations ask `Fates`, delivery asks `Gate` and `Fence`. Bound
 * here, so that no room imports upward.
 */
@Global()
@Module({
  providers: [
    LeaseStore,
    Leases,
    { provide: Fence, useExisting: Leases },
    { provide: Fates, useClass: EnvelopeFates },
    { provide: Gate, useClass: OpenGate },
  ],
  exports: [LeaseStore, Leases, Fence, Fates, Gate],
})
export class PortsModule {}
