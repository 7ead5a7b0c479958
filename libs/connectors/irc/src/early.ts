/* What a line means before the welcome, where it means something else or nothing after it. Pure. */
import { words } from '#connector/session';
import { failure, type Failure } from '#model';
import type { IrcMessage } from 'irc-framework';
import { endingFailure, failFailure, numericFailure } from './failures.js';

export type Early =
  /** Another nick must be asked for: any, or one that the person has given. */
  | { readonly early: 'nick-taken' | 'nick-refused'; readonly failure: Failure }
  | { readonly early: 'refused'; readonly failure: Failure }
  /** The server wants this back before it goes on. */
  | { readonly early: 'proof'; readonly token: string }
  | { readonly early: 'no-capabilities' }
  /** The end of a welcome whose first line was lost. */
  | { readonly early: 'welcome'; readonly nick: string }
  | { readonly early: 'nothing' };

const nothing: Early = { early: 'nothing' };

/** Undefined for what means the same as ever. */
export function earlyOf({ command, params }: IrcMessage): Early | undefined {
  const [first] = params;
  const text = words(params.at(-1));
  switch (command) {
    case '433': // in use
    case '436': // collision
    case '437': // unavailable for now
      return { early: 'nick-taken', failure: failure('name-in-use', text) };
    case '431':
    case '432': // not a nick to this server
      return { early: 'nick-refused', failure: failure('not-allowed', text) };
    case '464':
      return refused(failure('auth-failed', text ?? 'The server wants another password.'));
    case '463':
    case '465': {
      // Some say it of a host that comes too often.
      const ending = endingFailure(text ?? '');
      return refused(ending.code === 'rate-limited' ? ending : failure('banned', text));
    }
    case '010': // a full server that names another
      return refused(failure('rate-limited', words(params.slice(1).join(' '))));
    case '513': {
      // "To connect, type /QUOTE PONG 1234"
      const [, token] = /PONG :?(\S+)/i.exec(text ?? '') ?? [];
      return token === undefined ? nothing : { early: 'proof', token };
    }
    case '421':
    case '451':
      return params.includes('CAP') ? { early: 'no-capabilities' } : nothing;
    case '376':
    case '422':
      // Without a nick it is no welcome.
      return first === undefined || first === '*' ? undefined : { early: 'welcome', nick: first };
    case 'FAIL':
      if (first === 'NICK') return { early: 'nick-taken', failure: failure('name-in-use', text) };
      return first === '*' ? refused(failFailure(params[1] ?? '', text)) : nothing;
    default:
      return numericFailure(command, undefined) === undefined ? undefined : nothing;
  }
}

function refused(why: Failure): Early {
  return { early: 'refused', failure: why };
}
