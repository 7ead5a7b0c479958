/*
 * Requests to our client (CTCP, modern.ircdocs.horse/ctcp): what it is and whether it is there. Answered by NOTICE, to the
 * asker alone, and rarely: whoever has many ask at once must not make us flood. A request to a room is answered to nobody,
 * for everybody in it would; an answer is never answered.
 */
import type { SessionClock } from '#connector';
import { remember } from '#connector/session';
import type { Outbox } from './outbox.js';
import { TokenBucket } from '#connector/session';
import type { Ctcp } from './speech.js';
import { command } from './to-irc.js';

/** Answers at once, and then one in so many seconds: for all who ask, and for each. */
const forAll = { burst: 4, perSecond: 0.5 };
const forEach = { burst: 2, perSecond: 0.1 };
/** Askers that are remembered. */
const mostAskers = 200;
/** Lines that stay free for what people say. */
const spared = 3;

const answers: Readonly<Record<string, (argument: string, now: Date) => string | undefined>> = {
  VERSION: () => 'Parley',
  // As it was given: the asker measures the time by it.
  PING: (argument) => (argument === '' ? undefined : argument.slice(0, 64)),
  // In UTC: where a person is, is nobody's business.
  TIME: (_argument, now) => now.toISOString(),
  CLIENTINFO: () => 'ACTION CLIENTINFO PING TIME VERSION',
};

export interface CtcpParts {
  readonly outbox: Outbox;
  readonly clock: SessionClock;
}

/** Answers what other clients ask of ours. One per connection. */
export class CtcpAnswers {
  readonly #parts: CtcpParts;
  readonly #all: TokenBucket;
  readonly #askers = new Map<string, TokenBucket>();

  constructor(parts: CtcpParts) {
    this.#parts = parts;
    this.#all = this.#bucket(forAll);
  }

  /** Answers a request of somebody else's, if it is one that we answer and there is room for it. */
  asked({ kind, verb, argument, channel, from }: Ctcp): void {
    const { outbox, clock } = this.#parts;
    if (kind !== 'request' || channel !== undefined || from.nick === undefined) return;
    const answer = Object.hasOwn(answers, verb)
      ? answers[verb]?.(argument.replace(/[\0-\x1f\x7f]/g, ''), new Date(clock.now()))
      : undefined;
    if (answer === undefined) return;
    // By host where it is shown: nicks are changed in no time.
    const asker = from.mask?.slice(from.mask.lastIndexOf('@') + 1) ?? from.nick;
    const each = this.#askers.get(asker) ?? this.#bucket(forEach);
    if (each.available() < 1 || this.#all.available() < 1 || outbox.allowance().lines <= spared) return;
    this.#all.take();
    each.take();
    remember(this.#askers, asker, each, mostAskers);
    outbox.control({ line: command('NOTICE', from.nick, `\x01${verb} ${answer}\x01`) });
  }

  #bucket({ burst, perSecond }: typeof forAll): TokenBucket {
    return new TokenBucket(burst, perSecond, () => this.#parts.clock.monotonic());
  }
}
