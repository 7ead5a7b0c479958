import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { ByteRange } from './file-store.js';
import { serve, type ServedFile } from './serving.js';

/**
 * Answers a request with a file, as much of it as was asked for, straight from the store.
 * @throws ContentGone before anything is sent
 */
export async function sendFile(
  reply: FastifyReply,
  request: Pick<FastifyRequest, 'method' | 'headers'>,
  file: ServedFile,
  open: (range: ByteRange) => Promise<Readable>,
  readers: Parameters<typeof serve>[2],
): Promise<void> {
  const { status, headers, range } = serve(file, request, readers);
  // For HEAD an empty stream: of no answer at all Fastify would say that it has no bytes.
  const nothing = request.method === 'HEAD' && status < 300 ? Readable.from([]) : undefined;
  const content = range ? await open(range) : nothing;
  await reply.code(status).headers(headers).send(content);
}
