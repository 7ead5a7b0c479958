/* What is said, both ways: envelopes onto the wire and what becomes of them; messages from the wire into the house. */
import { wireIdOf, type OutboundEnvelope, type SendOutcome } from '#connector';
import { failure, type Failure } from '#model';
import type { Service } from './core/port.js';
import { xml, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { stanzaFailure } from './stanza-failures.js';
import { delaysIn } from './xep/0203.js';
import { originId, stanzaIdIn } from './xep/0359.js';
import { addressOf, bareOf } from './xmpp.addresses.js';

const lost = failure('network-unreachable', 'The connection was lost before the server had acknowledged it.');

export class Talk implements Service {
  readonly #parts: Parts;
  /** What has left and is not settled, by wire id. */
  readonly #open = new Map<string, (failure: Failure) => void>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async send(envelope: OutboundEnvelope, signal: AbortSignal): Promise<SendOutcome> {
    if (signal.aborted) {
      return { outcome: 'later', retryAfterMs: 1_000, failure: failure('timeout', 'It was called off.') };
    }
    const id = wireIdOf(envelope.id, 0);
    const stanza = xml(
      'message',
      { to: envelope.to, type: envelope.conversationKind === 'room' ? 'groupchat' : 'chat', id },
      xml('body', {}, envelope.content.text),
      originId(id),
    );
    return new Promise((done) => {
      const settle = (outcome: SendOutcome): void => {
        this.#open.delete(id);
        done(outcome);
      };
      this.#open.set(id, (why) => {
        settle({ outcome: 'refused', failure: why });
      });
      this.#parts.port.send(stanza, (fate) => {
        const remoteId = { scope: `id:${envelope.to}`, id, by: 'sender' } as const;
        settle(
          fate === 'acknowledged'
            ? { outcome: 'sent', parts: [{ remoteId }] }
            : { outcome: 'unknown', failure: lost },
        );
      });
    });
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message') return false;
    const { id, type, from } = stanza.attrs;
    if (type === 'error') {
      this.#open.get(id ?? '')?.(stanzaFailure(stanza).failure);
      return true;
    }
    const { account, port, inlet, context } = this.#parts;
    const conversation = bareOf(from);
    const text = stanza.getChildText('body', 'jabber:client');
    if (conversation === undefined || text === null || addressOf(from) === undefined) return false;
    const archived = stanzaIdIn(stanza, (by) => bareOf(by) === port.self.bare);
    inlet.push({
      type: 'message',
      account,
      conversation,
      conversationKind: 'direct',
      author: { address: conversation, kind: 'stable' },
      content: { text },
      origin: 'remote',
      mode: 'live',
      at: delaysIn(stanza)[0]?.at ?? new Date(context.clock.now()),
      ...(archived !== undefined
        ? { remoteId: { scope: port.self.bare, id: archived, by: 'network' } }
        : id !== undefined && { remoteId: { scope: `id:${conversation}`, id, by: 'sender' } }),
    });
    return true;
  }
}
