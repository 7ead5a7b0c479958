/*
 * What became of what was said: receipts (XEP-0184) and markers (XEP-0333), both ways. We say that something came only to
 * those who may see our presence, and when it is stored; that it was read, when our person has read it and its sender
 * wants to know.
 */
import { parseWireId, type Place as ReadPlace } from '#connector';
import { remember, trim } from '#connector/session';
import { xml, type Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Place } from './from-xmpp.js';
import { chosenId, chosenIdsOf, givenId, idsGivenBy } from './remote-ids.js';
import type { Sending } from './sending.js';
import { asksReceipt, receipt, receiptIn } from './xep/0184.js';
import { displayed, isMarkable, markerIn } from './xep/0333.js';
import { hint } from './xep/0334.js';
import { stanzaIdIn } from './xep/0359.js';
import { attribute } from './xep/reading.js';
import { bareOf } from './xmpp.addresses.js';

/** Messages whose senders want to know that they were read, and conversations with something that nobody has read yet. */
const most = 2_000;
/** Of what we said in a conversation: a marker for one message is one for those before it. */
const mostUnread = 200;

export interface MarksParts extends Parts {
  readonly sending: Sending;
  /** Whether somebody may see our presence. */
  readonly seesUs: (address: string) => boolean;
}

export class Marks {
  readonly #parts: MarksParts;
  /** What may be marked, by conversation and an id of it, oldest first. */
  readonly #markable = new Map<string, true>();
  /** What we said in direct conversations and nobody has read yet, oldest first. */
  readonly #unread = new Map<string, string[]>();

  constructor(parts: MarksParts) {
    this.#parts = parts;
  }

  /** Something of ours has left. */
  left(conversation: string, wireIds: readonly string[]): void {
    const waiting = [...(this.#unread.get(conversation) ?? []), ...wireIds].slice(-mostUnread);
    remember(this.#unread, conversation, waiting, most);
  }

  /** Something was said: remembered, where its sender wants to know that it was read. */
  said(message: Element, place: Place): void {
    if (place.origin !== 'remote' || !isMarkable(message)) return;
    for (const id of this.#namesOf(message, place)) this.#markable.set(`${place.conversation} ${id}`, true);
    trim(this.#markable, most);
  }

  /** Answers a message that asks for a receipt, as soon as it is stored. */
  answer(message: Element, { conversation, conversationKind }: Place): void {
    const { inlet, port, seesUs } = this.#parts;
    const { from, type } = message.attrs;
    const id = attribute(message, 'id');
    if (conversationKind !== 'direct' || from === undefined || id === undefined || !asksReceipt(message))
      return;
    if (bareOf(from) !== conversation || !seesUs(conversation)) return;
    inlet.settled(() => {
      port.send(
        xml('message', { to: from, type, id: `received-${id}`.slice(0, 1_000) }, receipt(id), hint('store')),
      );
    });
  }

  /** Takes what a message tells of others; what it tells of ourselves is that our person has read elsewhere. */
  hear(message: Element, { conversation, conversationKind, origin }: Place): void {
    const marker = markerIn(message);
    if (origin !== 'remote') {
      if (marker !== undefined && marker.marker !== 'received') {
        this.#readElsewhere(conversation, conversationKind === 'room', marker.id);
      }
      return;
    }
    if (conversationKind !== 'direct') return;
    const received = receiptIn(message) ?? (marker?.marker === 'received' ? marker.id : undefined);
    if (received !== undefined && this.#isOurs(received, message)) this.#tell(received, 'delivered');
    if (marker === undefined || marker.marker === 'received' || !this.#isOurs(marker.id, message)) return;
    const waiting = this.#unread.get(conversation) ?? [];
    const reached = waiting.indexOf(marker.id);
    if (reached === -1) {
      this.#tell(marker.id, 'read');
      return;
    }
    for (const id of waiting.slice(0, reached + 1)) this.#tell(id, 'read');
    this.#unread.set(conversation, waiting.slice(reached + 1));
  }

  /** Our person has read up to a place: told where its sender wants to know it. */
  markRead(conversation: string, isRoom: boolean, { remoteIds }: ReadPlace): void {
    const ids = isRoom ? idsGivenBy(conversation, remoteIds) : chosenIdsOf(remoteIds);
    const id = ids.find((one) => this.#markable.has(`${conversation} ${one}`));
    if (id === undefined || (!isRoom && !this.#parts.seesUs(conversation))) return;
    this.#markable.delete(`${conversation} ${id}`);
    const type = isRoom ? 'groupchat' : 'chat';
    this.#parts.port.send(xml('message', { to: conversation, type }, displayed(id), hint('store')));
  }

  #isOurs(id: string, message: Element): boolean {
    return parseWireId(id) !== undefined && this.#parts.sending.isAbout(id, message);
  }

  #readElsewhere(conversation: string, isRoom: boolean, id: string): void {
    const { inlet, account } = this.#parts;
    const upTo = isRoom ? givenId(conversation, id) : chosenId(conversation, id);
    inlet.push({ type: 'read', account, conversation, upTo });
  }

  /** The ids by which markers name a message: in a room the room's, else the sender's. */
  #namesOf(message: Element, { conversation, conversationKind, chosen }: Place): readonly string[] {
    if (conversationKind !== 'room') return chosen;
    const id = stanzaIdIn(message, (by) => bareOf(by) === conversation);
    return id === undefined ? [] : [id];
  }

  #tell(wireId: string, state: 'delivered' | 'read'): void {
    const { inlet, account, context } = this.#parts;
    inlet.push({ type: 'receipt', account, about: { wireId }, state, at: new Date(context.clock.now()) });
  }
}
