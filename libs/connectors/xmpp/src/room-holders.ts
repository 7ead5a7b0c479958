/*
 * Who goes by a nick in a room, as far as the house was told: authors, and peers of private talk. A nick is only lent, so
 * whoever comes under one after its holder went must not be taken for the same.
 *
 * What tells is that we saw them go; or, after a time out of the room, the id that the room knows them by (XEP-0421). Such
 * an id is no address (nothing can be sent to it, and it means nothing outside the room), so the house never sees it: it
 * only answers whether it is still the same somebody. Where a room has none, nobody can tell, and they count as gone.
 */
import type { JsonValue, SessionContext } from '#connector';
import { readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';
import type { Room } from './room.js';

interface Holder {
  readonly occupantId: string | undefined;
  /** Private words were exchanged: then they are remembered over restarts. */
  readonly direct: boolean;
}

const noteKey = 'xmpp.occupants';
const mostKnown = 2_000;
/** A note has at most 64 KiB. */
const mostNoted = 150;
const mostNotedLength = 300;

export class Holders {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #known = new Map<string, Holder>();
  #changed = false;

  constructor(context: SessionContext, account: AccountId) {
    this.#context = context;
    this.#account = account;
  }

  /** Reads what an earlier session noted. Never rejects. */
  async load(): Promise<void> {
    const noted = await readNote(this.#context, this.#account, noteKey);
    for (const [address, occupantId] of notedIn(noted?.value)) {
      if (!this.#known.has(address)) this.#known.set(address, { occupantId, direct: true });
    }
  }

  /** Whether the house was told of who is there. */
  has(address: string): boolean {
    return this.#known.has(address);
  }

  /** Somebody speaks. True when they are certainly not who held the address before. */
  meet(address: string, occupantId: string | undefined, direct: boolean): boolean {
    const known = this.#known.get(address);
    const another = known !== undefined && known.occupantId !== occupantId && !isUnsaid(known, occupantId);
    const next = { occupantId: occupantId ?? known?.occupantId, direct: direct || known?.direct === true };
    if (next.direct && (another || known?.direct !== true || known.occupantId !== next.occupantId)) {
      this.#changed = true;
    }
    this.#known.delete(address);
    this.#known.set(address, another ? { occupantId, direct } : next);
    if (this.#known.size > mostKnown) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.gone(oldest);
    }
    return another;
  }

  /** They are there no longer. False for somebody of whom the house knows nothing. */
  gone(address: string): boolean {
    const known = this.#known.get(address);
    if (known?.direct === true) this.#changed = true;
    return this.#known.delete(address);
  }

  /** They go by another nick now. False for somebody of whom the house knows nothing. */
  moved(from: string, to: string): boolean {
    const known = this.#known.get(from);
    if (known === undefined) return false;
    this.gone(from);
    this.#known.set(to, known);
    if (known.direct) this.#changed = true;
    return true;
  }

  /** We are in a room again: the addresses there that are not who they were, or of which nobody can tell. */
  strangers(room: Room): readonly string[] {
    const gone: string[] = [];
    for (const [address, { occupantId }] of this.#known) {
      if (!address.startsWith(`${room.address}/`) || address === room.own) continue;
      const member = room.member(address.slice(room.address.length + 1));
      if (member !== undefined && occupantId !== undefined && member.occupantId === occupantId) continue;
      gone.push(address);
    }
    for (const address of gone) this.gone(address);
    return gone;
  }

  /** What is to be noted, where that has changed. */
  notes(): Notes {
    if (!this.#changed) return [];
    this.#changed = false;
    const direct = [...this.#known].filter(
      ([address, { direct, occupantId }]) =>
        direct && address.length + (occupantId?.length ?? 0) <= mostNotedLength,
    );
    const value = direct
      .slice(-mostNoted)
      .map(([address, { occupantId }]) => (occupantId === undefined ? [address] : [address, occupantId]));
    return [{ account: this.#account, key: noteKey, value }];
  }
}

function isUnsaid(known: Holder, occupantId: string | undefined): boolean {
  return known.occupantId === undefined || occupantId === undefined;
}

function notedIn(value: JsonValue | undefined): readonly (readonly [string, string | undefined])[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly JsonValue[]).slice(0, mostNoted).flatMap((entry) => {
    if (!Array.isArray(entry)) return [];
    const [address, id] = entry as readonly JsonValue[];
    return typeof address === 'string' ? [[address, typeof id === 'string' ? id : undefined] as const] : [];
  });
}
