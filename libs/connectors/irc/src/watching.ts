/*
 * How those whom the person cares for are: the contacts of the roster, and those with whom they talk in private. Each is
 * watched by the server's own list where it has one and room on it, and asked for otherwise. What nobody tells is not
 * told either: who is not watched is unknown.
 */
import type { DesiredContact, SessionClock } from '#connector';
import { remember, TokenBucket, type Timers } from '#connector/session';
import type { PresenceState } from '#model';
import type { IrcMessage } from 'irc-framework';
import { fold } from './case-mapping.js';
import { accountAddress, accountOf, addressOf, isRoom, wireTarget } from './irc.addresses.js';
import type { Network } from './network.js';
import type { Outbox } from './outbox.js';
import { isOnLines, sightingsOf, userHostLines, watchKindOf, watchLines } from './watch-lists.js';

/** Peers of private talk who are watched beside the contacts: the latest. */
const mostPeers = 50;
/**
 * How often the watch follows the peers: at once, but then only now and then. Strangers who write from ever new nicks must
 * not fill the line with ours.
 */
const following = { burst: 5, perSecond: 1 / 30 };
/** Questions (ISON, USERHOST) that one round asks. */
const mostQuestions = 10;

interface Watched {
  readonly nick: string;
  online?: boolean;
  /** Undefined: not known; `false`: here; else the note, which may be empty. */
  away?: string | false;
  account?: string;
  /** What the server's own list takes care of. */
  listed?: boolean;
}

export interface WatchingParts {
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly clock: SessionClock;
  readonly network: () => Network;
  readonly isOnline: () => boolean;
  /** Whether AWAY lines come for those on the list who are in no common room (extended-monitor with away-notify). */
  readonly tellsAway: () => boolean;
  /** Between two rounds of questions. */
  readonly everyMs: number;
  /** Whether a nick is in a common room. */
  readonly sees: (nick: string) => boolean;
  readonly tell: (address: string, presence: PresenceState) => void;
  /** Somebody on the list is not there, and was before. */
  readonly left: (nick: string) => void;
  /** Whoever is there comes from here. */
  readonly seen: (nick: string, userHost: string) => void;
}

export class Watching {
  readonly #parts: WatchingParts;
  #contacts: readonly DesiredContact[] = [];
  readonly #peers = new Map<string, string>();
  readonly #watched = new Map<string, Watched>();
  /** Accounts that are on the roster, with the nicks that are signed in to them now. */
  readonly #accounts = new Map<string, Set<string>>();
  /** ISON questions that left, in their order. */
  readonly #asked: (readonly string[])[] = [];
  readonly #told = new Map<string, string>();
  readonly #follows: TokenBucket;
  #following = false;
  /** As many as the server proved to take. */
  #most = Infinity;

  constructor(parts: WatchingParts) {
    this.#parts = parts;
    const { burst, perSecond } = following;
    this.#follows = new TokenBucket(burst, perSecond, () => parts.clock.monotonic());
  }

  /** The wishes, at first and whenever they change. */
  setContacts(contacts: readonly DesiredContact[]): void {
    this.#contacts = contacts.filter(({ address }) => !isRoom(address));
    const accounts = new Set(this.#contacts.flatMap((contact) => accountsOf(contact)));
    for (const account of this.#accounts.keys()) if (!accounts.has(account)) this.#accounts.delete(account);
    for (const account of accounts) if (!this.#accounts.has(account)) this.#accounts.set(account, new Set());
    for (const address of this.#told.keys()) if (!this.#isWanted(address)) this.#told.delete(address);
    this.reconcile();
  }

  /** Private words are exchanged with somebody. */
  peer(nick: string): void {
    const key = this.#fold(nick);
    const isNew = !this.#peers.has(key);
    remember(this.#peers, key, nick, mostPeers);
    if (isNew) this.#follow();
  }

  /** Makes the server's list and ours the same, and asks for whom it has no room. */
  reconcile(): void {
    const { isOnline, network, outbox } = this.#parts;
    if (!isOnline()) return;
    const wanted = this.#wanted();
    const gone = [...this.#watched].filter(([key]) => !wanted.has(key)).map(([, watched]) => watched);
    for (const { nick } of gone) {
      this.#watched.delete(this.#fold(nick));
      this.#told.delete(addressOf(nick));
    }
    for (const [key, nick] of wanted) if (!this.#watched.has(key)) this.#watched.set(key, { nick });
    const most = Math.min(watchKindOf(network()).most, this.#most);
    let room = most;
    for (const { listed } of this.#watched.values()) if (listed === true) room--;
    const fresh = [...this.#watched.values()]
      .filter(({ listed }) => listed !== true)
      .slice(0, Math.max(0, room));
    const lines = [
      ...watchLines(
        network(),
        '-',
        gone.filter(({ listed }) => listed === true).map(({ nick }) => nick),
      ),
      ...watchLines(
        network(),
        '+',
        fresh.map(({ nick }) => nick),
      ),
    ];
    for (const line of lines) outbox.control({ line });
    for (const one of fresh) one.listed = true;
    this.#round();
  }

  /** Whether somebody's leaving would be told at once. */
  guards(nick: string): boolean {
    return this.#watched.get(this.#fold(nick))?.listed === true;
  }

  /** Reads a line for what it says of who is there. */
  hears(message: IrcMessage): void {
    const seen = sightingsOf(message);
    if (seen === undefined) return;
    // Those who came are asked about together: one line for each would be a flood of ours.
    this.#askAway((seen.here ?? []).flatMap(({ nick }) => (this.#isHere(nick) ? [nick] : [])));
    for (const { nick, userHost } of seen.here ?? []) {
      if (userHost !== undefined) this.#parts.seen(nick, userHost);
    }
    for (const nick of seen.gone ?? []) this.#gone(nick);
    for (const { nick, note } of seen.away ?? []) this.away(nick, note);
    for (const nick of seen.refused ?? []) this.#refused(nick);
    for (const { nick, away, userHost } of seen.userHosts ?? []) {
      this.here(nick);
      this.#parts.seen(nick, userHost);
      const known = this.#watched.get(this.#fold(nick))?.away;
      if (!away) this.away(nick, undefined);
      else if (typeof known !== 'string') this.away(nick, '');
    }
    if (seen.isOn !== undefined) this.#answered(seen.isOn);
  }

  /** Somebody is there. */
  here(nick: string): void {
    if (this.#isHere(nick)) this.#askAway([nick]);
  }

  /** Notes that somebody is there; true when they were not before. */
  #isHere(nick: string): boolean {
    const watched = this.#watched.get(this.#fold(nick));
    if (watched === undefined) return false;
    const came = watched.online !== true;
    watched.online = true;
    this.#say(watched);
    return came;
  }

  #follow(): void {
    if (this.#following) return;
    const wait = this.#follows.wait(1);
    if (wait === 0) {
      this.#follows.take();
      this.reconcile();
      return;
    }
    this.#following = true;
    this.#parts.timers.set('peers', wait, () => {
      this.#following = false;
      this.#follow();
    });
  }

  /** Somebody went; told by a line that everybody in a common room gets. */
  quit(nick: string): void {
    this.account(nick, undefined);
    const watched = this.#watched.get(this.#fold(nick));
    if (watched) this.#setGone(watched);
  }

  /** Somebody is away with a note, or back. */
  away(nick: string, note: string | undefined): void {
    const watched = this.#watched.get(this.#fold(nick));
    if (watched === undefined) return;
    watched.online = true;
    watched.away = note ?? false;
    this.#say(watched);
  }

  /** Somebody is signed in to a services account, or no longer. */
  account(nick: string, account: string | undefined): void {
    const key = this.#fold(nick);
    const name = account === undefined ? undefined : addressOf(account);
    const watched = this.#watched.get(key);
    if (watched) {
      delete watched.account;
      if (name !== undefined) watched.account = name;
    }
    for (const [one, nicks] of this.#accounts) {
      const changed = one === name ? !nicks.has(key) && nicks.add(key) : nicks.delete(key);
      if (changed) this.#sayAccount(one);
    }
  }

  /** Somebody goes by another nick; the account they are signed in to goes with them. */
  renamed(from: string, to: string, account: string | undefined): void {
    const known = account ?? this.#watched.get(this.#fold(from))?.account;
    const before = this.#watched.get(this.#fold(from));
    const away = before?.away;
    if (this.#fold(from) !== this.#fold(to)) {
      if (before) this.#setGone(before);
      this.account(from, undefined);
    }
    const after = this.#watched.get(this.#fold(to));
    if (after) {
      after.online = true;
      if (away === undefined) delete after.away;
      else after.away = away;
      this.#say(after);
    }
    if (known !== undefined) this.account(to, known);
  }

  /** The nicks that the person cares for, contacts first, each once. */
  #wanted(): ReadonlyMap<string, string> {
    const wanted = new Map<string, string>();
    const add = (nick: string): void => {
      if (/^[^\s,:+-][^\s,]*$/.test(nick)) wanted.set(this.#fold(nick), nick);
    };
    for (const contact of this.#contacts) {
      const nick = wireTarget(contact.address);
      if (nick !== undefined) add(nick);
      // Most people's nick is the name of their account.
      else for (const account of accountsOf(contact)) add(account);
    }
    for (const nick of this.#peers.values()) add(nick);
    return wanted;
  }

  #isWanted(address: string): boolean {
    const account = accountOf(address);
    return account === undefined ? this.#watched.has(this.#fold(address)) : this.#accounts.has(account);
  }

  #refused(nick: string): void {
    const watched = this.#watched.get(this.#fold(nick));
    if (watched === undefined) return;
    delete watched.listed;
    let listed = 0;
    for (const one of this.#watched.values()) if (one.listed === true) listed++;
    this.#most = Math.min(this.#most, listed);
    this.#round();
  }

  #gone(nick: string): void {
    const watched = this.#watched.get(this.#fold(nick));
    if (watched === undefined) return;
    const was = watched.online;
    this.account(nick, undefined);
    this.#setGone(watched);
    if (was === true) this.#parts.left(nick);
  }

  #setGone(watched: Watched): void {
    watched.online = false;
    delete watched.away;
    delete watched.account;
    this.#say(watched);
  }

  /** A round of questions: for whom the server's list has no room, and who of those that are there is away. */
  #round(): void {
    const { timers, outbox, isOnline, everyMs } = this.#parts;
    if (!isOnline()) return;
    const alone = [...this.#watched.values()].filter(({ listed }) => listed !== true);
    if (this.#asked.length === 0) {
      for (const { line, nicks } of isOnLines(alone.map(({ nick }) => nick)).slice(0, mostQuestions)) {
        outbox.control({ line, left: () => this.#asked.push(nicks) });
      }
    }
    const here = [...this.#watched.values()].filter(({ online }) => online === true);
    this.#askAway(here.map(({ nick }) => nick));
    if (this.#watched.size === 0) timers.cancel('presence');
    else {
      timers.set('presence', everyMs, () => {
        this.#round();
      });
    }
  }

  /** Asks who of these is away, unless the server tells by itself. */
  #askAway(nicks: readonly string[]): void {
    const { outbox, tellsAway, sees, network } = this.#parts;
    const extended = tellsAway() && watchKindOf(network()).kind === 'monitor';
    const silent = nicks.filter((nick) => {
      const watched = this.#watched.get(this.#fold(nick));
      return (
        watched !== undefined &&
        (watched.away === undefined || !((extended && watched.listed === true) || sees(nick)))
      );
    });
    for (const line of userHostLines(silent).slice(0, mostQuestions)) outbox.control({ line, key: line });
  }

  #answered(isOn: readonly string[]): void {
    const asked = this.#asked.shift();
    if (asked === undefined) return;
    const here = new Set(isOn.map((nick) => this.#fold(nick)));
    for (const nick of asked) {
      if (here.has(this.#fold(nick))) this.here(nick);
      else this.#gone(nick);
    }
  }

  #say(watched: Watched): void {
    if (watched.online !== undefined) this.#tell(addressOf(watched.nick), stateOf(watched));
    for (const [account, nicks] of this.#accounts)
      if (nicks.has(this.#fold(watched.nick)) || account === addressOf(watched.nick))
        this.#sayAccount(account);
  }

  /** Somebody with an account is as reachable as the best of their nicks; without one in sight nobody knows. */
  #sayAccount(account: string): void {
    const address = accountAddress(account);
    const states = [...(this.#accounts.get(account) ?? [])].map((key): PresenceState => {
      const watched = this.#watched.get(key);
      return watched?.online === true ? stateOf(watched) : { presence: 'available' };
    });
    const best = states.find(({ presence }) => presence === 'available') ?? states[0];
    if (best !== undefined) this.#tell(address, best);
    else if (this.#told.has(address) || this.#watched.get(this.#fold(account))?.online === false) {
      // Their own nick is not there: then they are not, as far as can be seen.
      this.#tell(address, { presence: 'offline' });
    }
  }

  #tell(address: string, state: PresenceState): void {
    const text = JSON.stringify(state);
    if (this.#told.get(address) === text) return;
    this.#told.set(address, text);
    this.#parts.tell(address, { ...state, since: new Date(this.#parts.clock.now()).toISOString() });
  }

  #fold(nick: string): string {
    return fold(nick, this.#parts.network().caseMapping);
  }
}

function stateOf({ online, away }: Watched): PresenceState {
  if (online !== true) return { presence: 'offline' };
  if (typeof away !== 'string') return { presence: 'available' };
  return away === '' ? { presence: 'away' } : { presence: 'away', note: away };
}

/** The services accounts by which a contact is known. */
function accountsOf({ address, stableAddress }: DesiredContact): readonly string[] {
  return [address, stableAddress ?? ''].flatMap((one) => accountOf(one) ?? []);
}
