/* The state of the network and the ways of telling people about it. Commands are in files of their own. */
import { Channel } from './channel.js';
import { Client, type Mischief, type Surroundings } from './client.js';
import { History } from './history.js';
import { timestamp, type Line, type Tags } from './line.js';
import { fold, isChannelName } from './names.js';
import {
  allCaps,
  usualTokens,
  type SandboxAccount,
  type SandboxOptions,
  type TokenValue,
} from './options.js';
import { User } from './user.js';

/** What holds where the server says nothing (RFC 1459). */
const silentTokens: Readonly<Record<string, TokenValue>> = {
  CASEMAPPING: 'rfc1459',
  CHANNELLEN: 200,
  CHANTYPES: '#&',
  LINELEN: 512,
  NICKLEN: 30,
  PREFIX: '(ov)@+',
};

/** A services account. */
export interface Account extends SandboxAccount {
  readonly marks: Map<string, number>;
}

export class World {
  readonly options: SandboxOptions;
  readonly name: string;
  readonly network: string;
  readonly users = new Map<string, User>();
  readonly channels = new Map<string, Channel>();
  readonly clients = new Set<Client>();
  readonly accounts = new Map<string, Account>();
  readonly caps = new Map<string, string>();
  readonly tokens = new Map<string, TokenValue>();
  readonly history: History;
  readonly startedAt: number;
  readonly surroundings: Surroundings;
  mischief: Mischief;
  servicesAreHere: boolean;
  /** SCRAM: the server's signature is wrong, as of one that does not know the password. */
  scramLies: boolean;
  /** Looks at each line first: true when it has dealt with it. */
  intercept: (line: string, client: Client) => boolean;
  /** Why whoever comes is sent away, if they are. */
  refusal: string | undefined;
  /** The port that strict transport security names. */
  tlsPort: number | undefined;
  #batches = 0;

  /** @param before the run before this one: its accounts, their read marks and the history stay. */
  constructor(options: SandboxOptions, before?: World) {
    this.options = options;
    this.name = options.name ?? 'irc.sandbox';
    this.network = options.network ?? 'Sandbox';
    this.startedAt = this.now();
    if (options.tokens !== false) {
      for (const [name, value] of Object.entries({ ...usualTokens, ...options.tokens })) {
        if (value !== false) this.tokens.set(name, value);
      }
    }
    for (const account of options.accounts ?? []) this.addAccount(account);
    for (const [name, account] of before?.accounts ?? []) this.accounts.set(name, account);
    this.history = before?.history ?? new History(options.historyKept ?? 10_000);
    this.refusal = before?.refusal;
    this.intercept = before?.intercept ?? (() => false);
    this.mischief = before?.mischief ?? {};
    this.scramLies = before?.scramLies ?? false;
    this.servicesAreHere = before?.servicesAreHere ?? true;
    this.surroundings = {
      name: this.name,
      lineBytes: () => this.count('LINELEN') ?? 512,
      wholeCharacters: () => this.tokens.has('UTF8ONLY'),
      mischief: () => this.mischief,
      now: () => this.now(),
      nextBatch: () => this.nextBatch(),
    };
    if (options.caps !== false) {
      for (const cap of options.caps ?? allCaps) {
        if (options.withoutCaps?.includes(cap) !== true) this.caps.set(cap, this.capValue(cap));
      }
    }
  }

  now(): number {
    return this.options.now?.() ?? Date.now();
  }

  nextBatch(): string {
    return `b${(++this.#batches).toString(36)}`;
  }

  capValue(cap: string): string {
    const { mechanisms = ['PLAIN', 'EXTERNAL', 'SCRAM-SHA-256'], multiline } = this.options;
    if (cap === 'sasl') return mechanisms.join(',');
    if (cap !== 'draft/multiline') return '';
    const { maxBytes = 4_096, maxLines = 24 } = multiline ?? {};
    return `max-bytes=${String(maxBytes)},max-lines=${String(maxLines)}`;
  }

  addAccount(account: SandboxAccount): Account {
    const made: Account = { ...account, marks: new Map() };
    this.accounts.set(this.fold(account.name), made);
    return made;
  }

  // ---- what the server says of itself ----

  token(name: string): TokenValue | undefined {
    return this.tokens.get(name) ?? (this.options.tokens === false ? silentTokens[name] : undefined);
  }

  text(name: string): string {
    const value = this.token(name) ?? silentTokens[name];
    return value === undefined || value === true ? '' : String(value);
  }

  count(name: string): number | undefined {
    const value = this.token(name);
    return value === undefined || value === true || value === '' ? undefined : Number(value);
  }

  /** How many targets a command may name (TARGMAX). */
  targets(command: string): number {
    const given = this.text('TARGMAX')
      .split(',')
      .find((one) => one.startsWith(`${command}:`));
    if (given === undefined) return 4;
    const most = given.slice(command.length + 1);
    return most === '' ? Infinity : Number(most);
  }

  /** Ranks, highest first: the letter of the mode and its mark. */
  get ranks(): readonly { readonly mode: string; readonly mark: string }[] {
    const [, modes = '', marks = ''] = /^\((\w*)\)(.*)$/.exec(this.text('PREFIX')) ?? [];
    return modes.split('').map((mode, index) => ({ mode, mark: marks.charAt(index) }));
  }

  fold(name: string): string {
    return fold(name, this.text('CASEMAPPING'));
  }

  isChannel(name: string): boolean {
    return isChannelName(name, this.text('CHANTYPES'), this.count('CHANNELLEN') ?? 200);
  }

  // ---- who is there ----

  user(nick: string): User | undefined {
    return this.users.get(this.fold(nick));
  }

  channel(name: string): Channel | undefined {
    return this.channels.get(this.fold(name));
  }

  channelMade(name: string): Channel {
    const made = new Channel(name, this.now());
    this.channels.set(this.fold(name), made);
    return made;
  }

  /** Everybody who hears of somebody because they share a channel, and themselves. */
  neighbours(user: User): Set<User> {
    const all = new Set<User>([user]);
    for (const channel of user.channels) for (const member of channel.listeners) all.add(member);
    return all;
  }

  /** How high somebody stands in a channel: 0 is highest; Infinity for no rank at all. */
  rankOf(channel: Channel, user: User): number {
    const modes = channel.members.get(user);
    const at = modes === undefined ? -1 : this.ranks.findIndex(({ mode }) => modes.has(mode));
    return at === -1 ? Infinity : at;
  }

  /** Whether somebody may steer a channel: half-operator and higher. */
  isOperator(channel: Channel, user: User): boolean {
    const least = this.ranks.findIndex(({ mode }) => mode === 'v');
    return this.rankOf(channel, user) < (least === -1 ? this.ranks.length : least);
  }

  /** The marks of a member: all of them, or the highest (multi-prefix). */
  marksOf(channel: Channel, user: User, all: boolean): string {
    const modes = channel.members.get(user);
    const marks = this.ranks.filter(({ mode }) => modes?.has(mode) === true).map(({ mark }) => mark);
    return all ? marks.join('') : (marks[0] ?? '');
  }

  // ---- telling ----

  /** A line that somebody caused, with everything that tags can say of it. */
  from(user: User, command: string, params: readonly string[], more?: Tags): Line {
    const tags = new Map<string, string>([['time', timestamp(this.now())]]);
    if (user.account !== undefined) tags.set('account', user.account);
    if (user.isBot) tags.set('bot', '');
    for (const [key, value] of more ?? []) tags.set(key, value);
    return { tags, source: user.mask, command, params };
  }

  /** A line from the server itself. */
  own(command: string, ...params: readonly string[]): Line {
    return { source: this.name, command, params };
  }

  tell(whom: Iterable<User>, line: Line, allowed: (user: User) => boolean = () => true): void {
    for (const user of whom) if (allowed(user)) user.deliver(line);
  }

  /** To the neighbours who have a capability, and with extended-monitor to who watches; never to themselves. */
  announce(user: User, capability: string, line: Line): void {
    const folded = this.fold(user.nick);
    const told = this.neighbours(user);
    for (const client of this.clients) {
      if (client.can('extended-monitor') && client.monitored.has(folded)) told.add(client);
    }
    told.delete(user);
    this.tell(told, line, (one) => one.can(capability));
  }

  /** Somebody has come or gone under a nick: whoever watches it is told (monitor, WATCH). */
  presence(user: User, nick: string, isHere: boolean): void {
    const folded = this.fold(nick);
    const mask = `${nick}!${user.username}@${user.host}`;
    const seconds = String(Math.floor(this.now() / 1000));
    for (const client of this.clients) {
      const monitored = client.monitored.get(folded);
      if (monitored !== undefined) client.numeric(isHere ? '730' : '731', isHere ? mask : monitored);
      if (client.watched.has(folded)) {
        client.numeric(
          isHere ? '600' : '601',
          ...[nick, user.username, user.host, seconds, isHere ? 'logged online' : 'logged offline'],
        );
      }
    }
  }

  /** Keeps a channel event for draft/event-playback. */
  remember(channel: Channel, line: Line): void {
    this.history.keep(this.fold(channel.name), { line, at: this.now(), isEvent: true });
  }

  // ---- leaving ----

  /** Takes a member out of a channel without a word; an empty channel goes. */
  remove(channel: Channel, user: User): void {
    channel.dismiss(user);
    if (channel.members.size === 0) this.channels.delete(this.fold(channel.name));
  }

  /** Somebody is gone: neighbours are told, and the nick is free. */
  quit(user: User, reason: string): void {
    if (this.user(user.nick) !== user) return;
    const line = this.from(user, 'QUIT', [reason]);
    const told = this.neighbours(user);
    told.delete(user);
    this.tell(told, line);
    for (const channel of [...user.channels]) {
      this.remember(channel, line);
      this.remove(channel, user);
    }
    this.forget(user);
  }

  /** Takes somebody off the list of users, and tells who watches. */
  forget(user: User): void {
    this.users.delete(this.fold(user.nick));
    for (const channel of this.channels.values()) channel.invited.delete(user);
    this.presence(user, user.nick, false);
  }

  /** Ends a client's connection with a reason, as servers do (ERROR). */
  close(client: Client, reason: string, quitReason = reason): void {
    if (client.isGone) return;
    client.isGone = true;
    this.clients.delete(client);
    if (client.isRegistered) this.quit(client, quitReason);
    else if (this.user(client.nick) === client) this.users.delete(this.fold(client.nick));
    client.deliver({
      command: 'ERROR',
      params: [`Closing link: (${client.username}@${client.host}) [${reason}]`],
    });
    // Whatever answers the line that it is about comes first.
    setImmediate(() => {
      client.carrier.end();
    });
  }
}
