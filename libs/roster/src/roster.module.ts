import { Module } from '@nestjs/common';
import { Identities } from './identities.js';
import { IdentityViews } from './identity.views.js';

/** Who the accounts have met. */
@Module({ providers: [Identities, IdentityViews], exports: [Identities, IdentityViews] })
export class RosterModule {}
