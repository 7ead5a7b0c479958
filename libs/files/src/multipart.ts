/*
 * Reads one file out of a multipart/form-data body (RFC 7578) as it comes: what stands before and after the file is
 * skipped, and nothing but a line's worth is kept in memory. Browsers, curl and the HTTP libraries of every language
 * write this form; the one file is all that we take of it.
 */
import { MalformedUpload } from './broken.js';
import { typeName } from './media-types.js';

/** The file of a form, before its content was read. */
export interface FormFile {
  readonly name: string;
  readonly mediaType?: string;
  readonly content: AsyncIterable<Uint8Array>;
}

const mostHeaderBytes = 16_384;
const mostFields = 100;
const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

/** The boundary that a Content-Type names (RFC 2046 §5.1.1); undefined where it names none that could be. */
export function boundaryOf(contentType: string): string | undefined {
  const found = /;\s*boundary=(?:"([^"]*)"|([^\s;]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2] ?? '';
  return /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary) ? boundary : undefined;
}

/**
 * The first part of a form that is a file.
 * @throws MalformedUpload where there is none; its content throws so where it ends before the form does
 */
export async function fileOfForm(body: AsyncIterable<Uint8Array>, boundary: string): Promise<FormFile> {
  const parts = new Parts(body, boundary);
  for (let fields = 0; await parts.next(); fields++) {
    if (fields > mostFields) throw new MalformedUpload('The form has too many fields.');
    const head = await parts.head();
    const name = fileNameOf(head.get('content-disposition') ?? '');
    if (name === undefined) continue;
    const mediaType = typeName(head.get('content-type'));
    return { name, ...(mediaType === undefined ? {} : { mediaType }), content: parts.content() };
  }
  throw new MalformedUpload('The form has no file in it.');
}

/** The parts of a body, one after another; what is not read of one is skipped. */
class Parts {
  private readonly source: AsyncIterator<Uint8Array>;
  private readonly delimiter: Buffer;
  /** What has come and was not given out. The first delimiter may stand without a line before it. */
  private rest: Buffer = lineEnd;

  constructor(body: AsyncIterable<Uint8Array>, boundary: string) {
    this.source = body[Symbol.asyncIterator]();
    this.delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  /** Goes to the next part; false behind the last one. */
  async next(): Promise<boolean> {
    await this.skip();
    while (this.rest.length < 2) await this.more();
    if (this.rest.toString('latin1', 0, 2) === '--') return false;
    const end = await this.find(lineEnd, 0);
    // RFC 2046: blanks may stand behind a boundary.
    if (!/^[ \t]*$/.test(this.rest.toString('latin1', 0, end)))
      throw new MalformedUpload('A boundary of the form is broken.');
    this.rest = this.rest.subarray(end);
    return true;
  }

  /** The header fields of the part, by their names in lower case. */
  async head(): Promise<Map<string, string>> {
    const end = await this.find(headEnd, 0);
    const text = this.rest.toString('utf8', lineEnd.length, end);
    this.rest = this.rest.subarray(end + headEnd.length);
    const fields = new Map<string, string>();
    for (const line of text.split('\r\n')) {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value.trim());
    }
    return fields;
  }

  /** The part's content; when it is read, or let go of, so is the body. */
  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.upToDelimiter();
    } finally {
      await this.source.return?.();
    }
  }

  private async skip(): Promise<void> {
    const skipped = this.upToDelimiter();
    let { done } = await skipped.next();
    while (done !== true) ({ done } = await skipped.next());
  }

  private async *upToDelimiter(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const at = this.rest.indexOf(this.delimiter);
      if (at >= 0) {
        const last = this.rest.subarray(0, at);
        this.rest = this.rest.subarray(at + this.delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // The delimiter may have begun in what has come.
      const sure = this.rest.length - (this.delimiter.length - 1);
      if (sure > 0) {
        const chunk = this.rest.subarray(0, sure);
        this.rest = this.rest.subarray(sure);
        yield chunk;
      }
      await this.more();
    }
  }

  private async find(mark: Buffer, from: number): Promise<number> {
    for (;;) {
      const at = this.rest.indexOf(mark, from);
      if (at >= 0) return at;
      if (this.rest.length > mostHeaderBytes) throw new MalformedUpload('A header of the form is too long.');
      await this.more();
    }
  }

  private async more(): Promise<void> {
    const next = await this.source.next();
    if (next.done === true) throw new MalformedUpload('The form ended before its last boundary.');
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
  }
}

/**
 * The name that a part's Content-Disposition gives its file; undefined for a plain field. Browsers write the quotation
 * mark as %22 (WHATWG HTML §4.10.22.8), older programs put a backslash before it.
 */
function fileNameOf(disposition: string): string | undefined {
  const extended = /;\s*filename\*=utf-8''([^;\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // The plain one may still do.
    }
  }
  const [, quoted, token] = /;\s*filename=(?:"((?:\\.|[^"\\])*)"|([^\s;]*))/i.exec(disposition) ?? [];
  if (quoted === undefined) return token;
  return quoted.replace(/\\(["\\])/g, '$1').replace(/%(22|0D|0A)/gi, (code) => decodeURIComponent(code));
}
