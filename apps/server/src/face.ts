import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fastifyStatic } from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { openapi } from '#api';
import { packageRoot } from '#platform';

/** Only our own files, and nobody may frame them. */
const pagePolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** The pages of the server itself: set-up and status at `/`, the API to read and to try at `/v1/docs`. */
const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
  version: string;
};

export async function serveFace(app: NestFastifyApplication): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(packageRoot(), 'apps/server/page'),
    setHeaders: (reply) => {
      reply.header('content-security-policy', pagePolicy);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
    },
  });
  SwaggerModule.setup('v1/docs', app, openapi({ version }) as unknown as OpenAPIObject, {
    jsonDocumentUrl: 'v1/openapi.json',
    customSiteTitle: 'Parley API',
  });
}
