/*
 * Who holds a nick, as far as the house was told: authors, peers of private talk, contacts. A nick is only lent, so
 * whoever comes under one after its holder went must not be taken for the same. What tells them apart: the session saw
 * the holder go; or lost sight of them (the connection broke, a netsplit, the last common channel) and the one who
 * speaks next comes from another user and host and is not signed in to the same services account.
 */
import type { JsonValue, SessionContext } from '#connector';
import { readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';

interface Holder {
  /** `user@host` as last seen. */
  userHost: string | undefined;
  account: string | undefined;
  /** A name that they gave themselves (setname). */
  realName: string | undefined;
  /** Private words were exchanged: then they are remembered over restarts. */
  direct: boolean;
}

/** What a line shows of who said it. */
export interface Sighting {
  readonly userHost?: string | undefined;
  readonly account?: string | undefined;
  readonly direct?: boolean;
  /** Whether their leaving would have been told: then nothing but that makes them somebody else. */
  readonly guarded: boolean;
}

const noteKey = 'irc.holders';
const mostKnown = 2_000;
/** A note has at most 64 KiB; a holder takes some 60 bytes of it. */
const mostNoted = 600;

export class Holders {
  readonly #context: SessionContext;
  readonly #account: AccountId;
  readonly #known = new Map<string, Holder>();
  /** Whoever of them was seen without a break since they were met. */
  readonly #sure = new Set<string>();
  #loaded = false;
  #changed = false;

  constructor(context: SessionContext, account: AccountId) {
    this.#context = context;
    this.#account = account;
  }

  /** Reads what an earlier session noted; once. Never rejects: without it the earlier peers are unknown, no more. */
  async load(): Promise<void> {
    if (this.#loaded) return;
    const noted = await readNote(this.#context, this.#account, noteKey);
    if (noted === undefined) return;
    this.#loaded = true;
    for (const [address, userHost, account] of notedIn(noted.value)) {
      if (this.#known.has(address)) continue;
      this.#known.set(address, { userHost, account, realName: undefined, direct: true });
    }
  }

  has(address: string): boolean {
    return this.#known.has(address);
  }

  nameOf(address: string): string | undefined {
    return this.#known.get(address)?.realName;
  }

  /** `user@host`, as far as known. */
  userHostOf(address: string): string | undefined {
    return this.#known.get(address)?.userHost;
  }

  /** Somebody is seen under an address. True when they are not who held it before. */
  meet(address: string, sighting: Sighting): boolean {
    const known = this.#known.get(address);
    const { userHost, account, direct = false, guarded } = sighting;
    const another = known !== undefined && isAnother(known, sighting, guarded && this.#sure.has(address));
    const next: Holder = {
      userHost: userHost?.slice(0, 80) ?? (another ? undefined : known?.userHost),
      account: account ?? (another ? undefined : known?.account),
      realName: another ? undefined : known?.realName,
      direct: direct || (known?.direct ?? false),
    };
    if (
      next.direct &&
      (next.userHost !== known?.userHost || next.account !== known?.account || !known?.direct)
    )
      this.#changed = true;
    this.#known.delete(address);
    this.#known.set(address, next);
    this.#sure.add(address);
    this.#trim();
    return another;
  }

  /** They are called otherwise from now on (setname). False for somebody of whom the house knows nothing. */
  named(address: string, realName: string): boolean {
    const known = this.#known.get(address);
    if (known) known.realName = realName;
    return known !== undefined;
  }

  /** They come from elsewhere now (chghost). */
  rehosted(address: string, userHost: string): void {
    const known = this.#known.get(address);
    if (known === undefined || known.userHost === userHost) return;
    known.userHost = userHost.slice(0, 80);
    if (known.direct) this.#changed = true;
  }

  /** They go by another nick now; whoever was known under it is there no longer. */
  moved(from: string, to: string): void {
    const known = this.#known.get(from);
    const sure = this.#sure.has(from);
    this.#drop(to);
    if (known === undefined) return;
    this.#drop(from);
    this.#known.set(to, known);
    if (sure) this.#sure.add(to);
    if (known.direct) this.#changed = true;
  }

  /** They have gone. True when the house knows of them. */
  left(address: string): boolean {
    const known = this.#known.get(address);
    if (known?.direct === true) this.#changed = true;
    return this.#drop(address);
  }

  /** They are out of sight: the next to be seen there may be another. */
  unseen(address: string): void {
    this.#sure.delete(address);
  }

  /** The connection is over: so is all certainty. */
  lost(): void {
    this.#sure.clear();
  }

  /** Those of whom it is certain so far; for the others being out of sight changes nothing. */
  sure(): readonly string[] {
    return [...this.#sure];
  }

  /** What is to be stored with what is stored now. */
  notes(): Notes {
    if (!this.#changed) return [];
    this.#changed = false;
    const direct = [...this.#known].filter(([, known]) => known.direct).slice(-mostNoted);
    const value = direct.map(([address, { userHost, account }]) => [
      address,
      (userHost ?? '').slice(0, 80),
      (account ?? '').slice(0, 40),
    ]);
    return [{ account: this.#account, key: noteKey, value }];
  }

  #trim(): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= mostKnown) return;
      this.#drop(oldest);
    }
  }

  #drop(address: string): boolean {
    this.#sure.delete(address);
    return this.#known.delete(address);
  }
}

/** @param told it is certain so far, and their leaving would have been told. */
function isAnother(known: Holder, { userHost, account }: Sighting, told: boolean): boolean {
  if (known.account !== undefined && account !== undefined) return known.account !== account;
  if (told) return false;
  return known.userHost !== undefined && userHost !== undefined && known.userHost !== userHost.slice(0, 80);
}

function notedIn(
  value: JsonValue | undefined,
): readonly (readonly [string, string | undefined, string | undefined])[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly JsonValue[]).flatMap((one) => {
    if (!Array.isArray(one)) return [];
    const [address, userHost, account] = one as readonly JsonValue[];
    if (typeof address !== 'string') return [];
    const text = (part: JsonValue | undefined): string | undefined =>
      typeof part === 'string' && part !== '' ? part : undefined;
    return [[address, text(userHost), text(account)] as const];
  });
}
