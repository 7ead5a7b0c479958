/*
 * Envelopes on their way. What is said to somebody is sent when the server has acknowledged all of it; what is said to a
 * room when the room says it to us, too. An error that comes back before that refuses it, a later one tells that it failed.
 */
import {
  parseWireId,
  wireIdOf,
  type InboundReceipt,
  type OutboundEnvelope,
  type SendOutcome,
} from '#connector';
import { trim } from '#connector/session';
import { failure, type Failure } from '#model';
import type { Fate } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { chosenId } from './remote-ids.js';
import { stanzaFailure } from './stanza-failures.js';
import { bareOf, resourceOf } from './xmpp.addresses.js';

const lost = failure('network-unreachable', 'The connection was lost before the server had acknowledged it.');
const tooLarge = failure('too-large', 'The server takes no messages of that size.');
const outOfTime = failure('timeout', 'The time was over before the server had acknowledged it.');

/** What has left is remembered so far, to tell an answer about it from a forged one. */
const mostRemembered = 5_000;

/** An envelope that has left and is not settled. */
interface Open {
  readonly settle: (outcome: SendOutcome) => void;
}

export class Sending {
  readonly #parts: Parts;
  readonly #isRoom: (bare: string) => boolean;
  /** By the wire ids of all its parts. */
  readonly #open = new Map<string, Open>();
  /** Where what left went to, by wire id. */
  readonly #sent = new Map<string, string>();

  constructor(parts: Parts, isRoom: (bare: string) => boolean) {
    this.#parts = parts;
    this.#isRoom = isRoom;
  }

  /** Puts the stanzas of an envelope on the wire at once. Never rejects. */
  async send(
    envelope: OutboundEnvelope,
    stanzas: readonly Element[],
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const { to, conversationKind } = envelope;
    const ids = stanzas.map((_, part) => wireIdOf(envelope.id, part));
    return new Promise((done) => {
      const settle = (outcome: SendOutcome): void => {
        if (!ids.some((id) => this.#open.get(id) === open)) return;
        for (const id of ids) this.#open.delete(id);
        signal.removeEventListener('abort', abort);
        done(outcome);
      };
      const open: Open = { settle };
      const abort = (): void => {
        settle({ outcome: 'unknown', failure: outOfTime });
      };
      for (const id of ids) {
        this.#open.set(id, open);
        this.#sent.set(id, to);
      }
      trim(this.#sent, mostRemembered);
      signal.addEventListener('abort', abort, { once: true });
      let acknowledged = 0;
      for (const [part, stanza] of stanzas.entries()) {
        this.#parts.port.send(stanza, (fate) => {
          if (fate !== 'acknowledged') {
            this.#failed(ids[part] ?? '', fate, settle, conversationKind === 'room');
          } else if (++acknowledged === stanzas.length && conversationKind !== 'room') {
            settle({ outcome: 'sent', parts: ids.map((id) => ({ remoteId: chosenId(to, id) })) });
          }
        });
      }
      if (conversationKind === 'room') settle({ outcome: 'pending', parts: stanzas.length });
    });
  }

  /** Takes an error that came back; false where it is about nothing of ours. */
  bounced(stanza: Element): boolean {
    const { id = '' } = stanza.attrs;
    if (parseWireId(id) === undefined || !this.isAbout(id, stanza)) return false;
    const { failure: why } = stanzaFailure(stanza);
    const open = this.#open.get(id);
    if (open === undefined) this.#tell(id, 'failed', why);
    else open.settle({ outcome: 'refused', failure: why });
    return true;
  }

  /** Whether who sends a stanza may speak of a message of ours: whom it went to, or our own server. */
  isAbout(id: string, stanza: Element): boolean {
    const { from } = stanza.attrs;
    const { self } = this.#parts.port;
    const speaker = from === undefined ? self.bare : bareOf(from);
    if (speaker === self.bare || speaker === self.domain) return true;
    const to = this.#sent.get(id);
    const inRoom = speaker !== undefined && this.#isRoom(speaker);
    // After a restart nobody remembers where it went: whoever is in a room has seen ids of ours, everybody else only their own.
    if (to === undefined) return !inRoom;
    return bareOf(to) === speaker && (!inRoom || to !== speaker || resourceOf(from ?? '') === undefined);
  }

  #failed(
    id: string,
    fate: Exclude<Fate, 'acknowledged'>,
    settle: (outcome: SendOutcome) => void,
    isRoom: boolean,
  ): void {
    const why = fate === 'lost' ? lost : tooLarge;
    if (isRoom) this.#tell(id, fate === 'lost' ? 'unknown' : 'failed', why);
    else settle({ outcome: fate === 'lost' ? 'unknown' : 'refused', failure: why });
  }

  #tell(wireId: string, state: InboundReceipt['state'], why: Failure): void {
    const { inlet, account, context } = this.#parts;
    inlet.push({
      type: 'receipt',
      account,
      about: { wireId },
      state,
      failure: why,
      at: new Date(context.clock.now()),
    });
  }
}
