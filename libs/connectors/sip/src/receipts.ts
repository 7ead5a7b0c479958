/*
 * What we tell senders who asked (IMDN, RFC 5438): that their message is stored with us, and that our person has read it.
 * Who asked to be told of the reading is noted with the message, for our person may read it after a restart.
 */
import type { InboundMessage, JsonObject, Place } from '#connector';
import { fieldsOf, readNote, remember, type Notes } from '#connector/session';
import { newRequest } from './line.js';
import type { Parts } from './parts.js';
import type { ReceiptAsk } from './from-sip.js';
import { notificationOf } from './to-sip.js';

/** Of one conversation; who sends more than our person reads gets fewer receipts. */
const mostWaiting = 20;
const mostConversations = 200;

/** Somebody who waits to be told that a message was read. */
interface Waiting {
  readonly ask: Pick<ReceiptAsk, 'messageId' | 'to' | 'from' | 'at'>;
  /** When the message was said; milliseconds since 1970. */
  readonly said: number;
}

export class Receipts {
  readonly #parts: Parts;
  readonly #waiting = new Map<string, readonly Waiting[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Somebody asks about a message that is about to be stored: what is to be noted with it. */
  async asked({ conversation, at }: InboundMessage, ask: ReceiptAsk): Promise<Notes> {
    if (!ask.asks.has('display')) return [];
    const known = await this.#of(conversation);
    const waiting = [...known, { ask, said: at.getTime() }].slice(-mostWaiting);
    remember(this.#waiting, conversation, waiting, mostConversations);
    return [this.#note(conversation, waiting)];
  }

  /** It is stored. */
  delivered(ask: ReceiptAsk): void {
    if (ask.asks.has('positive-delivery')) this.#tell(ask, 'delivered');
  }

  /** Our person has read a conversation up to a place. */
  async read(conversation: string, { at }: Place): Promise<void> {
    const waiting = await this.#of(conversation);
    const open = waiting.filter(({ said }) => said > at.getTime());
    if (open.length === waiting.length) return;
    remember(this.#waiting, conversation, open, mostConversations);
    for (const { ask, said } of waiting) if (said <= at.getTime()) this.#tell(ask, 'displayed');
    await this.#parts.keeper.store({ events: [], keyValues: [this.#note(conversation, open)] });
  }

  #tell(ask: Waiting['ask'], kind: 'delivered' | 'displayed'): void {
    const { line, context } = this.#parts;
    const { headers, body } = notificationOf(ask, kind, new Date(context.clock.now()));
    // Best effort: a receipt that does not arrive is not asked about.
    void line.ask(newRequest(line, 'MESSAGE', ask.to, { headers, body }));
  }

  async #of(conversation: string): Promise<readonly Waiting[]> {
    const known = this.#waiting.get(conversation);
    if (known !== undefined) return known;
    const { context, account } = this.#parts;
    const noted = fieldsOf((await readNote(context, account, keyOf(conversation)))?.value)['waiting'];
    const waiting = Array.isArray(noted) ? noted.flatMap(waitingIn) : [];
    // Somebody may have asked meanwhile.
    return this.#waiting.get(conversation) ?? waiting;
  }

  #note(conversation: string, waiting: readonly Waiting[]): Notes[number] {
    const value = {
      waiting: waiting.map(({ ask: { messageId, to, from, at }, said }) => ({
        messageId,
        to,
        from,
        at,
        said,
      })),
    };
    return {
      account: this.#parts.account,
      key: keyOf(conversation),
      value: waiting.length === 0 ? null : value,
    };
  }
}

function keyOf(conversation: string): string {
  return `sip.display/${conversation}`;
}

function waitingIn(noted: unknown): readonly Waiting[] {
  const { messageId, to, from, at, said } = fieldsOf(noted as JsonObject);
  const isWhole =
    [messageId, to, from, at].every((one) => typeof one === 'string') && typeof said === 'number';
  return isWhole ? [{ ask: { messageId, to, from, at } as Waiting['ask'], said: said }] : [];
}
