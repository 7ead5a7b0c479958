/* Who is writing (RFC 3994), both ways: one state for each conversation, bounded. */
import { remember } from '#connector/session';
import { ComposingReceiver, ComposingSender, type Composing } from '#protocols/sip';
import { newRequest } from './line.js';
import type { Manners } from './manners.js';
import type { Parts } from './parts.js';
import { uriOf } from './sip.addresses.js';
import { composingMessage } from './to-sip.js';

const mostConversations = 200;

export class Typing {
  readonly #parts: Parts;
  readonly #manners: Manners;
  readonly #senders = new Map<string, ComposingSender>();
  readonly #receivers = new Map<string, ComposingReceiver>();

  constructor(parts: Parts, manners: Manners) {
    this.#parts = parts;
    this.#manners = manners;
  }

  /** Our person is writing there, or has stopped. */
  typing(conversation: string, active: boolean): void {
    if (!this.#manners.takes(conversation, 'composing')) return;
    let sender = this.#senders.get(conversation);
    if (sender === undefined) {
      if (!active) return;
      sender = new ComposingSender({
        after: (ms, call) => this.#parts.context.clock.after(ms, call),
        tell: (composing) => void this.#tell(conversation, composing),
      });
    }
    this.#keep(this.#senders, conversation, sender);
    sender.typing(active);
  }

  /** Our person has said something there: that tells enough. */
  spoke(conversation: string): void {
    this.#senders.get(conversation)?.spoke();
  }

  /** Somebody says that they are writing, or that they have stopped. */
  take(conversation: string, address: string, composing: Composing): void {
    const { context, account } = this.#parts;
    const key = `${conversation} ${address}`;
    let receiver = this.#receivers.get(key);
    receiver ??= new ComposingReceiver({
      after: (ms, call) => context.clock.after(ms, call),
      tell: (active) => {
        context.typing(account, conversation, address, active);
      },
    });
    this.#keep(this.#receivers, key, receiver);
    receiver.take(composing);
  }

  /** Somebody has said something: they are not writing it any more. */
  heard(conversation: string, address: string): void {
    this.#receivers.get(`${conversation} ${address}`)?.spoke();
  }

  /** Nobody is told anything any more. */
  close(): void {
    for (const one of [...this.#senders.values(), ...this.#receivers.values()]) one.close();
    this.#senders.clear();
    this.#receivers.clear();
  }

  #keep<V extends { close(): void }>(all: Map<string, V>, key: string, one: V): void {
    const [oldest] = all;
    if (oldest !== undefined && all.size >= mostConversations && !all.has(key)) oldest[1].close();
    remember(all, key, one, mostConversations);
  }

  async #tell(conversation: string, composing: Composing): Promise<void> {
    const { line } = this.#parts;
    const { headers, body } = composingMessage(composing);
    const answer = await line.ask(newRequest(line, 'MESSAGE', uriOf(conversation), { headers, body }));
    const refused =
      answer.answer === 'response' && [405, 406, 415, 488, 501].includes(answer.response.status);
    if (refused) this.#manners.refused(conversation, 'composing');
  }
}
