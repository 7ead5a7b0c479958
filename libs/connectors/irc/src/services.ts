/*
 * Services as somebody one writes to (NickServ), for networks that offer no SASL: signing in after the welcome, and
 * taking our nick back from whoever sits on it. Off unless the settings ask for it, because nobody can prove that who
 * goes by that nick is a service: `NickServ@services.example.org` is delivered to that server's service and nobody else.
 *
 * What answers is prose in any language. So a sign-in is believed by what the server itself says (900, ACCOUNT, the user
 * mode r) or by the usual sentences; without either it has not happened. The line with the password is said to no log
 * and stored in no history: its echo is swallowed here.
 */
import type { IrcMessage } from 'irc-framework';
import { words } from '#connector/session';
import { failure, type Failure } from '#model';
import { plain } from './formatting.js';
import { command } from './to-irc.js';

const done =
  /\b(?:now|already|been|successfully) (?:identified|recogni[sz]ed|logged in|authenticated)|password accepted/i;
const wrong =
  /(?:invalid|incorrect|wrong|bad) (?:password|credentials)|password (?:is )?(?:incorrect|invalid|wrong)|(?:authentication|identification) failed|access denied/i;
const nobody = /(?:isn.?t|not) (?:a )?registered|no such (?:account|nick)|(?:suspended|frozen|forbidden)/i;
const unheard = /(?:unknown|invalid|unrecogni[sz]ed|no such) command/i;

/** Atheme, Anope 2, and what both and their elders know. Only the last leaves the nick to be asked for. */
const takers = ['REGAIN', 'RECOVER', 'GHOST'];

export interface ServicesParts {
  /** `NickServ`, or `NickServ@services.example.org`. */
  readonly address: string;
  readonly isSelf: (nick: string | undefined) => boolean;
  readonly sameName: (one: string, other: string) => boolean;
  readonly send: (line: string) => void;
  readonly signedIn: () => void;
  readonly failed: (why: Failure) => void;
  /** The nick may be free now. */
  readonly freed: () => void;
}

export class Services {
  readonly #parts: ServicesParts;
  readonly #nick: string;
  #signingIn = false;
  /** How to take a nick back, and what is left to try. */
  #taking: { readonly nick: string; readonly verbs: string[] } | undefined;

  constructor(parts: ServicesParts) {
    this.#parts = parts;
    this.#nick = parts.address.split('@')[0] ?? '';
  }

  /** Signs in; without a password the certificate is left to speak. Who has asked waits, with a deadline. */
  identify(account: string | undefined, password: string | undefined): void {
    this.#signingIn = true;
    if (password === undefined) return;
    // Elders know no account beside the nick.
    const own = account === undefined || this.#parts.isSelf(account);
    this.#say(`IDENTIFY ${own ? '' : `${account} `}${password}`);
  }

  /** Takes a nick back. The services let only its owner. */
  retake(nick: string): void {
    this.#taking = { nick, verbs: [...takers] };
    this.#takeNext();
  }

  /** Looks at a line. True when nobody else may see it. */
  handle(message: IrcMessage): boolean {
    const { params, nick } = message;
    const { isSelf, sameName } = this.#parts;
    const [first = '', second = ''] = params;
    switch (message.command) {
      case 'PRIVMSG':
        return (
          isSelf(nick) && sameName(first.split('@')[0] ?? '', this.#nick) && /^\W*identify\b/i.test(second)
        );
      case 'NOTICE':
        if (sameName(nick, this.#nick)) this.#noticed(plain(second));
        return false;
      case '900':
        this.#succeeded();
        return false;
      case 'ACCOUNT':
        if (isSelf(nick) && first !== '*' && first !== '') this.#succeeded();
        return false;
      case 'MODE':
        if (isSelf(first) && /\+[A-Za-z]*r/.test(second)) this.#succeeded();
        return false;
      case '401':
      case '402':
        if (sameName(second, this.#parts.address) || sameName(second, this.#nick)) this.#absent();
        return false;
      default:
        return false;
    }
  }

  #noticed(text: string): void {
    if (this.#signingIn) {
      if (done.test(text)) this.#succeeded();
      else if (wrong.test(text) || nobody.test(text)) this.#fail(failure('auth-failed', words(text)));
    } else if (this.#taking !== undefined) {
      if (unheard.test(text)) {
        this.#takeNext();
      } else {
        this.#taking = undefined;
        this.#parts.freed();
      }
    }
  }

  #takeNext(): void {
    const verb = this.#taking?.verbs.shift();
    if (verb === undefined || this.#taking === undefined) this.#taking = undefined;
    else this.#say(`${verb} ${this.#taking.nick}`);
  }

  #absent(): void {
    this.#taking = undefined;
    this.#fail(failure('auth-method', 'The services are not there.', 'retry'));
  }

  #succeeded(): void {
    if (!this.#signingIn) return;
    this.#signingIn = false;
    this.#parts.signedIn();
  }

  #fail(why: Failure): void {
    if (!this.#signingIn) return;
    this.#signingIn = false;
    this.#parts.failed(why);
  }

  #say(text: string): void {
    this.#parts.send(command('PRIVMSG', this.#parts.address, text));
  }
}
