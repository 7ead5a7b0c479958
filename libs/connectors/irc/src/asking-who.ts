/*
 * WHO for rooms that were just entered (WHOX, https://ircv3.net/specs/extensions/whox): who in there is signed in to
 * which account, and who is away, told for all at once. One room at a time, and no large ones: the answer has a line for
 * each member, and some servers throw out whoever asks for too much.
 */
import type { IrcMessage } from 'irc-framework';
import { fold } from './case-mapping.js';
import type { Network } from './network.js';
import type { Outbox } from './outbox.js';

/** Rooms with more members are not asked about. */
const largest = 500;
/** Tells our answers from those to others' questions on the same connection (a bouncer's). */
const token = '417';

/** What one line of the answer says. */
export interface WhoSays {
  readonly nick: string;
  readonly userHost: string;
  readonly away: boolean;
  /** Undefined: signed in to none. */
  readonly account: string | undefined;
}

export class AskingWho {
  readonly #network: () => Network;
  readonly #outbox: Outbox;
  readonly #waiting: string[] = [];
  #asked: string | undefined;

  constructor(network: () => Network, outbox: Outbox) {
    this.#network = network;
    this.#outbox = outbox;
  }

  /** We are in a room and have been told who else is. */
  entered(channel: string, members: number): void {
    if (!this.#network().whox || members < 2 || members > largest) return;
    const key = this.#fold(channel);
    if (this.#asked === key || this.#waiting.includes(key)) return;
    this.#waiting.push(key);
    this.#next();
  }

  /** Reads a line; answers with what it says, if it is of our answer. */
  hears({ command, params }: IrcMessage): WhoSays | undefined {
    if (command === '315') {
      if (this.#asked !== undefined && this.#fold(params[1] ?? '') === this.#asked) {
        this.#asked = undefined;
        this.#next();
      }
      return undefined;
    }
    if (command !== '354' || params[1] !== token) return undefined;
    const [, , user = '', host = '', nick = '', flags = '', account = '0'] = params;
    if (nick === '') return undefined;
    return {
      nick,
      userHost: `${user}@${host}`,
      away: flags.startsWith('G'),
      account: account === '0' || account === '*' || account === '' ? undefined : account,
    };
  }

  #next(): void {
    const channel = this.#asked === undefined ? this.#waiting.shift() : undefined;
    if (channel === undefined) return;
    this.#asked = channel;
    this.#outbox.control({ line: `WHO ${channel} %tuhnfa,${token}` });
  }

  #fold(name: string): string {
    return fold(name, this.#network().caseMapping);
  }
}
