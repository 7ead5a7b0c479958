import type { Readable } from 'node:stream';
import { Problem } from '#platform';
import type { Incoming } from './arrival.js';
import { boundaryOf, fileOfForm } from './multipart.js';

/** What is sent to `POST /v1/files`, as far as it is about the file. */
export interface UploadRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as it comes, where its Content-Type is one of the two that are streamed. */
  readonly body: unknown;
}

/** A form has some bytes around its file: boundaries, header fields, small fields. */
const formBytes = 65_536;

/**
 * The file in a request: the first file of a form (`multipart/form-data`), or the body itself
 * (`application/octet-stream`).
 * @param name what the query calls the file
 * @throws Problem 413, 415 `unsupported-media-type`; MalformedUpload
 */
export async function readUpload(
  { headers, body }: UploadRequest,
  name: string | undefined,
  maxBytes: number,
): Promise<Pick<Incoming, 'name' | 'mediaType' | 'size' | 'expected' | 'content'>> {
  const contentType = String(headers['content-type'] ?? '');
  if (!isStream(body)) {
    throw new Problem(
      415,
      'unsupported-media-type',
      'Send the file as multipart/form-data, or its bytes alone as application/octet-stream.',
    );
  }
  // What is left of a body that was refused is Node's to throw away: destroying it would take the answer along.
  const content = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  const length = lengthOf(headers['content-length']);
  if (/^application\/octet-stream\s*(;|$)/i.test(contentType)) {
    const size = length === undefined ? {} : { size: length };
    return { name: name ?? 'file', ...size, content };
  }
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) {
    throw new Problem(415, 'unsupported-media-type', 'The Content-Type names no boundary.');
  }
  if (length !== undefined && length > maxBytes + formBytes) {
    throw new Problem(413, 'file-too-large', `A file may have at most ${String(maxBytes)} bytes.`, {
      members: { limit: maxBytes },
    });
  }
  const form = await fileOfForm(content, boundary);
  return { ...form, name: name ?? form.name, ...(length === undefined ? {} : { expected: length }) };
}

function isStream(body: unknown): body is Readable {
  return typeof (body as Partial<Readable> | null | undefined)?.pipe === 'function';
}

function lengthOf(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}
