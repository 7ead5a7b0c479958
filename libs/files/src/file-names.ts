import { cleanText } from '#model';

/** The most UTF-16 code units of a name, and the most bytes of it: what every file system can bear. */
const mostUnits = 200;
const mostBytes = 255;

/**
 * What its sender calls a file, made harmless: its last part only, without what controls a terminal, turns the direction
 * of writing (U+202E makes `exe.gpj` read as a picture) or stands for a folder. `file` where nothing is left.
 */
export function cleanName(raw: string): string {
  const last = cleanText(raw).normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u{fff0}-\u{fffb}\u{fffe}\u{ffff}]/gu, (mark) =>
      joiners.has(mark) ? mark : '',
    )
    .replace(/\s+/gu, ' ')
    .replace(/^[\s.]+|[\s.]+$/gu, '');
  return shortened(clean) || 'file';
}

/** Zero-width joiner and non-joiner: Persian and many emoji are not written without them. */
const joiners: ReadonlySet<string> = new Set(['\u200c', '\u200d']);

/** Cut in the middle: the ending says what it is. */
function shortened(name: string): string {
  if (name.length <= mostUnits && Buffer.byteLength(name) <= mostBytes) return name;
  const ending = /\.[\p{L}\p{N}]{1,10}$/u.exec(name)?.[0] ?? '';
  let stem = name.slice(0, Math.min(name.length - ending.length, mostUnits - ending.length));
  while (Buffer.byteLength(stem.toWellFormed()) + Buffer.byteLength(ending) > mostBytes)
    stem = stem.slice(0, -1);
  // A character of two units that was cut in half goes whole.
  return stem.replace(/[\ud800-\udbff]$/, '').trimEnd() + ending;
}

/**
 * Content-Disposition (RFC 6266): the name once in ASCII for who knows no other, once whole (RFC 8187) where that differs.
 * Nothing in a name ends the quotation or the line.
 */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const head = `${kind}; filename="${plain}"`;
  return plain === name ? head : `${head}; filename*=UTF-8''${extended(name)}`;
}

/** RFC 8187 §3.2.1: every byte but an attr-char is written as its number. */
function extended(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
