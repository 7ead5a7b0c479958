/*
 * What a statement's text says about the session that it runs in. All connections share one session of the engine, so
 * statements that change the session for everybody are recognised, and two of them are put in other words.
 */

import { quoteLiteral } from './wire.js';

/** What a connection wants to hear from now on, or no longer; `*` is every channel. */
export interface ListenChange {
  readonly channel: string;
  readonly on: boolean;
}

export interface Traits {
  readonly listens: readonly ListenChange[];
  /** DISCARD ALL or DEALLOCATE ALL: this connection's prepared statements go, and nobody else's. */
  readonly forgets: 'nothing' | 'statements' | 'everything';
  /** It may be COPY … FROM STDIN, which this engine cannot read. */
  readonly mayCopyIn: boolean;
  /** It may change a setting without a tag that says so. */
  readonly maySet: boolean;
  /** Changes only what ends with the transaction (SET LOCAL, SET TRANSACTION): not worth reading the settings for. */
  readonly setsLocally: boolean;
}

export interface Statement {
  /** The text to run instead. */
  readonly instead?: string;
  readonly traits: Traits;
}

const plain: Traits = {
  listens: [],
  forgets: 'nothing',
  mayCopyIn: false,
  maySet: false,
  setsLocally: false,
};
const ordinary: Statement = { traits: plain };

const interesting = /listen|discard|deallocate|set_config|stdin|^\s*set\s/i;

/** Reads a statement's text. Most have nothing to say, and cost one regular expression. */
export function readStatement(sql: string): Statement {
  if (!interesting.test(sql)) return ordinary;
  const bare = withoutLiterals(sql).trim();
  const traits: Traits = {
    listens: listenChanges(bare),
    forgets: 'nothing',
    mayCopyIn: /\bcopy\b/i.test(bare) && /\bstdin\b/i.test(bare),
    maySet: /\bset_config\b/i.test(bare.replaceAll(/\bset_config\s*\([^()]*,\s*true\s*\)/gi, ' ')),
    setsLocally: /^set\s+(local|transaction)\b[^;]*;?$/i.test(bare),
  };
  if (/^discard\s+all\s*;?$/i.test(bare)) {
    // DISCARD ALL would also drop the prepared statements, channels and advisory locks of everybody else.
    return { instead: 'RESET ALL', traits: { ...traits, forgets: 'everything' } };
  }
  if (/^deallocate\s+(prepare\s+)?all\s*;?$/i.test(bare)) {
    return { instead: 'RESET parley.nothing', traits: { ...traits, forgets: 'statements' } };
  }
  if (/\bdeallocate\s+(prepare\s+)?all\b/i.test(bare)) {
    return {
      instead: raise(
        '0A000',
        'DEALLOCATE ALL among other statements is not supported by the embedded engine',
      ),
      traits,
    };
  }
  return { traits };
}

/** A statement that fails with this error, so that the engine itself keeps the transaction's state. */
export function raise(code: string, text: string): string {
  const block = `BEGIN RAISE EXCEPTION USING ERRCODE = ${quoteLiteral(code)}, MESSAGE = ${quoteLiteral(text)}; END`;
  return `DO ${quoteLiteral(block)}`;
}

/** The tag that a client expects where its statement was put in other words. */
export function expectedTag(forgets: Traits['forgets']): string | undefined {
  switch (forgets) {
    case 'nothing':
      return undefined;
    case 'statements':
      return 'DEALLOCATE ALL';
    case 'everything':
      return 'DISCARD ALL';
  }
}

function listenChanges(bare: string): ListenChange[] {
  const changes: ListenChange[] = [];
  for (const match of bare.matchAll(
    /(?:^|;)\s*(un)?listen\s+("(?:[^"]|"")+"|\*|[\p{L}_][\p{L}\p{N}_$]*)/giu,
  )) {
    const [, un, name = ''] = match;
    changes.push({ channel: channelName(name), on: un === undefined });
  }
  return changes;
}

/** An identifier as PostgreSQL folds it: quoted as written, else lower case. */
function channelName(identifier: string): string {
  return identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"').replaceAll('\0', ';')
    : identifier.toLowerCase();
}

/** The text with comments and string constants blanked; quoted identifiers stay. (PostgreSQL documentation, 4.1) */
function withoutLiterals(sql: string): string {
  let bare = '';
  let at = 0;
  while (at < sql.length) {
    const end = literalEnd(sql, at);
    if (end === undefined) {
      const identifier = sql[at] === '"' ? closing(sql, at, '"') : at + 1;
      // No statement ends inside a quoted name; SQL itself cannot hold a NUL.
      bare += sql.slice(at, identifier).replaceAll(';', identifier > at + 1 ? '\0' : ';');
      at = identifier;
    } else {
      bare += ' ';
      at = end;
    }
  }
  return bare;
}

/** Where the comment or string constant that begins here ends; undefined where none begins. */
function literalEnd(sql: string, at: number): number | undefined {
  switch (sql.charAt(at)) {
    case '-': {
      if (sql[at + 1] !== '-') return undefined;
      const end = sql.indexOf('\n', at);
      return end < 0 ? sql.length : end;
    }
    case '/':
      return sql[at + 1] === '*' ? commentEnd(sql, at) : undefined;
    case "'":
      return /(?:^|[^\w$])e$/i.test(sql.slice(Math.max(0, at - 2), at))
        ? escapedEnd(sql, at)
        : closing(sql, at, "'");
    case '$': {
      const tag = /^\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/u.exec(sql.slice(at, at + 70))?.[0];
      if (tag === undefined || /[\w$]/.test(sql[at - 1] ?? ' ')) return undefined;
      const end = sql.indexOf(tag, at + tag.length);
      return end < 0 ? sql.length : end + tag.length;
    }
    default:
      return undefined;
  }
}

/** Behind the closing quote; a doubled quote does not close. */
function closing(sql: string, at: number, quote: string): number {
  for (let i = at + 1; i < sql.length; i++) {
    if (sql[i] !== quote) continue;
    if (sql[i + 1] !== quote) return i + 1;
    i++;
  }
  return sql.length;
}

/** Like {@link closing}, for E'…', where a backslash takes the next character with it. */
function escapedEnd(sql: string, at: number): number {
  for (let i = at + 1; i < sql.length; i++) {
    if (sql[i] === '\\') i++;
    else if (sql[i] === "'") {
      if (sql[i + 1] !== "'") return i + 1;
      i++;
    }
  }
  return sql.length;
}

/** Comments nest in SQL. */
function commentEnd(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i < sql.length; i++) {
    if (sql.startsWith('/*', i)) {
      depth++;
      i++;
    } else if (sql.startsWith('*/', i)) {
      depth--;
      i++;
      if (depth === 0) return i + 1;
    }
  }
  return sql.length;
}
