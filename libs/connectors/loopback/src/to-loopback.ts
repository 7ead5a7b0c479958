/* From the contract's words to the loopback protocol: pure. */
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { cleanText, failure, unreachable, type Failure, type MessageContent } from '#model';
import { isCanonical } from './loopback.addresses.js';
import type { EnvelopeFrame } from './loopback.frames.js';

/** A text that would fill more parts than this is refused. */
const mostParts = 64;

/** The frames of an envelope, one per part, in order; or why it cannot be carried. */
export type Translated =
  { readonly frames: readonly [EnvelopeFrame, ...EnvelopeFrame[]] } | { readonly failure: Failure };

/**
 * Translates one envelope.
 * @param as the name that acts
 * @param maxTextBytes the longest text of one part, in bytes of UTF-8
 */
export function toLoopback(envelope: OutboundEnvelope, as: string, maxTextBytes: number): Translated {
  const { to } = envelope;
  if (!isCanonical(to)) return { failure: failure('not-found', 'That is no address of this network.') };
  const head = (part: number) => ({ as, wire: wireIdOf(envelope.id, part), to });
  // Each part by the network's id: by its sender's it would be named a second time.
  const targets = (envelope.target?.remoteIds ?? []).filter(({ by }) => by === 'network').map(({ id }) => id);
  switch (envelope.kind) {
    case 'message': {
      const { emote, notice } = envelope.content;
      const reply = targets[0];
      const whole = cleanText(withFiles(envelope.content));
      if (isTooLong(whole, maxTextBytes)) return { failure: failure('too-large') };
      return some(
        partsOf(whole, maxTextBytes).map((text, part) => ({
          t: 'send',
          ...head(part),
          text,
          ...(emote === true ? { emote } : {}),
          ...(notice === true ? { notice } : {}),
          ...(reply === undefined || part > 0 ? {} : { reply }),
        })),
      );
    }
    case 'edit': {
      // The first part takes the whole new text where it fits; what the old text had beyond it is taken back.
      const text = cleanText(envelope.content.text);
      if (Buffer.byteLength(text) > maxTextBytes) return { failure: failure('too-large') };
      return some(
        targets.map((target, part) =>
          part === 0 ? { t: 'edit', ...head(part), target, text } : { t: 'retract', ...head(part), target },
        ),
      );
    }
    case 'retraction':
      return some(targets.map((target, part) => ({ t: 'retract', ...head(part), target })));
    case 'reaction': {
      const { reaction } = envelope;
      if (!reaction) return { failure: failure('unsupported', 'A reaction needs an emoji.') };
      const { emoji, removed } = reaction;
      return some(
        targets.slice(0, 1).map((target) => ({
          t: 'react',
          ...head(0),
          target,
          emoji: cleanText(emoji),
          removed,
          ...(envelope.target?.reactions && { all: envelope.target.reactions.slice(0, 100).map(cleanText) }),
        })),
      );
    }
    default:
      return unreachable(envelope.kind);
  }
}

/** Whether a text would fill more parts than are sent. */
export function isTooLong(text: string, maxTextBytes: number): boolean {
  return Buffer.byteLength(text) > maxTextBytes * mostParts;
}

/** A file goes as its name and address, each on a line behind the text. */
export function withFiles({ text, attachments = [] }: MessageContent): string {
  const links = attachments.map(({ name, url = '' }) => `${name}: ${url}`);
  return (text === '' ? links : [text, ...links]).join('\n');
}

function some(frames: readonly EnvelopeFrame[]): Translated {
  const [first, ...rest] = frames;
  return first
    ? { frames: [first, ...rest] }
    : { failure: failure('not-found', 'The network does not know the message that this is about.') };
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });
/** How far back a cut looks for the end of a grapheme, in UTF-16 code units; longer ones are cut between code points. */
const widestGrapheme = 256;

/**
 * Cuts a text into parts of at most so many bytes of UTF-8, between graphemes.
 * Only the neighbourhood of each cut is segmented: `Intl.Segmenter` over a whole text of 100 KB blocks the process for
 * seconds.
 */
export function partsOf(text: string, maxBytes: number): readonly string[] {
  if (Buffer.byteLength(text) <= maxBytes) return [text];
  const parts: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = cutAt(text, start, maxBytes);
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

/** Where the part that begins at `start` must end. */
function cutAt(text: string, start: number, maxBytes: number): number {
  let end = start;
  for (let bytes = 0; end < text.length;) {
    const point = text.codePointAt(end) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    end += point < 0x10000 ? 1 : 2;
  }
  if (end === text.length) return end;
  const from = Math.max(start, end - widestGrapheme);
  const around = text.slice(from, end + widestGrapheme);
  const whole = from + (graphemes.segment(around).containing(end - from)?.index ?? 0);
  // A grapheme that fills a part alone (a letter under a hundred accents) is cut where the bytes end.
  if (whole > start) return whole;
  return end > start ? end : start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
}
