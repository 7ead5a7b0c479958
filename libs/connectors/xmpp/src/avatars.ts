/*
 * What people on the roster look like and would like to be called: published to those who see their presence (XEP-0084,
 * XEP-0172 over XEP-0163), or told in their presence and put into their card (XEP-0153, XEP-0054). A picture is fetched
 * once, counts only if its hash is the one that was told, and is the house's to keep.
 */
import type { InboundIdentity, JsonValue } from '#connector';
import { fieldsOf, readNote } from '#connector/session';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Roster } from './roster.js';
import { cardAsk, cardOf, type Picture } from './xep/0054.js';
import { itemsAskOf, itemsIn } from './xep/0060.js';
import {
  avatarDataNs,
  avatarDataOf,
  avatarId,
  avatarMetadataNs,
  avatarsOf,
  type AvatarInfo,
} from './xep/0084.js';
import { cardPictureIn } from './xep/0153.js';
import { eventIn, notifyOf, type PubsubEvent } from './xep/0163.js';
import { nickNs, nickOf } from './xep/0172.js';
import { addressOf, bareOf } from './xmpp.addresses.js';

/** A larger picture is not fetched: it would have to pass in one stanza. */
const mostBytes = 262_144;
/** People of whom it is noted what they wear; of the others it is fetched again. */
const mostNoted = 900;
const mostWaiting = 5_000;
const key = 'xmpp.avatars';
/** As much of a hash as tells two pictures of somebody apart. */
const notedLength = 16;

/** Where a picture is to be fetched from; `none`: there is none. */
type Wanted =
  | { readonly from: 'event' | 'card'; readonly hash: string; readonly mediaType?: string }
  | { readonly from: 'event' | 'card'; readonly hash: 'none' };

export class Avatars implements Service {
  readonly features = [notifyOf(avatarMetadataNs), notifyOf(nickNs)];
  readonly #parts: Parts;
  readonly #roster: Roster;
  /** What people wear, as far as the house has it; the oldest first. */
  readonly #worn = new Map<string, string>();
  readonly #nicks = new Map<string, string>();
  /** Who publishes what they look like: their presence says nothing more. */
  readonly #publishing = new Set<string>();
  readonly #waiting = new Map<string, Wanted>();
  readonly #ending = new AbortController();
  #busy = true;

  constructor(parts: Parts, roster: Roster) {
    this.#parts = parts;
    this.#roster = roster;
    roster.listen({
      complete: () => {
        void this.#begin();
      },
    });
  }

  hear(stanza: Element): boolean {
    const from = stanza.attrs['from'];
    const address = bareOf(from);
    if (address === undefined || address === this.#parts.port.self.bare) return false;
    if (stanza.getName() === 'presence') {
      this.#inPresence(address, stanza);
      return false;
    }
    const event = stanza.getName() === 'message' ? eventIn(stanza) : undefined;
    if (event?.node !== avatarMetadataNs && event?.node !== nickNs) return false;
    // Events of somebody come from their bare address (XEP-0163 §4.3.1): nobody's device speaks for all of them.
    if (addressOf(from) !== address || !this.#counts(address)) return true;
    if (event.node === nickNs) this.#called(address, event);
    else this.#published(address, event);
    return true;
  }

  /** Of strangers nothing is taken; before the roster is known it is found out later who is one. */
  #counts(address: string): boolean {
    return !this.#roster.isComplete || this.#roster.sees(address);
  }

  ended(): void {
    this.#ending.abort();
  }

  #published(address: string, event: PubsubEvent): void {
    const told = event.emptied ? [] : avatarsOf(event.items.at(-1)?.payload);
    if (told === undefined) return;
    this.#publishing.add(address);
    const info = told.find(fits);
    if (info !== undefined) this.#want(address, { from: 'event', hash: info.id, mediaType: info.mediaType });
    else if (told.length === 0) this.#want(address, { from: 'event', hash: 'none' });
  }

  #inPresence(address: string, presence: Element): void {
    const told = presence.attrs['type'] === undefined ? cardPictureIn(presence) : undefined;
    if (told === undefined || this.#publishing.has(address) || !this.#counts(address)) return;
    this.#want(address, { from: 'card', hash: told === 'none' ? 'none' : told.hash });
  }

  #called(address: string, { items }: PubsubEvent): void {
    const name = nickOf(items.at(-1)?.payload);
    if (name === undefined || this.#nicks.get(address) === name) return;
    if (this.#nicks.size < mostWaiting) this.#nicks.set(address, name);
    this.#tell({ party: { address, kind: 'stable', name } });
  }

  #want(address: string, wanted: Wanted): void {
    if (!this.#waiting.has(address) && this.#waiting.size >= mostWaiting) return;
    this.#waiting.set(address, wanted);
    void this.#work();
  }

  /** Reads what is worn already, so that it is not fetched at every connect. */
  async #begin(): Promise<void> {
    const { context, account } = this.#parts;
    const noted = await readNote(context, account, key);
    for (const [address, hash] of Object.entries(fieldsOf(noted?.value)))
      if (typeof hash === 'string') this.#worn.set(address, hash);
    this.#busy = false;
    await this.#work();
  }

  /** One picture at a time: nobody waits for it. */
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || this.#ending.signal.aborted) break;
      const [address, wanted] = next;
      this.#waiting.delete(address);
      if (!this.#roster.sees(address)) continue;
      if (wanted.hash.slice(0, notedLength) === (this.#worn.get(address) ?? 'none')) continue;
      if (wanted.hash === 'none') this.#wears(address, 'none', null);
      else await this.#fetch(address, wanted);
    }
    this.#busy = false;
  }

  async #fetch(address: string, wanted: Wanted): Promise<void> {
    const { hash, from } = wanted;
    const picture =
      from === 'card' ? await this.#inCard(address, hash) : await this.#inItem(address, hash, wanted);
    if (picture === undefined || this.#ending.signal.aborted) return;
    const { context, account } = this.#parts;
    const { bytes, mediaType } = picture;
    const outcome = await context.files.receive(
      account,
      {
        name: `avatar-${hash.slice(0, 8)}`,
        size: bytes.length,
        ...(mediaType !== undefined && { mediaType }),
      },
      once(bytes),
      this.#ending.signal,
    );
    if (outcome.outcome === 'stored') this.#wears(address, hash, outcome.attachment);
    else context.log.info({ account, code: outcome.failure.code }, 'an avatar was not taken in');
  }

  async #inItem(address: string, hash: string, wanted: Wanted): Promise<Picture | undefined> {
    const payload = itemsAskOf(avatarDataNs, { ids: [hash] });
    const answer = await this.#parts.port.iq({
      type: 'get',
      to: address,
      payload,
      signal: this.#ending.signal,
    });
    const items = answer.ok ? itemsIn(answer.payload, avatarDataNs) : undefined;
    const bytes = avatarDataOf(items?.[0]?.payload, hash, mostBytes);
    const mediaType = 'mediaType' in wanted ? wanted.mediaType : undefined;
    return bytes && { bytes, ...(mediaType !== undefined && { mediaType }) };
  }

  async #inCard(address: string, hash: string): Promise<Picture | undefined> {
    const { signal } = this.#ending;
    const answer = await this.#parts.port.iq({ type: 'get', to: address, payload: cardAsk(), signal });
    const picture = answer.ok ? cardOf(answer.payload)?.picture : undefined;
    return picture !== undefined && picture.bytes.length <= mostBytes && avatarId(picture.bytes) === hash
      ? picture
      : undefined;
  }

  /** Tells the house, and notes it with that. */
  #wears(address: string, hash: string, avatar: NonNullable<InboundIdentity['avatar']> | null): void {
    this.#worn.delete(address);
    if (hash !== 'none') this.#worn.set(address, hash.slice(0, notedLength));
    this.#tell({ party: { address, kind: 'stable' }, avatar });
    const value: JsonValue = Object.fromEntries([...this.#worn].slice(-mostNoted));
    const { inlet, account } = this.#parts;
    inlet.flush([{ account, key, value }]);
  }

  #tell(what: Pick<InboundIdentity, 'party' | 'avatar'>): void {
    const { inlet, account, context } = this.#parts;
    inlet.push({ type: 'identity', account, at: new Date(context.clock.now()), ...what });
  }
}

/** Whether a picture can be had from its publisher, and is not too large. */
function fits({ bytes, url, mediaType }: AvatarInfo): boolean {
  return url === undefined && bytes <= mostBytes && mediaType.startsWith('image/');
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  await Promise.resolve();
  yield bytes;
}
