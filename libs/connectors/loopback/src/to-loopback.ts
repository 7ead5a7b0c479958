/* From the contract's words to the loopback protocol: pure. */
import { wireIdOf, type OutboundEnvelope } from '#connector';
import { cleanText, failure, unreachable, type Failure } from '#model';
import { isCanonical } from './loopback.addresses.js';
import type { EnvelopeFrame } from './loopback.frames.js';

/** A text in more parts than this is refused. */
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
  const targets = envelope.target?.remoteIds.map(({ id }) => id) ?? [];
  switch (envelope.kind) {
    case 'message': {
      const { emote, notice } = envelope.content;
      const reply = targets[0];
      const parts = partsOf(cleanText(envelope.content.text), maxTextBytes);
      if (parts.length > mostParts) return { failure: failure('too-large') };
      return some(
        parts.map((text, part) => ({
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
        targets
          .slice(0, 1)
          .map((target) => ({ t: 'react', ...head(0), target, emoji: cleanText(emoji), removed })),
      );
    }
    default:
      return unreachable(envelope.kind);
  }
}

function some(frames: readonly EnvelopeFrame[]): Translated {
  const [first, ...rest] = frames;
  return first
    ? { frames: [first, ...rest] }
    : { failure: failure('not-found', 'The network does not know the message that this is about.') };
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Cuts a text into parts of at most so many bytes of UTF-8, never inside a grapheme that would fit a part. */
export function partsOf(text: string, maxBytes: number): readonly string[] {
  if (Buffer.byteLength(text) <= maxBytes) return [text];
  const parts: string[] = [];
  let part = '';
  let bytes = 0;
  const add = (piece: string): void => {
    const size = Buffer.byteLength(piece);
    if (bytes + size > maxBytes && part !== '') {
      parts.push(part);
      part = '';
      bytes = 0;
    }
    part += piece;
    bytes += size;
  };
  for (const { segment } of graphemes.segment(text)) {
    if (Buffer.byteLength(segment) <= maxBytes) add(segment);
    // A grapheme may be longer than a part (a letter under a thousand accents): then it is cut between code points.
    else for (const point of segment) add(point);
  }
  if (part !== '') parts.push(part);
  return parts;
}
