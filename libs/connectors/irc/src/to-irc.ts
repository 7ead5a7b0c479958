/*
 * What we say, as lines. Pure. Every maker puts its last parameter behind a colon, so that a text may begin with
 * anything; what would end a line is taken out below everything else, in the wire's writer.
 */
import type { PresenceState } from '#model';

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

/** \x01 would make a request to somebody's client out of a text (CTCP, DCC). */
function harmless(text: string): string {
  return text.replace(/[\x01\0]/g, '');
}

/** A line of a command: middle parameters may hold no blank, so the caller has checked them. */
export function command(verb: string, ...params: readonly string[]): string {
  const last = params.at(-1);
  if (last === undefined) return verb;
  return [verb, ...params.slice(0, -1), `:${last}`].join(' ');
}

/** A line with its label (IRCv3 labeled-response). */
export function labelled(label: string | undefined, line: string): string {
  return label === undefined ? line : tagged({ label }, line);
}

const escapes: Readonly<Record<string, string>> = {
  ';': '\\:',
  ' ': '\\s',
  '\\': '\\\\',
  '\r': '\\r',
  '\n': '\\n',
};

/** A line with tags (IRCv3 message-tags): an empty value is left away, others are escaped. */
export function tagged(tags: Readonly<Record<string, string>>, line: string): string {
  const written = Object.entries(tags).map(([name, value]) =>
    value === '' ? name : `${name}=${value.replace(/[; \\\r\n]/g, (one) => escapes[one] ?? '')}`,
  );
  return written.length === 0 ? line : `@${written.join(';')} ${line}`;
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
