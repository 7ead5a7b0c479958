/*
 * What we say, as lines. Pure. Every maker puts its last parameter behind a colon, so that a text may begin with
 * anything; what would end a line is taken out below everything else, in the wire's writer.
 */
import type { OutboundEnvelope } from '#connector';
import { failure, type Failure, type MessageContent, type PresenceState } from '#model';
import { wireTarget } from './irc.addresses.js';
import { splitText } from './split.js';

/** More parts than this is no message but a flood: 50 lines take 80 s at the usual rate. */
const mostParts = 50;

const tooLarge = failure('too-large', `IRC would need more than ${String(mostParts)} lines for that.`);

export interface OutLine {
  readonly verb: 'PRIVMSG' | 'NOTICE';
  readonly target: string;
  /** The last parameter, as it goes onto the wire. */
  readonly text: string;
}

/** What our own lines look like to others: it takes from the room for text. */
export interface Look {
  /** Bytes of `nick!user@host`. */
  readonly maskBytes: number;
  /** Longest line in bytes, line end included. */
  readonly lineLength: number;
}

/** Bytes of text that fit into one line to a target: `:mask VERB target :text\r\n`. */
export function roomFor(verb: string, target: string, look: Look): number {
  return look.lineLength - (1 + look.maskBytes + 1 + verb.length + 1 + Buffer.byteLength(target) + 2 + 2);
}

/** The lines of an envelope, in order, or why there are none. */
export function linesOf(envelope: OutboundEnvelope, look: Look): readonly OutLine[] | Failure {
  const target = wireTarget(envelope.to);
  if (target === undefined) {
    return failure('not-found', 'Nobody can be written to under that address; write to a nick or a channel.');
  }
  if (envelope.kind !== 'message') {
    return failure('unsupported', 'IRC changes nothing that has been said; the change is told in words.');
  }
  const { content } = envelope;
  const text = [...quoteOf(envelope), withFiles(content)].join('\n');
  const verb = content.notice === true ? 'NOTICE' : 'PRIVMSG';
  const emote = content.emote === true && verb === 'PRIVMSG';
  const room = roomFor(verb, target, look) - (emote ? actionBytes : 0);
  // Measured before it is parted: a megabyte is refused at once.
  if (Buffer.byteLength(text) > mostParts * room) return tooLarge;
  const lines: OutLine[] = [];
  for (const line of text.split(/[\r\n]+/)) {
    const clean = harmless(line);
    if (clean.trim() === '') continue;
    for (const part of splitText(clean, room)) {
      lines.push({ verb, target, text: emote ? `\x01ACTION ${part}\x01` : part });
    }
    if (lines.length > mostParts) return tooLarge;
  }
  return lines.length === 0
    ? failure('unsupported', 'There is no text in it, and IRC sends nothing else.')
    : lines;
}

const actionBytes = '\x01ACTION \x01'.length;

/** \x01 would make a request to somebody's client out of a text (CTCP, DCC). */
function harmless(text: string): string {
  return text.replace(/[\x01\0]/g, '');
}

/** An answer repeats the beginning of what it answers: nothing else tells what it is about. */
function quoteOf({ content, target }: OutboundEnvelope): readonly string[] {
  const line = target?.text.replace(/\s+/g, ' ').trim() ?? '';
  if (content.replyTo === undefined || line === '') return [];
  const [head = line] = splitText(line, 80);
  return [head === line ? `> ${line}` : `> ${head}…`];
}

/** A file goes as its link. */
function withFiles(content: MessageContent): string {
  const links = (content.attachments ?? []).map(({ name, url = '' }) => `${name}: ${url}`);
  return [content.text, ...links].join('\n');
}

/** A line of a command: middle parameters may hold no blank, so the caller has checked them. */
export function command(verb: string, ...params: readonly string[]): string {
  const last = params.at(-1);
  if (last === undefined) return verb;
  return [verb, ...params.slice(0, -1), `:${last}`].join(' ');
}

/** A line with its label (IRCv3 labeled-response). Labels are letters, digits and hyphens: nothing to escape. */
export function labelled(label: string | undefined, line: string): string {
  return label === undefined ? line : `@label=${label} ${line}`;
}

/** AWAY for a presence; undefined for what IRC cannot say. `chatty` and `available` are both "here". */
export function awayOf(state: PresenceState): string | undefined {
  const note = state.note === undefined ? '' : harmless(state.note).trim().slice(0, 300);
  switch (state.presence) {
    case 'chatty':
    case 'available':
      return 'AWAY';
    case 'away':
    case 'extended-away':
      return command('AWAY', note === '' ? 'away' : note);
    case 'busy':
      return command('AWAY', note === '' ? 'busy' : `busy: ${note}`);
    case 'offline':
    case 'unknown':
      return undefined;
  }
}

/**
 * JOIN lines for many channels: those with a key first in each line, as their keys are matched by position; no line
 * with more targets or bytes than the network takes.
 */
export function joinsOf(
  rooms: readonly { readonly name: string; readonly key?: string }[],
  mostTargets: number,
): readonly { readonly line: string; readonly names: readonly string[] }[] {
  const sorted = [...rooms].sort((a, b) => Number(b.key !== undefined) - Number(a.key !== undefined));
  const joins: { line: string; names: string[] }[] = [];
  let names: string[] = [];
  let keys: string[] = [];
  const close = (): void => {
    if (names.length === 0) return;
    joins.push({
      line: ['JOIN', names.join(','), ...(keys.length > 0 ? [keys.join(',')] : [])].join(' '),
      names,
    });
    names = [];
    keys = [];
  };
  for (const { name, key } of sorted) {
    const bytes = Buffer.byteLength([...names, ...keys, name, key ?? ''].join(','));
    if (names.length >= mostTargets || bytes > 400) close();
    names.push(name);
    if (key !== undefined) keys.push(key);
  }
  close();
  return joins;
}
