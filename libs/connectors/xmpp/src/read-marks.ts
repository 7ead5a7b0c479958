/*
 * How far our person has read, both ways with their other devices (XEP-0490). The network names a message, and the house
 * may not have it yet: what was told is told again when an archive is caught up with.
 */
import type { Place } from '#connector';
import { remember, trim } from '#connector/session';
import type { Element } from './core/xml.js';
import type { Service } from './core/port.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { PrivateItems } from './private-items.js';
import { itemsAskOf, itemsIn, publishOptionsFeature, type PubsubItem } from './xep/0060.js';
import { eventIn, notifyOf } from './xep/0163.js';
import { displayed, displayedNs, displayedOf, displayedOptions } from './xep/0490.js';
import { addressOf, bareOf } from './xmpp.addresses.js';

/** Conversations whose marks are remembered. */
const most = 2_000;
/** Places in conversations that are remembered, to tell what is further on. */
const mostPlaces = 5_000;

export class ReadMarks implements Service {
  readonly features = [notifyOf(displayedNs)];
  readonly #parts: Parts;
  readonly #disco: Disco;
  readonly #isRoom: (address: string) => boolean;
  readonly #items: PrivateItems;
  /** The last message that is known to be read, by conversation, and whether the house was told of it by us. */
  readonly #known = new Map<string, { readonly by: string; readonly id: string; readonly theirs: boolean }>();
  /** When messages were said, by archive and id, as far as we have seen them: marks move forward only. */
  readonly #times = new Map<string, number>();
  /** What waits to leave, by conversation: of several marks the last. */
  readonly #leaving = new Map<string, { readonly by: string; readonly id: string }>();
  #sending = false;
  #over = false;

  constructor(parts: Parts, disco: Disco, isRoom: (address: string) => boolean) {
    this.#parts = parts;
    this.#disco = disco;
    this.#isRoom = isRoom;
    this.#items = new PrivateItems(parts.port, displayedNs, displayedOptions);
  }

  /** Asks how far was read while we were away. */
  async begin(): Promise<void> {
    const { port } = this.#parts;
    const answer = await port.iq({ type: 'get', payload: itemsAskOf(displayedNs) });
    if (!answer.ok || this.#over) return;
    for (const item of itemsIn(answer.payload, displayedNs) ?? []) this.#learn(item);
    this.#parts.inlet.flush();
  }

  /** An archive is complete: marks may be about what has only now come in. */
  caughtUp(archive: string): void {
    for (const [conversation, mark] of this.#known) {
      if (mark.theirs && mark.by === archive) this.#tell(conversation, mark);
    }
  }

  /** When something was said that an archive has under an id, in milliseconds since 1970. */
  place(by: string, id: string, at: number): void {
    this.#times.set(keyOf(by, id), at);
    trim(this.#times, mostPlaces);
  }

  /** Our person has read up to a place. Forward only. */
  read(conversation: string, by: string, { at, remoteIds }: Place): void {
    const id = remoteIds.findLast((one) => one.by === 'network' && one.scope === by)?.id;
    if (id === undefined || this.#over) return;
    // By the archive's word, where we have it.
    if (!this.#times.has(keyOf(by, id))) this.place(by, id, at.getTime());
    const before = this.#known.get(conversation);
    if (before !== undefined && !this.#isBehind(before, { by, id })) return;
    remember(this.#known, conversation, { by, id, theirs: false }, most);
    this.#leaving.delete(conversation);
    this.#leaving.set(conversation, { by, id });
    void this.#send();
  }

  hear(stanza: Element): boolean {
    if (stanza.getName() !== 'message') return false;
    const event = eventIn(stanza);
    if (event?.node !== displayedNs) return false;
    // Nobody but our own account says what we have read.
    const { from } = stanza.attrs;
    if (from !== undefined && addressOf(from) !== this.#parts.port.self.bare) return true;
    for (const item of event.items) this.#learn(item);
    return true;
  }

  ended(): void {
    this.#over = true;
  }

  #learn(item: PubsubItem): void {
    const mark = displayedOf(item);
    const conversation = addressOf(mark?.jid);
    const by = bareOf(mark?.by);
    if (mark === undefined || conversation === undefined || by === undefined) return;
    // A room's messages bear its ids, all others our server's.
    if (by !== (this.#isRoom(conversation) ? conversation : this.#parts.port.self.bare)) return;
    const before = this.#known.get(conversation);
    // What we published ourselves comes back, too.
    if (before?.id === mark.id || (before !== undefined && !this.#isBehind(before, { by, id: mark.id })))
      return;
    remember(this.#known, conversation, { by, id: mark.id, theirs: true }, most);
    this.#tell(conversation, { by, id: mark.id });
  }

  #tell(conversation: string, { by, id }: { readonly by: string; readonly id: string }): void {
    const { inlet, account } = this.#parts;
    inlet.push({ type: 'read', account, conversation, upTo: { scope: by, id, by: 'network' } });
  }

  /** Whether a mark stands before a place; where nobody knows, the later word counts, and the house knows better. */
  #isBehind(
    mark: { readonly by: string; readonly id: string },
    place: { readonly by: string; readonly id: string },
  ): boolean {
    const [at, to] = [mark, place].map(({ by, id }) => this.#times.get(keyOf(by, id)));
    return at === undefined || to === undefined || at < to || (at === to && mark.id !== place.id);
  }

  /** One after another, so that a person who pages through rooms does not flood the server. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    // Without it the node might be one that all may see (§6).
    const features = (await this.#disco.account())?.features;
    if (features?.includes(publishOptionsFeature) !== true) this.#leaving.clear();
    for (const [jid, mark] of this.#leaving) {
      this.#leaving.delete(jid);
      await this.#items.publish(jid, displayed(mark));
      if (this.#isOver()) break;
    }
    this.#sending = false;
  }

  /** Asked anew after every wait. */
  #isOver(): boolean {
    return this.#over;
  }
}

function keyOf(scope: string, id: string): string {
  return `${scope} ${id}`;
}
