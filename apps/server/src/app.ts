import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import type { Connector } from '#connector';
import { irc } from '#connectors/irc';
import { loopback } from '#connectors/loopback';
import { createSms } from '#connectors/sms';
import { sip } from '#connectors/sip';
import { xmpp } from '#connectors/xmpp';
import { createHttpAdapter, NestLog, type Config } from '#platform';
import { AppModule } from './app.module.js';
import { serveFace } from './face.js';

/** The protocols that are built in. */
export function builtIn({ spoolDir }: Config): readonly Connector[] {
  return [irc, xmpp, sip, createSms({ spoolDirectory: spoolDir }), loopback];
}

/** Makes the server, ready to listen but not yet listening. */
export async function createApp(
  config: Config,
  connectors: readonly Connector[] = builtIn(config),
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config, connectors),
    createHttpAdapter(config),
    { logger: new NestLog(), abortOnError: false },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  if (config.roles.has('gateway')) await serveFace(app);
  return app;
}
