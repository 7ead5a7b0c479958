/*
 * How far our person has read, kept by the server for all clients of an account (IRCv3 draft/read-marker). A server tells
 * a room's mark when it is entered, and any other when it changes or is asked for.
 */
import type { SessionContext } from '#connector';
import { remember, type Inlet } from '#connector/session';
import type { AccountId } from '#model';
import type { IrcMessage } from 'irc-framework';
import { timestampOf } from './chat-history.js';
import type { Outbox } from './outbox.js';
import { wireTarget } from './irc.addresses.js';
import { command } from './to-irc.js';

/** Conversations whose marks are remembered. */
const most = 2_000;
/** No server's clock is ahead by more. */
const farMs = 86_400_000;

export interface MarkersParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly inlet: Pick<Inlet, 'push'>;
  readonly outbox: Outbox;
  readonly offered: () => boolean;
  /** The conversation that a name on the wire stands for. */
  readonly conversationOf: (name: string) => string;
}

export class Markers {
  readonly #parts: MarkersParts;
  /** The latest that we and the server know of, by conversation. */
  readonly #known = new Map<string, number>();

  constructor(parts: MarkersParts) {
    this.#parts = parts;
  }

  /** Tells the server how far our person has read. Forward only; of several that wait to leave, the last. */
  read(conversation: string, name: string, at: number): void {
    const { offered, outbox } = this.#parts;
    if (!offered() || at <= (this.#known.get(conversation) ?? -Infinity)) return;
    remember(this.#known, conversation, at, most);
    outbox.control({ line: command('MARKREAD', name, timestampOf(at)), key: `MARKREAD ${name}` });
  }

  /** Everything up to now has come in: the mark may be about some of it. Unless we know it, the server is asked. */
  caughtUp(conversation: string, name: string): void {
    const { offered, outbox } = this.#parts;
    const at = this.#known.get(conversation);
    if (at !== undefined) this.#tell(conversation, at);
    else if (offered()) outbox.control({ line: command('MARKREAD', name), key: `MARKREAD ${name}` });
  }

  /** Takes a line; true when it is about marks. */
  take({ command: verb, params }: IrcMessage): boolean {
    if (verb === 'FAIL') return params[0] === 'MARKREAD';
    if (verb !== 'MARKREAD') return false;
    const [name = '', mark = ''] = params;
    const at = Date.parse(/^timestamp=(.+)$/.exec(mark)?.[1] ?? '');
    if (wireTarget(name) === undefined || Number.isNaN(at)) return true;
    // Marks move forward only: one from the far future would be the last.
    if (at > this.#parts.context.clock.now() + farMs) return true;
    const conversation = this.#parts.conversationOf(name);
    // What we said ourselves comes back, too; and marks move forward only.
    if (at <= (this.#known.get(conversation) ?? -Infinity)) return true;
    remember(this.#known, conversation, at, most);
    this.#tell(conversation, at);
    return true;
  }

  #tell(conversation: string, at: number): void {
    const { inlet, account } = this.#parts;
    inlet.push({ type: 'read', account, conversation, upTo: new Date(at) });
  }
}
