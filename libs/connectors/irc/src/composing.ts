/*
 * An envelope as what goes onto the wire. Pure. What the connection has no means for goes in words (a reply quotes what it
 * answers, a reaction says so) or is refused. A part is what the network answers as one: a line, or a batch of lines
 * (draft/multiline); each has its own wire id.
 */
import type { OutboundEnvelope } from '#connector';
import { failure, type Failure } from '#model';
import { Wardrobe, type Dressed } from './formatting.js';
import { wireTarget } from './irc.addresses.js';
import { partsIn, splitText, wholeIn, type Stretch } from './split.js';
import { roomFor, tagged, type Look } from './to-irc.js';
import { controls, wordsOf } from './wording.js';

/** What the network can be told as it means it; the rest goes in words. */
export interface Means {
  /** A message can name the one that it answers (+draft/reply). */
  readonly replies: boolean;
  /** Reactions can be said (+draft/react). */
  readonly reactions: boolean;
  /** Messages can be taken back (draft/message-redaction). */
  readonly retractions: boolean;
  /** Others can be told that somebody writes (typing). */
  readonly typing: boolean;
  /** Marks before a channel that address some of its members only (STATUSMSG). */
  readonly statusMarks: string;
  /** A message may have several lines (draft/multiline): bytes of text with its line breaks, and lines. */
  readonly multiline?: { readonly maxBytes: number; readonly maxLines: number };
}

/** A connection that knows nothing but RFC 1459. */
export const noMeans: Means = {
  replies: false,
  reactions: false,
  retractions: false,
  typing: false,
  statusMarks: '',
};

interface OutLine {
  readonly text: string;
  /** It goes on where the line before it ends, without a line break. */
  readonly joined: boolean;
}

export interface OutPart {
  readonly verb: 'PRIVMSG' | 'NOTICE' | 'TAGMSG' | 'REDACT';
  /** As it is written. */
  readonly target: string;
  /** The channel or nick that an answer names. */
  readonly about: string;
  readonly tags: Readonly<Record<string, string>>;
  /** More than one: a multiline batch. None: TAGMSG, which says all in its tags. */
  readonly lines: readonly OutLine[];
}

/** More lines than this is no message but a flood: 50 take 80 s at the usual rate. */
const mostLines = 50;
/** In batches a server takes them at once, and what follows waits longer. */
const mostBatchedLines = 100;
const actionBytes = '\x01ACTION \x01'.length;
/** What it costs at most to dress a line anew at a seam, and to undress at its end. */
const seamBytes = 24;

const nowhere = failure(
  'not-found',
  'Nobody can be written to under that address; write to a nick or a channel.',
);
const nothing = failure('unsupported', 'There is no text in it, and IRC sends nothing else.');
const tooLarge = failure('too-large', `IRC would need more than ${String(mostLines)} lines for that.`);

/** The parts of an envelope, in order, or why there are none. */
export function partsOf(
  envelope: OutboundEnvelope,
  look: Look,
  means: Means = noMeans,
): readonly OutPart[] | Failure {
  const about = wireTarget(envelope.to);
  if (about === undefined) return nowhere;
  switch (envelope.kind) {
    case 'message':
      return saying(envelope, about, look, means);
    case 'reaction':
      return reacting(envelope, about, look, means);
    case 'retraction':
      return takingBack(envelope, about, means);
    case 'edit':
      return failure('unsupported', 'IRC changes nothing that has been said; the change is told in words.');
  }
}

/** The lines of a part, as they are written. `label` and `ref` (of a batch) are letters, digits and hyphens. */
export function linesOf(part: OutPart, label: string | undefined, ref: string): readonly string[] {
  const { verb, target, lines } = part;
  const tags = { ...(label !== undefined && { label }), ...part.tags };
  const [first] = lines;
  if (first === undefined) return [tagged(tags, `${verb} ${target}`)];
  if (lines.length === 1) return [tagged(tags, `${verb} ${target} :${first.text}`)];
  return [
    tagged(tags, `BATCH +${ref} draft/multiline ${target}`),
    ...lines.map(({ text, joined }) =>
      tagged({ batch: ref, ...(joined && { 'draft/multiline-concat': '' }) }, `${verb} ${target} :${text}`),
    ),
    `BATCH -${ref}`,
  ];
}

/** The network's own id of what an envelope is about. Of a message in several parts, the first stands for it. */
function aboutId({ target }: OutboundEnvelope): string | undefined {
  return target?.remoteIds.find(({ scope }) => scope === 'msgid')?.id;
}

function saying(
  envelope: OutboundEnvelope,
  about: string,
  look: Look,
  means: Means,
): readonly OutPart[] | Failure {
  const { content } = envelope;
  const answers = content.replyTo === undefined || !means.replies ? undefined : aboutId(envelope);
  const mark = content.audience ?? '';
  if (mark !== '' && !(mark.length === 1 && means.statusMarks.includes(mark))) {
    return failure('unsupported', 'This network cannot write to a part of a room.');
  }
  const target = mark + about;
  const verb = content.notice === true ? 'NOTICE' : 'PRIVMSG';
  const emote = content.emote === true && verb === 'PRIVMSG';
  const room = roomFor(verb, target, look) - (emote ? actionBytes : 0);
  const multiline = emote ? undefined : means.multiline;
  const most = multiline === undefined ? mostLines : mostBatchedLines;
  // Measured before it is looked at: a megabyte is refused at once.
  if (content.text.length > most * room) return tooLarge;
  const words = wordsOf(content, answers === undefined ? quoteOf(envelope) : '');
  if (Buffer.byteLength(words.text) > most * room) return tooLarge;
  const batches = multiline === undefined ? singles(words, room) : batched(words, room, multiline);
  if (batches.reduce((sum, lines) => sum + lines.length, 0) > most) return tooLarge;
  if (batches.length === 0) return nothing;
  return batches.map((lines, part) => ({
    verb,
    target,
    about,
    tags: answers !== undefined && part === 0 ? { '+draft/reply': answers } : {},
    lines: emote ? lines.map(({ text, joined }) => ({ text: `\x01ACTION ${text}\x01`, joined })) : lines,
  }));
}

function reacting(
  envelope: OutboundEnvelope,
  about: string,
  look: Look,
  means: Means,
): readonly OutPart[] | Failure {
  const { reaction, target } = envelope;
  if (reaction === undefined) return failure('unsupported', 'There is no reaction in it.');
  const id = means.reactions ? aboutId(envelope) : undefined;
  if (id !== undefined) {
    const tag = reaction.removed ? '+draft/unreact' : '+draft/react';
    const tags = { [tag]: reaction.emoji.replace(controls, ''), '+draft/reply': id };
    return [{ verb: 'TAGMSG', target: about, about, tags, lines: [] }];
  }
  if (reaction.removed) {
    return failure(
      'unsupported',
      'The network gave that message no id: a reaction to it cannot be taken back.',
    );
  }
  const [quote = ''] = splitText((target?.text ?? '').replace(/\s+/g, ' ').trim(), 120);
  const text =
    quote === '' ? `reacted with ${reaction.emoji}` : `reacted with ${reaction.emoji} to “${quote}”`;
  return saying({ ...envelope, kind: 'message', content: { text, emote: true } }, about, look, means);
}

function takingBack(envelope: OutboundEnvelope, about: string, means: Means): readonly OutPart[] | Failure {
  if (!means.retractions) return failure('unsupported', 'This server cannot take back what was said.');
  const ids = (envelope.target?.remoteIds ?? []).filter(({ scope }) => scope === 'msgid');
  if (ids.length === 0) {
    return failure('not-found', 'The network gave that message no id, so it cannot be taken back.');
  }
  return ids.slice(0, mostLines).map(({ id }) => ({
    verb: 'REDACT',
    target: about,
    about,
    tags: {},
    lines: [{ text: id, joined: false }],
  }));
}

/** An answer repeats the beginning of what it answers where nothing else tells what it is about. */
function quoteOf({ content, target }: OutboundEnvelope): string {
  const line = target?.text.replace(/\s+/g, ' ').trim() ?? '';
  if (content.replyTo === undefined || line === '') return '';
  const [head = line] = splitText(line, 80);
  return head === line ? `> ${line}\n` : `> ${head}…\n`;
}

/** The lines of a text, each without its line break. */
function linesIn(text: string): readonly Stretch[] {
  const lines: Stretch[] = [];
  let start = 0;
  for (const { index, 0: broken } of text.matchAll(/\r\n|\r|\n/g)) {
    lines.push({ start, end: index });
    start = index + broken.length;
  }
  lines.push({ start, end: text.length });
  return lines;
}

const isBlank = (text: string, { start, end }: Stretch): boolean => text.slice(start, end).trim() === '';

function wholeOf({ text, spans }: Dressed): readonly Stretch[] {
  return wholeIn(
    text,
    spans.filter(({ style, start, end }) => style.kind === 'mention' && start < end),
  );
}

/** Each line a part, or several where it is too long; empty ones are left out. */
function singles(words: Dressed, room: number): readonly (readonly OutLine[])[] {
  const { text } = words;
  const wardrobe = new Wardrobe(words);
  const whole = wholeOf(words);
  return linesIn(text).flatMap((within) => {
    if (isBlank(text, within)) return [];
    const parts = partsIn({
      text,
      within,
      reach: (start) => wardrobe.reach(start, within.end, room),
      whole,
    });
    return parts
      .map((part) => [{ text: wardrobe.write(part.start, part.end), joined: false }])
      .filter(([line]) => line?.text.trim() !== '');
  });
}

/** As few parts as the network's limits allow, each with as many lines as fit; line breaks and empty lines are kept. */
function batched(
  words: Dressed,
  room: number,
  { maxBytes, maxLines }: NonNullable<Means['multiline']>,
): readonly (readonly OutLine[])[] {
  const { text } = words;
  const wardrobe = new Wardrobe(words);
  const whole = wholeOf(words);
  const most = Math.max(4, Math.min(room, maxBytes) - seamBytes);
  const batches: OutLine[][] = [];
  let batch: OutLine[] = [];
  let bytes = 0;
  const close = (): void => {
    while (batch.at(-1)?.text.trim() === '') batch.pop();
    const [only] = batch;
    // A line by itself ends undressed anyway.
    if (batch.length === 1 && only) batches.push([{ ...only, text: only.text.replace(/\x0f$/, '') }]);
    else if (batch.length > 1) batches.push(batch);
    batch = [];
    bytes = 0;
  };
  for (const within of linesIn(text)) {
    const parts = isBlank(text, within)
      ? [{ start: within.start, end: within.start }]
      : partsIn({
          text,
          within,
          reach: (start) => wardrobe.reach(start, within.end, most),
          whole,
          joined: true,
        });
    for (const [number, { start, end }] of parts.entries()) {
      const write = (joined: boolean): OutLine => {
        // A line that is joined goes on as the one before it was dressed; a new one is dressed anew.
        const line = wardrobe.write(start, end, joined ? start - 1 : undefined);
        const bare = end === within.end && start < end && wardrobe.isDressed(end - 1);
        return { text: bare ? `${line}\x0f` : line, joined };
      };
      let line = write(number > 0 && batch.length > 0);
      const cost = Buffer.byteLength(line.text) + 1;
      if (batch.length > 0 && (batch.length >= maxLines || bytes + cost > maxBytes)) {
        close();
        line = write(false);
      }
      // A batch that begins with nothing is none.
      if (batch.length === 0 && line.text.trim() === '') continue;
      batch.push(line);
      bytes += Buffer.byteLength(line.text) + 1;
    }
  }
  close();
  return batches;
}
