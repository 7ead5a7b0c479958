/*
 * Files that others offer by DCC. Unless the settings say otherwise nothing connects: whoever connects shows where they
 * are, and an address in an offer leads wherever its sender likes. Where they do, the house judges the address as it
 * judges every target, one file comes at a time, a few wait, and the rest is declined. Offers in thousands are not told.
 */
import type { SessionContext } from '#connector';
import { TokenBucket, type Inlet } from '#connector/session';
import type { AccountId, MessageContent } from '#model';
import { contentOf, ContentFailure } from './dcc-content.js';
import { declined, failed, type FileOffer, type Offer } from './dcc.js';
import type { Source } from './from-irc.js';
import { addressOf } from './irc.addresses.js';
import type { IrcSettings } from './irc.settings.js';
import type { People } from './people.js';
import type { IrcTimings } from './timings.js';

export interface ReceivingParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  /** Takes what has come: later than it was offered, so not in the order of what is heard. */
  readonly inlet: Pick<Inlet, 'push'>;
  readonly flush: () => void;
  readonly people: Pick<People, 'party'>;
  readonly settings: Pick<IrcSettings, 'dccAccept' | 'dccMaxBytes'>;
  readonly timings: Pick<IrcTimings, 'connect' | 'transferIdle' | 'transfer'>;
}

/** Who offers, and the id of the message that they did it with. */
export interface Offerer {
  readonly from: Source;
  readonly nick: string;
  readonly msgid?: string;
}

interface Waiting {
  readonly offer: FileOffer & Required<Pick<FileOffer, 'target'>>;
  by: Offerer;
}

/** Offers that are heard at once, and then as many in a minute. */
const offersPerMinute = 10;
/** Files that wait while another comes. */
const mostWaiting = 4;
const ended = 'the connection to the network ended first';

/** One per connection, with which everything here ends. */
export class Receiving {
  readonly #parts: ReceivingParts;
  readonly #rate: TokenBucket;
  readonly #over = new AbortController();
  readonly #waiting: Waiting[] = [];
  #coming: Waiting | undefined;
  #unheard = 0;

  constructor(parts: ReceivingParts) {
    this.#parts = parts;
    const { clock } = parts.context;
    this.#rate = new TokenBucket(offersPerMinute, offersPerMinute / 60, () => clock.monotonic());
  }

  /** Hears an offer. Answers what to tell of it at once, in words, if anything. */
  offered(offer: Offer, by: Offerer): string | undefined {
    if (this.#over.signal.aborted) return undefined;
    if (this.#rate.available() < 1) {
      this.#unheard++;
      return undefined;
    }
    this.#rate.take();
    const { dccAccept, dccMaxBytes } = this.#parts.settings;
    if (!dccAccept || offer.kind === 'chat') return declined(offer);
    const { target, size = 0 } = offer;
    if (target === undefined) return declined(offer, 'files are not fetched in this way');
    if (size > dccMaxBytes) return declined(offer, 'it is larger than may be taken');
    if (this.#waiting.length >= mostWaiting) return declined(offer, 'too many others wait');
    this.#waiting.push({ offer: { ...offer, target }, by });
    this.#next();
    return undefined;
  }

  /** Somebody goes by another nick from now on. */
  renamed(from: string, to: string): void {
    const address = addressOf(from);
    for (const one of this.#all()) {
      if (addressOf(one.by.nick) === address)
        one.by = { ...one.by, nick: to, from: { ...one.by.from, nick: to } };
    }
  }

  /** The connection is over: what has not come by now does not come. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    for (const { offer, by } of this.#all()) {
      this.#tell(by, { text: failed(offer, ended), notice: true });
    }
    this.#waiting.splice(0);
    if (this.#unheard > 0) {
      const { context, account } = this.#parts;
      context.log.info({ account, offers: this.#unheard }, 'more was offered by DCC than was told');
    }
  }

  #all(): readonly Waiting[] {
    return this.#coming === undefined ? this.#waiting : [this.#coming, ...this.#waiting];
  }

  #next(): void {
    if (this.#coming !== undefined || this.#over.signal.aborted) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#coming = next;
    void this.#fetch(next.offer)
      .catch((): MessageContent => {
        this.#parts.context.log.warn({ account: this.#parts.account }, 'a file could not be fetched');
        return { text: failed(next.offer, 'something went wrong'), notice: true };
      })
      .then((content) => {
        this.#coming = undefined;
        // What had not come by the end was told then.
        if (this.#over.signal.aborted) return;
        this.#tell(next.by, content);
        this.#parts.flush();
        this.#next();
      });
  }

  /** Fetches a file; answers what to tell. */
  async #fetch(offer: Waiting['offer']): Promise<MessageContent> {
    const { context, account, settings, timings } = this.#parts;
    const { name, size, target } = offer;
    const { signal } = this.#over;
    const turn = await context.turn(target);
    if (turn.turn === 'closed') return { text: failed(offer, ended), notice: true };
    const host = turn.turn === 'go' ? turn.addresses[0] : undefined;
    // Not in the house's own words, which may hold the address.
    if (host === undefined) return { text: declined(offer, 'nothing is fetched from there'), notice: true };
    let why: string | undefined;
    const content = contentOf({
      from: { host, port: target.port },
      ...(size !== undefined && { size }),
      most: settings.dccMaxBytes,
      connectMs: timings.connect,
      idleMs: timings.transferIdle,
      wholeMs: timings.transfer,
      clock: context.clock,
      signal,
    });
    const noted = noting(content, (said) => {
      why = said;
    });
    const file = { name, ...(size !== undefined && { size }) };
    const outcome = await context.files.receive(account, file, noted, signal);
    if (outcome.outcome === 'stored') return { text: '', attachments: [outcome.attachment] };
    const { code } = outcome.failure;
    why ??= code === 'too-large' ? 'it is larger than may be taken' : 'it could not be stored';
    return { text: failed(offer, why), notice: true };
  }

  #tell({ from, nick, msgid }: Offerer, content: MessageContent): void {
    const { inlet, account, people, context } = this.#parts;
    inlet.push({
      type: 'message',
      account,
      conversation: addressOf(nick),
      conversationKind: 'direct',
      author: people.party(from, nick),
      content,
      origin: 'remote',
      mode: 'live',
      at: new Date(context.clock.now()),
      ...(msgid !== undefined && { remoteId: { scope: 'msgid', id: msgid, by: 'network' } }),
    });
  }
}

/** The content as it is; says why it ended, if it failed. */
async function* noting(
  content: AsyncGenerator<Uint8Array, void, undefined>,
  say: (why: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content;
  } catch (error) {
    if (error instanceof ContentFailure) say(error.message);
    throw error;
  }
}
