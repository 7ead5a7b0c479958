import { Module, type DynamicModule } from '@nestjs/common';
import { AccountsModule, ConnectorsModule } from '#accounts';
import { BusModule } from '#bus';
import { CallsModule } from '#calls';
import type { Connector } from '#connector';
import { ConversationsModule } from '#conversations';
import { DeliveryModule } from '#delivery';
import { FilesModule } from '#files';
import { MeteringModule } from '#metering';
import { PlatformModule, type Config } from '#platform';
import { RosterModule } from '#roster';
import { SessionsModule } from '#sessions';
import { StreamsModule } from '#streams';
import { PortsModule } from './ports.module.js';

/** The staircase above accounts, with the ports that its rooms publish. */
export const roomsAbove = [
  PortsModule,
  MeteringModule,
  RosterModule,
  ConversationsModule,
  DeliveryModule,
  SessionsModule,
  CallsModule,
  StreamsModule,
] as const;

/** The whole house, floor by floor. Which part of it is awake is said by the roles in the configuration. */
@Module({})
export class AppModule {
  static with(config: Config, connectors: readonly Connector[]): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot(config),
        BusModule,
        FilesModule,
        ConnectorsModule.forRoot(connectors),
        AccountsModule,
        ...roomsAbove,
      ],
    };
  }
}
