import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, Database } from '#platform';
import { ContentGone, FileStore } from './file-store.js';
import { FileLinks } from './file-links.js';
import { sendFile } from './send-file.js';
import { guards } from './serving.js';

/** A link may be known to caches for this long after its file is gone. */
const mostAgeSeconds = 300;

/** Where the recipients of messages fetch files: whoever has the link may, until it expires. */
@Controller()
export class PublicFilesController {
  constructor(
    private readonly database: Database,
    private readonly links: FileLinks,
    private readonly store: FileStore,
    private readonly clock: Clock,
  ) {}

  @Get('f/:token')
  async give(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const found = await this.links.follow(this.database, token);
    if (found === undefined) {
      await tell(reply, 404, 'This link leads nowhere', notThere);
      return;
    }
    if (found === 'expired') {
      await tell(reply, 410, 'This link has expired', expired);
      return;
    }
    const left = (found.expiresAt.getTime() - this.clock.now()) / 1_000;
    try {
      await sendFile(reply, request, found.file, (range) => this.store.open(found.file.hash, range), {
        for: 'public',
        maxAgeSeconds: Math.min(mostAgeSeconds, left),
      });
    } catch (error) {
      if (!(error instanceof ContentGone)) throw error;
      await tell(reply, 404, 'This link leads nowhere', notThere);
    }
  }
}

const notThere =
  'There is no file here. It may have been deleted by who sent it, or the link was not copied whole.';
const expired = 'The file can no longer be fetched here. Ask who sent it to send it again.';

/** A page for people: whoever follows a link did not ask for JSON. */
async function tell(reply: FastifyReply, status: number, title: string, sentence: string): Promise<void> {
  await reply
    .code(status)
    .headers({
      ...guards('cross-origin'),
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    .send(
      `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${title}</title><style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;` +
        `padding:0 1rem;color-scheme:light dark}</style><h1>${title}</h1><p>${sentence}</p></html>`,
    );
}
