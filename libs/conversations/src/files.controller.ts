import { Readable } from 'node:stream';
import { Controller, Param, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Caller, pageOf, Route, type Principal, type QueryOf } from '#accounts';
import { routes, type FilePage, type Routes, type StoredFile as FileShape } from '#api';
import {
  Broken,
  ContentGone,
  Files,
  noFile,
  readUpload,
  sendFile,
  type Incoming,
  type StoredFile,
} from '#files';
import { isUuid, type FileId } from '#model';
import { Config, Problem } from '#platform';
import { FileSight } from './file-sight.js';
import { notOurs } from './next.js';

/** Files as people upload, fetch and delete them. Here, because who may see one is said by the messages that carry it. */
@Controller()
export class FilesController {
  constructor(
    private readonly files: Files,
    private readonly sight: FileSight,
    private readonly config: Config,
  ) {}

  @Route(routes.uploadFile)
  async upload(
    @Caller() caller: Principal,
    @Query() { name }: QueryOf<Routes['uploadFile']>,
    @Req() request: FastifyRequest,
  ): Promise<FileShape> {
    try {
      const upload = await readUpload(request, name, this.config.fileMaxBytes);
      return shapeOf(await this.files.receive({ ...ownerOf(caller), ...upload }));
    } catch (error) {
      if (error instanceof Broken) throw new Problem(400, 'broken-upload', error.message, { cause: error });
      throw error;
    } finally {
      // Of what was refused the rest is thrown away as it comes: whoever is still sending then hears the answer.
      if (request.body instanceof Readable) request.body.resume();
    }
  }

  @Route(routes.listFiles)
  async list(
    @Caller() caller: Principal,
    @Query() { limit, next }: QueryOf<Routes['listFiles']>,
  ): Promise<FilePage> {
    if (next !== undefined && !isUuid(next)) throw notOurs('next');
    const owner = ownerOf(caller);
    const found = await this.files.listOf(owner, next as FileId | undefined, limit + 1);
    return { ...pageOf(found, limit, shapeOf), ...(await this.files.usageOf(owner)) };
  }

  @Route(routes.getFile)
  async content(
    @Caller() caller: Principal,
    @Param('id') id: FileId,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const file = await this.sight.mustSee(caller, id);
    try {
      await sendFile(reply, request, file, (range) => this.files.open(file, range), { for: 'caller' });
    } catch (error) {
      throw error instanceof ContentGone ? noFile() : error;
    }
  }

  @Route(routes.deleteFile)
  async remove(@Caller() caller: Principal, @Param('id') id: FileId): Promise<void> {
    const file = await this.sight.mustSee(caller, id);
    if (file.person !== caller.person) {
      throw new Problem(409, 'not-allowed', 'Only who uploaded a file may delete it.');
    }
    await this.files.remove(ownerOf(caller), id);
  }
}

function ownerOf({ workspace, person }: Principal): Pick<Incoming, 'workspace' | 'person'> {
  return { workspace, person };
}

function shapeOf({ id, name, mediaType, size, createdAt, dueAt }: StoredFile): FileShape {
  return {
    id,
    name,
    mediaType,
    size,
    createdAt: createdAt.toISOString(),
    expiresAt: dueAt?.toISOString() ?? null,
  };
}
