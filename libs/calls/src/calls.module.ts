import { Module } from '@nestjs/common';
import { ConversationsModule } from '#conversations';
import { RosterModule } from '#roster';
import { CallSweep } from './call.sweep.js';
import { CallViews } from './call.views.js';
import { CallsController } from './calls.controller.js';
import { Calls } from './calls.service.js';
import { Exchange } from './exchange.js';

/**
 * Calls that came in, and calls that are placed between two phones. What sessions tell of them it takes as `CallIntake`,
 * bound by the server for everybody.
 */
@Module({
  imports: [RosterModule, ConversationsModule],
  controllers: [CallsController],
  providers: [CallSweep, CallViews, Calls, Exchange],
  exports: [CallViews],
})
export class CallsModule {}
