/*
 * What a file is, by its content. What its sender says is believed only where the content agrees: a page that calls
 * itself a picture is a page. Signatures are those of the WHATWG MIME Sniffing standard (§6, §7) and of the formats' own
 * documents. A file is judged by its first bytes only; what is shown in a browser is further bound by the headers it is
 * served with (serving.ts), so that a picture with a script in its tail stays a picture.
 */

/** How many first bytes are looked at. */
export const headLength = 4_096;

const unknown = 'application/octet-stream';

interface Signature {
  readonly at?: number;
  readonly bytes: Buffer;
  readonly type: string;
}

const signature = (type: string, bytes: string, at = 0): Signature => ({
  at,
  bytes: Buffer.from(bytes, 'latin1'),
  type,
});

const signatures: readonly Signature[] = [
  signature('image/png', '\x89PNG\r\n\x1a\n'),
  signature('image/jpeg', '\xff\xd8\xff'),
  signature('image/gif', 'GIF87a'),
  signature('image/gif', 'GIF89a'),
  signature('image/tiff', 'II*\0'),
  signature('image/tiff', 'MM\0*'),
  signature('image/x-icon', '\0\0\x01\0'),
  signature('image/jxl', '\0\0\0\x0cJXL \r\n\x87\n'),
  signature('image/jxl', '\xff\x0a'),
  signature('image/vnd.adobe.photoshop', '8BPS'),
  signature('audio/flac', 'fLaC'),
  signature('audio/midi', 'MThd'),
  signature('audio/mpeg', 'ID3'),
  signature('audio/mpeg', '\xff\xfb'),
  signature('audio/mpeg', '\xff\xf3'),
  signature('audio/mpeg', '\xff\xf2'),
  signature('audio/aac', '\xff\xf1'),
  signature('audio/aac', '\xff\xf9'),
  signature('audio/amr', '#!AMR'),
  signature('application/ogg', 'OggS'),
  signature('application/pdf', '%PDF-'),
  signature('application/postscript', '%!PS'),
  signature('application/zip', 'PK\x03\x04'),
  signature('application/zip', 'PK\x05\x06'),
  signature('application/gzip', '\x1f\x8b'),
  signature('application/x-bzip2', 'BZh'),
  signature('application/x-xz', '\xfd7zXZ\0'),
  signature('application/zstd', '\x28\xb5\x2f\xfd'),
  signature('application/x-7z-compressed', '7z\xbc\xaf\x27\x1c'),
  signature('application/vnd.rar', 'Rar!\x1a\x07'),
  signature('application/x-tar', 'ustar', 257),
  signature('application/x-ole-storage', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'),
  signature('application/vnd.microsoft.portable-executable', 'MZ'),
  signature('application/x-elf', '\x7fELF'),
  signature('application/wasm', '\0asm'),
  signature('application/java-vm', '\xca\xfe\xba\xbe'),
  signature('font/woff', 'wOFF'),
  signature('font/woff2', 'wOF2'),
  signature('font/otf', 'OTTO'),
  signature('font/ttf', '\0\x01\0\0\0'),
  signature('application/vnd.sqlite3', 'SQLite format 3\0'),
];

const isAt = (head: Buffer, { at = 0, bytes }: Omit<Signature, 'type'>): boolean =>
  head.length >= at + bytes.length && head.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;

const latin1 = (head: Buffer, from: number, to: number): string => head.toString('latin1', from, to);

/** RIFF, ISO base media (ISO/IEC 14496-12) and Matroska hold many formats, told apart further in. */
function container(head: Buffer): string | undefined {
  if (latin1(head, 0, 4) === 'RIFF') {
    return { WAVE: 'audio/wav', WEBP: 'image/webp', 'AVI ': 'video/x-msvideo' }[latin1(head, 8, 12)];
  }
  if (latin1(head, 4, 8) === 'ftyp') {
    const brand = latin1(head, 8, 12);
    if (/^avi[fs]$/.test(brand)) return 'image/avif';
    if (/^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) return 'image/heic';
    if (/^M4[ABP] $/.test(brand)) return 'audio/mp4';
    if (brand === 'qt  ') return 'video/quicktime';
    if (/^3g/.test(brand)) return 'video/3gpp';
    return 'video/mp4';
  }
  if (latin1(head, 0, 4) === '\x1aE\xdf\xa3') {
    return latin1(head, 0, 64).includes('webm') ? 'video/webm' : 'video/x-matroska';
  }
  // A bitmap says how long its header is; two letters alone would make one out of many a text.
  if (
    latin1(head, 0, 2) === 'BM' &&
    head.length >= 18 &&
    [12, 40, 56, 64, 108, 124].includes(head.readUInt32LE(14))
  ) {
    return 'image/bmp';
  }
  return undefined;
}

/** What is found inside of a container cannot be told by its first bytes: there the sender is believed. */
const withinZip =
  /^application\/(vnd\.(openxmlformats-officedocument|oasis\.opendocument|ms-(word|excel|powerpoint))\..+|epub\+zip|vnd\.google-earth\.kmz|java-archive|vnd\.android\.package-archive)$/;
const kin: Readonly<Record<string, RegExp>> = {
  'application/zip': withinZip,
  'application/x-ole-storage':
    /^application\/(msword|vnd\.ms-(excel|powerpoint|outlook|project)|vnd\.visio)$/,
  'application/ogg': /^(audio|video)\/(ogg|opus|vorbis)$/,
  'video/mp4': /^(audio\/(mp4|x-m4a)|video\/(mp4|x-m4v|3gpp))$/,
  'video/webm': /^audio\/webm$/,
  'video/x-matroska': /^audio\/x-matroska$/,
  'audio/mpeg': /^audio\/mp3$/,
  'application/gzip': /^application\/(x-gzip|x-gtar|x-tgz)$/,
  'image/heic': /^image\/heif$/,
};

const written: ReadonlySet<string> = new Set(['application/pdf', 'application/postscript']);

/** Types that only say what text is about. */
const textual =
  /^(text\/[a-z0-9.+-]+|application\/(json|x-ndjson|xml|yaml|x-yaml|toml|javascript|ecmascript|sql|x-sh|x-httpd-php|[a-z0-9.-]+\+(json|xml|yaml))|image\/svg\+xml|message\/rfc822)$/;

/** The name of a type (RFC 6838 §4.2), in lower case, without parameters; undefined for what is none. */
export function typeName(declared: string | undefined): string | undefined {
  const name = declared?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return name.length <= 127 && /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(name)
    ? name
    : undefined;
}

/**
 * What a file is.
 * @param head its first bytes, `headLength` of them unless it is shorter
 * @param declared what its sender says
 */
export function judgeType(head: Buffer, declared?: string): string {
  const said = typeName(declared);
  const text = textOf(head);
  const found = container(head) ?? signatures.find((one) => isAt(head, one))?.type;
  // Text that happens to begin as a picture does is text; of the known forms only these may be text from end to end.
  if (found !== undefined && (text === undefined || written.has(found))) {
    return said !== undefined && kin[found]?.test(said) === true ? said : found;
  }
  if (text !== undefined)
    return markupOf(text) ?? (said !== undefined && textual.test(said) ? said : 'text/plain');
  // Binary, and of no form that is known here: it may be what it says, unless that would have been recognised.
  const recognisable = /^(image|audio|video|text|multipart|message|font)\//;
  if (said === undefined || recognisable.test(said) || textual.test(said)) return unknown;
  return signatures.some(({ type }) => type === said) ? unknown : said;
}

/** The head as text: UTF-8, or UTF-16 that says so, without control characters; undefined for anything else. */
function textOf(head: Buffer): string | undefined {
  const marked = { '\xff\xfe': 'utf-16le', '\xfe\xff': 'utf-16be' }[latin1(head, 0, 2)];
  try {
    // As a stream: the head may end within a character.
    const text = new TextDecoder(marked ?? 'utf-8', { fatal: true }).decode(head, { stream: true });
    // These are what tells bytes from text.
    return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** WHATWG MIME Sniffing §7.1: what a browser would take for a page; and what would be drawn or run as one. */
const page =
  /^(<!doctype html|<(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|base|link|meta|form|object|embed|template|math)[\s/>]|<!--)/i;

function markupOf(text: string): string | undefined {
  const start = text.replace(/^[\ufeff\s]+/, '');
  if (/<svg[\s>]|http:\/\/www\.w3\.org\/2000\/svg/i.test(start) && start.startsWith('<'))
    return 'image/svg+xml';
  if (/<html[\s>]|http:\/\/www\.w3\.org\/1999\/xhtml/i.test(start) && start.startsWith('<'))
    return 'text/html';
  if (page.test(start)) return 'text/html';
  if (/^<\?xml\s/i.test(start)) return 'application/xml';
  return undefined;
}
