import { Global, Module } from '@nestjs/common';
import { DueSweep } from './due-sweep.js';
import { Ephemerals } from './ephemerals.js';
import { EventLog } from './event-log.js';
import { Jobs } from './jobs.js';
import { LogReaders } from './log-reader.js';
import { Requests } from './requests.js';
import { Signals } from './signals.js';

const parts = [EventLog, LogReaders, Signals, Requests, Ephemerals, Jobs, DueSweep];

/** What happens and who hears of it: injectable everywhere, imported once. */
@Global()
@Module({ providers: parts, exports: parts })
export class BusModule {}
