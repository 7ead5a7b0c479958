/*
 * A line of IRC holds 512 bytes with everything (RFC 1459 §2.3), and a server cuts off what is too long without a word.
 * What others receive begins with our own `:nick!user@host `, which we do not send: so the room for text depends on how
 * the network shows us. Text is parted at a blank where there is one in the second half, else between graphemes; a
 * single grapheme that is too long for a line (it exists only as mischief) is parted between code points. A link or a
 * mention is parted only if it is longer than a line by itself.
 * Parted at a blank, the text loses that one blank, unless it is to be joined again; nothing else is ever lost.
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** How far past the cut the segmenter looks: its cost grows with it, and no sane grapheme is longer. */
const horizon = 256;

/** From one index to another, the end exclusive. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

export interface Parting {
  readonly text: string;
  readonly within: Stretch;
  /** The furthest index, between code points and past `start`, up to which a part that begins there may go. */
  readonly reach: (start: number, first: boolean) => number;
  /** What should stay whole: sorted, apart from each other. */
  readonly whole: readonly Stretch[];
  /** Whether the parts will be joined again as they are: then the blank at a seam stays. */
  readonly joined?: boolean;
}

/** Parts one line of text (no line breaks in it). */
export function partsIn({ text, within, reach, whole, joined = false }: Parting): readonly Stretch[] {
  const parts: Stretch[] = [];
  let { start } = within;
  while (start < within.end) {
    const furthest = reach(start, parts.length === 0);
    if (furthest >= within.end) break;
    const broken = whole.find((one) => one.start < furthest && furthest < one.end);
    const end = broken !== undefined && broken.start > start ? broken.start : furthest;
    const blank = blankBefore(text, start, joined ? end - 1 : end, whole);
    if (blank !== undefined) {
      parts.push({ start, end: joined ? blank + 1 : blank });
      start = blank + 1;
    } else {
      const cut = end === broken?.start ? end : boundary(text, start, end);
      parts.push({ start, end: cut });
      start = cut;
    }
  }
  if (start < within.end || parts.length === 0) parts.push({ start, end: within.end });
  return parts;
}

/** The last blank in the second half of what fits that is not within something whole. */
function blankBefore(
  text: string,
  start: number,
  end: number,
  whole: readonly Stretch[],
): number | undefined {
  let blank = text.lastIndexOf(' ', end);
  for (;;) {
    if (blank <= start + (end - start) / 2) return undefined;
    const around = whole.find((one) => one.start < blank && blank < one.end);
    if (around === undefined) return blank;
    blank = text.lastIndexOf(' ', around.start);
  }
}

/** Parts one line of undressed text so that each part has at most so many bytes of UTF-8. */
export function splitText(text: string, maxBytes: number): readonly string[] {
  const room = Math.max(4, maxBytes);
  // Three bytes is the most that one UTF-16 unit can cost: short text need not be measured.
  if (text.length * 3 <= room || Buffer.byteLength(text) <= room) return [text];
  const parts = partsIn({
    text,
    within: { start: 0, end: text.length },
    reach: (start) => reachOf(text, start, room),
    whole: wholeIn(text),
  });
  return parts.map(({ start, end }) => text.slice(start, end));
}

const link = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s]+|\bwww\.[^\s]+/gi;

/** The links of a text, and what else is named, sorted and without overlaps. */
export function wholeIn(text: string, others: readonly Stretch[] = []): readonly Stretch[] {
  const links = [...text.matchAll(link)].map(({ index, 0: { length } }) => ({
    start: index,
    end: index + length,
  }));
  const all = [...links, ...others].sort((a, b) => a.start - b.start);
  const apart: { start: number; end: number }[] = [];
  for (const { start, end } of all) {
    const last = apart.at(-1);
    if (last !== undefined && start < last.end) last.end = Math.max(last.end, end);
    else apart.push({ start, end });
  }
  return apart;
}

/** The furthest index, between code points, up to which the text has at most so many bytes. */
function reachOf(text: string, start: number, maxBytes: number): number {
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
