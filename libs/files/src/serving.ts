/*
 * How a file is given out: whether it may be shown, under which headers, and which part of it was asked for (RFC 9110
 * §13 conditional requests, §14 ranges). Pure: a request's headers in, a status and headers out.
 */
import { contentDisposition } from './file-names.js';
import type { ByteRange } from './file-store.js';

export interface ServedFile {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the content. */
  readonly hash: Buffer;
}

export interface AskedFor {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Serving {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes to send; absent where the answer has no body. */
  readonly range?: ByteRange | undefined;
}

/** What a browser draws without running anything in it. All else is saved, never shown. */
const shown =
  /^(image\/(png|jpeg|gif|webp|avif|bmp|x-icon)|audio\/(mpeg|mp3|mp4|x-m4a|aac|flac|wav|ogg|opus|webm)|video\/(mp4|webm|ogg)|text\/plain)$/;
/** Text that is no page, sheet or script of one: shown as what it is, text. */
const shownAsText =
  /^text\/(?!html|css|javascript|ecmascript|x-javascript|xml|xsl|vbscript|cache-manifest|calendar|vcard)[a-z0-9.+-]+$/;
/** What somebody's browser or mail program might run or draw as a page: never named by its type. */
const hot =
  /^(text\/(html|css|xml|xsl|javascript|ecmascript|x-javascript|vbscript|cache-manifest)|image\/svg\+xml|application\/(xml|xhtml\+xml|javascript|ecmascript|wasm|[a-z0-9.-]+\+xml))$/;

/** The type that goes on the wire, and whether the file may be shown. */
function appearance(mediaType: string): { readonly type: string; readonly inline: boolean } {
  if (hot.test(mediaType)) return { type: 'application/octet-stream', inline: false };
  if (shownAsText.test(mediaType)) return { type: 'text/plain; charset=utf-8', inline: true };
  return { type: mediaType, inline: shown.test(mediaType) };
}

/**
 * @param readers `caller`: for who asked, checked at every request. `public`: for whoever has the link; `maxAgeSeconds`
 * says for how long others may keep it.
 */
export function serve(
  file: ServedFile,
  asked: AskedFor,
  readers: { readonly for: 'caller' } | { readonly for: 'public'; readonly maxAgeSeconds: number },
): Serving {
  const { type, inline } = appearance(file.mediaType);
  const etag = `"${file.hash.toString('base64url')}"`;
  const headers = {
    etag,
    'accept-ranges': 'bytes',
    'cache-control':
      readers.for === 'caller'
        ? 'private, no-cache'
        : `public, max-age=${String(Math.max(0, Math.floor(readers.maxAgeSeconds)))}`,
    ...guards(readers.for === 'caller' ? 'same-origin' : 'cross-origin'),
  };
  if (matches(asked.headers['if-none-match'], etag)) return { status: 304, headers };
  const content = {
    ...headers,
    'content-type': type,
    'content-disposition': contentDisposition(inline ? 'inline' : 'attachment', file.name),
  };
  const range = rangeOf(asked, etag, file.size);
  if (range === 'unsatisfiable') {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${String(file.size)}` } };
  }
  const length = range ? range.end - range.start + 1 : file.size;
  const all = { ...content, 'content-length': String(length) };
  const bytes =
    asked.method === 'HEAD' || length === 0 ? undefined : (range ?? { start: 0, end: file.size - 1 });
  if (!range) return { status: 200, headers: all, range: bytes };
  const stretch = `bytes ${String(range.start)}-${String(range.end)}/${String(file.size)}`;
  return { status: 206, headers: { ...all, 'content-range': stretch }, range: bytes };
}

/**
 * What keeps a file from acting as a page of ours, even one that a browser insists on showing: no guessing of types, a
 * sandbox without scripts, forms or origin, nothing loaded (but the file's own picture or sound), no frame around it.
 */
export function guards(readers: 'same-origin' | 'cross-origin'): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'content-security-policy':
      "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'cross-origin-resource-policy': readers,
    'referrer-policy': 'no-referrer',
    'x-robots-tag': 'noindex, nofollow',
  };
}

/** RFC 9110 §13.1.2, by weak comparison. */
function matches(condition: string | string[] | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  const tags = String(condition)
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}

/**
 * The stretch that is asked for (RFC 9110 §14.1.2). Undefined for all of it: no range, one of several stretches or of a
 * form that is not known, or one on condition of content that is not this.
 */
function rangeOf({ headers }: AskedFor, etag: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const { range } = headers;
  if (typeof range !== 'string') return undefined;
  const condition = headers['if-range'];
  if (condition !== undefined && condition !== etag) return undefined;
  const found = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(range);
  if (!found) return undefined;
  const [, first = '', last = ''] = found;
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}
