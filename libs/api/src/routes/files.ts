import type { FileId } from '#model';
import { z } from 'zod';
import { FilePage, StoredFile } from '../shapes/files.js';
import { idOf, PageQuery, text } from '../values.js';
import { route } from './route.js';

const fileParams = z.strictObject({ id: idOf<FileId>() });

export const fileRoutes = {
  uploadFile: route({
    method: 'POST',
    path: '/v1/files',
    summary:
      'Upload a file, as a form with one file in it or as its bytes alone; a message may then carry it',
    tag: 'files',
    auth: 'person',
    scope: 'send',
    /** `name`: what to call it, instead of what the form calls it. */
    query: z.strictObject({ name: text(1, 1_024).exactOptional() }),
    upload: true,
    status: 201,
    answer: StoredFile,
  }),
  listFiles: route({
    method: 'GET',
    path: '/v1/files',
    summary: 'My own files, and how much of my quota they take',
    tag: 'files',
    auth: 'person',
    scope: 'read',
    query: PageQuery,
    status: 200,
    answer: FilePage,
  }),
  getFile: route({
    method: 'GET',
    path: '/v1/files/:id',
    summary: 'The content of a file of mine, or of one that a message I may see carries; ranges are honoured',
    tag: 'files',
    auth: 'person',
    scope: 'read',
    params: fileParams,
    status: 200,
    media: '*/*',
  }),
  deleteFile: route({
    method: 'DELETE',
    path: '/v1/files/:id',
    summary: 'Delete a file of mine that no message carries',
    tag: 'files',
    auth: 'person',
    scope: 'send',
    params: fileParams,
    status: 204,
  }),
  publicFile: route({
    method: 'GET',
    path: '/f/:token',
    summary: 'A file as the recipient of a message fetches it, by the link that the message said',
    tag: 'files',
    auth: 'none',
    params: z.strictObject({ token: text(1, 128) }),
    status: 200,
    media: '*/*',
  }),
} as const;
