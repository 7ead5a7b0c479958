import { Module } from '@nestjs/common';
import { Identities } from './identities.js';
import { IdentityViews } from './identity.views.js';
import { NetworkRoster } from './network-roster.js';
import { RosterItems } from './roster-items.js';
import { RosterController } from './roster.controller.js';

/** Who the accounts have met, and whom they have on their networks' rosters. Needs the accounts' module and the bus. */
@Module({
  controllers: [RosterController],
  providers: [Identities, IdentityViews, NetworkRoster, RosterItems],
  exports: [Identities, IdentityViews, RosterItems],
})
export class RosterModule {}
