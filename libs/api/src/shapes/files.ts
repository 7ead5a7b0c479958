import type { FileId } from '#model';
import { z } from 'zod';
import { idOf, pageOf, Time } from '../values.js';

/** A file that was uploaded, or came over a network. Its content is at `GET /v1/files/{id}`. */
export const StoredFile = z.object({
  id: idOf<FileId>(),
  /** What its sender called it, without what would be harmful in a name. */
  name: z.string(),
  /** What it is by its content; what its sender said counts only where it fits. */
  mediaType: z.string(),
  /** Bytes. */
  size: z.int().min(0),
  createdAt: Time,
  /** When it goes unless a message carries it by then; null while one does. */
  expiresAt: Time.nullable(),
});
export type StoredFile = z.output<typeof StoredFile>;

/** One’s own files, the latest first, and what they take of one’s quota (bytes; what is being uploaded counts). */
export const FilePage = pageOf(StoredFile).extend({ used: z.int().min(0), quota: z.int().min(0) });
export type FilePage = z.output<typeof FilePage>;
