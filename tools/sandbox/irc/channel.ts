import { fits, completeMask } from './names.js';
import type { User } from './user.js';

export interface ListEntry {
  readonly mask: string;
  readonly by: string;
  readonly at: number;
}

/** A channel: members with their ranks, modes, lists and topic. */
export class Channel {
  readonly name: string;
  readonly createdAt: number;
  topic: { readonly text: string; readonly by: string; readonly at: number } | undefined;
  key: string | undefined;
  limit: number | undefined;
  /** Modes without a parameter. */
  readonly flags = new Set(['n', 't']);
  /** Members and the letters of their rank. */
  readonly members = new Map<User, Set<string>>();
  /** Lists by their letter: `b` bans, `e` exceptions, `I` who needs no invitation. */
  readonly lists: ReadonlyMap<string, ListEntry[]> = new Map([
    ['b', []],
    ['e', []],
    ['I', []],
  ]);
  readonly invited = new Set<User>();
  /** The members who hear what is said: of ten thousand most are there to be seen. */
  readonly listeners = new Set<User>();

  constructor(name: string, createdAt: number) {
    this.name = name;
    this.createdAt = createdAt;
  }

  /** Makes somebody a member with the letters of a rank. */
  admit(user: User, ranks: readonly string[] = []): void {
    this.members.set(user, new Set(ranks));
    if (user.listens) this.listeners.add(user);
    this.invited.delete(user);
    user.channels.add(this);
  }

  dismiss(user: User): void {
    this.members.delete(user);
    this.listeners.delete(user);
    user.channels.delete(this);
  }

  isListed(letter: string, user: User, fold: (name: string) => string): boolean {
    return (this.lists.get(letter) ?? []).some(({ mask }) => maskFits(mask, user, fold));
  }

  isBanned(user: User, fold: (name: string) => string): boolean {
    return this.isListed('b', user, fold) && !this.isListed('e', user, fold);
  }

  /** Whether somebody outside may know that it is there. */
  isHiddenFrom(user: User): boolean {
    return (this.flags.has('s') || this.flags.has('p')) && !this.members.has(user);
  }

  /** The modes as 324 shows them; the key to members only. */
  modeLine(forMember: boolean): readonly string[] {
    const letters = [...this.flags].sort().join('');
    const more: string[] = [];
    let extra = '';
    if (this.key !== undefined) {
      extra += 'k';
      more.push(forMember ? this.key : '*');
    }
    if (this.limit !== undefined) {
      extra += 'l';
      more.push(String(this.limit));
    }
    return [`+${letters}${extra}`, ...more];
  }
}

/** nick!user@host with wildcards, or `$a:account` (account-extban). */
export function maskFits(mask: string, user: User, fold: (name: string) => string): boolean {
  if (mask.startsWith('$a:')) {
    return user.account !== undefined && fits(fold(mask.slice(3)), fold(user.account));
  }
  return fits(fold(completeMask(mask)), fold(user.mask));
}
