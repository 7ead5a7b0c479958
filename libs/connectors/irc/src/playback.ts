/*
 * What is not said now but was said before, and how a bouncer's own words are told from people's.
 *
 * - A batch says so itself: `chathistory`, `znc.in/playback`.
 * - ZNC without batches, and others of its kind, play their buffers as plain lines right after we come, with the time at
 *   which they were said (server-time).
 * - ZNC's playback module (`znc.in/playback`) keeps quiet until it is asked for what came after a moment.
 */
import { createHash } from 'node:crypto';
import type { InboundMessage, RemoteId } from '#connector';
import type { IrcMessage } from 'irc-framework';

/** How long after we came plain lines may be a bouncer's buffer. */
const playedForMs = 30_000;
/** Servers of one network disagree about the time by so much at most; what is older was said before we came. */
const oldMs = 2_000;
/** What shows that it is a bouncer that we are connected to. */
const bouncerCaps = ['znc.in/self-message', 'znc.in/batch', 'znc.in/playback', 'soju.im/bouncer-networks'];

export class Playback {
  /** The server's own time when we came, and ours, monotonic. */
  #came: { readonly theirs: number; readonly at: number } | undefined;

  /** We are registered; the server's time, where it says any, else ours. */
  came(theirs: number, monotonic: number): void {
    this.#came = { theirs, at: monotonic };
  }

  /** Whether a line of no batch was said before we came. */
  isOld(at: number | undefined, monotonic: number): boolean {
    const came = this.#came;
    if (came === undefined || at === undefined || monotonic - came.at > playedForMs) return false;
    return at < came.theirs - oldMs;
  }
}

/** Whether a bouncer stands between us and the network: it was there while we were not. */
export function isBouncer(offered: (capability: string) => boolean): boolean {
  return bouncerCaps.some(offered);
}

/** A bouncer's word about its playing back, not somebody's: "Buffer Playback...", and what its module answers. */
export function isBouncerTalk({ nick, hostname }: IrcMessage): boolean {
  return hostname === 'znc.in' && (nick === '***' || nick === '*playback');
}

/** Clients' questions to each other, which nobody asks out of an archive: all CTCP but what people say. */
export function isCtcp({ command, params }: IrcMessage): boolean {
  const text = params[1] ?? '';
  return (command === 'PRIVMSG' || command === 'NOTICE') && /^\x01(?!ACTION(?: |\x01|$))/i.test(text);
}

/**
 * Ids for messages to which the server gave none but a time: the same message played back has the same id. Of several
 * equal ones in one millisecond each has its own.
 */
export class TimeIds {
  #at = NaN;
  readonly #seen = new Map<string, number>();

  of({ conversation, author, content, at }: InboundMessage): RemoteId {
    const time = at.getTime();
    if (time !== this.#at) {
      this.#at = time;
      this.#seen.clear();
    }
    const words = [
      conversation,
      author.address,
      content.text,
      content.emote === true,
      content.notice === true,
    ];
    const digest = createHash('sha256').update(JSON.stringify(words)).digest('base64url').slice(0, 22);
    const count = (this.#seen.get(digest) ?? 0) + 1;
    this.#seen.set(digest, count);
    return { scope: 'time', id: [time, digest, count].join(':'), by: 'network' };
  }
}
