/*
 * A line of IRC holds 512 bytes with everything (RFC 1459 §2.3), and a server cuts off what is too long without a word.
 * What others receive begins with our own `:nick!user@host `, which we do not send: so the room for text depends on how
 * the network shows us. Text is parted at a blank where there is one in the second half, else between graphemes; a
 * single grapheme that is too long for a line (it exists only as mischief) is parted between code points.
 * Parted at a blank, the text loses that one blank; nothing else is ever lost.
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** How far past the cut the segmenter looks: its cost grows with it, and no sane grapheme is longer. */
const horizon = 256;

/** Parts one line of text (no line breaks in it) so that each part has at most so many bytes of UTF-8. */
export function splitText(text: string, maxBytes: number): readonly string[] {
  const room = Math.max(4, maxBytes);
  // Three bytes is the most that one UTF-16 unit can cost: short text need not be measured.
  if (text.length * 3 <= room || Buffer.byteLength(text) <= room) return [text];
  const parts: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = reach(text, start, room);
    if (end === text.length) {
      parts.push(text.slice(start));
      break;
    }
    const blank = text.lastIndexOf(' ', end);
    if (blank > start + (end - start) / 2) {
      parts.push(text.slice(start, blank));
      start = blank + 1;
    } else {
      const cut = boundary(text, start, end);
      parts.push(text.slice(start, cut));
      start = cut;
    }
  }
  return parts;
}

/** The furthest index, between code points, up to which the text has at most so many bytes. */
function reach(text: string, start: number, maxBytes: number): number {
  let bytes = 0;
  let at = start;
  while (at < text.length) {
    const code = text.codePointAt(at) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

/** The last boundary between graphemes that is not after `end`; `end` itself if there is none. */
function boundary(text: string, start: number, end: number): number {
  const shown = text.slice(start, end + horizon);
  const cut = start + (graphemes.segment(shown).containing(end - start)?.index ?? 0);
  return cut > start ? cut : end;
}
