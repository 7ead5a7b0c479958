/*
 * People as one connection sees them: who is behind a nick, whether they are there, and when they can no longer be told
 * from another. It looks at every line beside `Hearing`, before it for what decides whose words they are, and after it
 * for what the rooms look like then. What outlives the connection is in `Holders`.
 */
import type { DesiredContact, InboundParty, SessionContext } from '#connector';
import { type Inlet, type Timers, words } from '#connector/session';
import type { AccountId } from '#model';
import type { IrcMessage } from 'irc-framework';
import { AccountsSeen } from './accounts-seen.js';
import { AskingWho } from './asking-who.js';
import type { Batches } from './batches.js';
import type { Fact, Source } from './from-irc.js';
import type { Holders } from './holders.js';
import { addressOf } from './irc.addresses.js';
import { partyOf } from './parties.js';
import { channelIn, type Network } from './network.js';
import type { Outbox } from './outbox.js';
import type { Rooms } from './rooms.js';
import type { Self } from './self.js';
import { Watching } from './watching.js';

/** Invitations by others that are told in a minute; whoever wants to flood us makes conversations with them. */
const mostInvitations = 20;

export interface PeopleParts {
  readonly context: SessionContext;
  readonly account: AccountId;
  readonly inlet: Inlet;
  readonly holders: Holders;
  readonly network: () => Network;
  readonly self: Self;
  readonly rooms: Rooms;
  readonly batches: Batches;
  readonly outbox: Outbox;
  readonly timers: Timers;
  readonly isOnline: () => boolean;
  readonly has: (capability: string) => boolean;
  /** Between two rounds of questions about those who are not watched by the server. */
  readonly everyMs: number;
}

export class People {
  readonly #parts: PeopleParts;
  readonly #watching: Watching;
  readonly #accounts: AccountsSeen;
  readonly #who: AskingWho;
  #invitations: number[] = [];

  constructor(parts: PeopleParts) {
    this.#parts = parts;
    const { context, account, network, rooms } = parts;
    this.#accounts = new AccountsSeen(network);
    this.#who = new AskingWho(network, parts.outbox);
    this.#watching = new Watching({
      outbox: parts.outbox,
      timers: parts.timers,
      clock: context.clock,
      network,
      isOnline: parts.isOnline,
      everyMs: parts.everyMs,
      tellsAway: () => parts.has('away-notify') && parts.has('extended-monitor'),
      sees: (nick) => parts.has('away-notify') && rooms.sees(nick),
      tell: (address, presence) => {
        context.presence(account, address, presence);
      },
      left: (nick) => {
        // In a common room the QUIT will say whether it is a netsplit.
        if (!rooms.sees(nick)) this.#left(nick);
      },
      seen: (nick, userHost) => {
        this.#sight(nick, { userHost });
      },
    });
  }

  setContacts(contacts: readonly DesiredContact[]): void {
    this.#watching.setContacts(contacts);
  }

  /** Our person writes to somebody: from now on it matters who that is. */
  wroteTo(address: string): void {
    if (this.#parts.self.is(address)) return;
    if (!this.#parts.holders.has(address))
      this.#parts.holders.meet(address, { direct: true, guarded: false });
    this.#watching.peer(address);
  }

  /** Reads a line for what only people's affairs are told by. */
  line(message: IrcMessage, at: Date): void {
    this.#watching.hears(message);
    const said = this.#who.hears(message);
    if (said !== undefined) {
      this.#account(said.nick, said.account, at);
      this.#sight(said.nick, { userHost: said.userHost });
      this.#watching.here(said.nick);
      if (!said.away) this.#watching.away(said.nick, undefined);
      return;
    }
    const { nick, command, params } = message;
    if (nick === '') return;
    if (command === 'ACCOUNT') {
      const account = params[0];
      this.#account(nick, account === '*' || account === '' ? undefined : account, at);
    } else if (command === 'SETNAME') this.#named(nick, words(params.at(-1)), at);
    else if (command === 'INVITE') this.#invited(message, at);
  }

  /** Before a fact is acted upon: whose it is. */
  before(fact: Fact, message: IrcMessage, at: Date): void {
    if (this.#parts.batches.isPlayback(message)) return;
    if (fact.fact === 'said') {
      if (fact.from.nick !== undefined) this.#spoke(fact, fact.from.nick, at);
    } else if (fact.fact === 'renamed') {
      if (fact.who.nick !== undefined && !this.#parts.self.is(fact.who.nick))
        this.#sight(fact.who.nick, { ...evidenceOf(fact.who), at });
    } else if (fact.fact === 'quit' && fact.who.nick !== undefined) {
      this.#quit(fact.who.nick, message, at);
    }
  }

  /** After a fact was acted upon: who is in sight, and who no longer. */
  after(fact: Fact, message: IrcMessage): void {
    const { self, has, holders, rooms, batches } = this.#parts;
    if (batches.isPlayback(message)) return;
    if (fact.fact === 'joined') {
      if (fact.who.nick === undefined || self.is(fact.who.nick)) return;
      if (has('extended-join') && message.params.length > 2)
        this.#account(fact.who.nick, fact.who.account, this.#now());
      this.#watching.here(fact.who.nick);
    } else if (fact.fact === 'renamed') {
      if (fact.who.nick === undefined || self.is(fact.to)) return;
      this.#accounts.moved(fact.who.nick, fact.to);
      holders.moved(addressOf(fact.who.nick), addressOf(fact.to));
      this.#watching.renamed(fact.who.nick, fact.to, this.#accountOf(fact.to, fact.who.account));
    } else if (fact.fact === 'parted') this.#unsee(fact.who.nick);
    else if (fact.fact === 'kicked') this.#unsee(fact.who);
    else if (fact.fact === 'host') {
      if (fact.user !== undefined) holders.rehosted(addressOf(fact.nick), `${fact.user}@${fact.host}`);
    } else if (fact.fact === 'names-end') {
      this.#who.entered(fact.channel, rooms.occupants(fact.channel).length);
    }
  }

  /** Somebody is away with a note, or back. `asked`: it is the answer to something that we said to them. */
  away(nick: string, note: string | undefined, at: Date, asked: boolean): void {
    const { self, holders, context, account } = this.#parts;
    const address = addressOf(nick);
    if (self.is(nick)) return;
    this.#watching.away(nick, note);
    // Of the others in a large room nobody asked.
    if (this.#watching.guards(nick) || !(asked || holders.has(address))) return;
    const since = at.toISOString();
    context.presence(
      account,
      address,
      note === undefined ? { presence: 'available', since } : { presence: 'away', note, since },
    );
  }

  /** Who a line is from, as the house should know them. */
  party(source: Source, nick: string): InboundParty {
    const account = this.#accountOf(nick, source.account);
    const party = partyOf({ ...source, ...(account !== undefined && { account }) }, nick);
    const name = this.#parts.holders.nameOf(party.address);
    return name === undefined ? party : { ...party, name };
  }

  /** `user@host` of somebody in sight, as far as known. */
  userHostOf(nick: string): string | undefined {
    return this.#parts.holders.userHostOf(addressOf(nick));
  }

  #spoke({ from, channel }: Extract<Fact, { fact: 'said' }>, nick: string, at: Date): void {
    if (this.#parts.self.is(nick)) return;
    const direct = channel === undefined;
    this.#sight(nick, { ...evidenceOf(from), direct, at, speaks: true });
    if (direct) this.#watching.peer(nick);
  }

  /** Somebody is seen under a nick: if it is not who held it before, the house is told first that they are gone. */
  #sight(
    nick: string,
    seen: {
      readonly userHost?: string | undefined;
      readonly account?: string | undefined;
      readonly direct?: boolean;
      readonly at?: Date;
      readonly speaks?: boolean;
    },
  ): void {
    const { holders, rooms } = this.#parts;
    const address = addressOf(nick);
    if (seen.speaks !== true && !holders.has(address)) return;
    const another = holders.meet(address, {
      userHost: seen.userHost,
      account: this.#accountOf(nick, seen.account),
      direct: seen.direct ?? false,
      guarded: this.#watching.guards(nick) || rooms.sees(nick),
    });
    if (another) this.#departed(address, seen.at ?? this.#now());
  }

  #quit(nick: string, message: IrcMessage, at: Date): void {
    if (this.#parts.self.is(nick)) return;
    this.#accounts.set(nick, undefined);
    if (this.#parts.holders.has(addressOf(nick)) || this.#watching.guards(nick)) this.#watching.quit(nick);
    else this.#watching.account(nick, undefined);
    // Both sides of a netsplit come back as they went.
    if (this.#parts.batches.isNetsplit(message) || splitReason.test(message.params.at(-1) ?? ''))
      this.#parts.holders.unseen(addressOf(nick));
    else this.#left(nick, at);
  }

  #left(nick: string, at = this.#now()): void {
    const address = addressOf(nick);
    if (this.#parts.holders.left(address)) this.#departed(address, at);
  }

  #departed(address: string, at: Date): void {
    const { inlet, account } = this.#parts;
    inlet.push({ type: 'departure', account, address, at });
  }

  /** Somebody left a room: perhaps they are out of sight now. */
  #unsee(nick: string | undefined): void {
    const { self, rooms, holders } = this.#parts;
    if (nick === undefined) return;
    if (self.is(nick)) {
      // We left, so all who were only there are out of sight.
      for (const address of holders.sure()) this.#unseeOne(address);
      return;
    }
    if (!rooms.sees(nick)) this.#accounts.set(nick, undefined);
    this.#unseeOne(addressOf(nick));
  }

  #unseeOne(address: string): void {
    const { rooms, holders } = this.#parts;
    if (!rooms.sees(address) && !this.#watching.guards(address)) holders.unseen(address);
  }

  #account(nick: string, account: string | undefined, at: Date): void {
    const { holders, self, inlet, rooms } = this.#parts;
    if (self.is(nick)) return;
    const before = this.#accounts.of(nick);
    // Of people out of sight nobody would say when it changes.
    if (account === undefined || rooms.sees(nick) || this.#watching.guards(nick))
      this.#accounts.set(nick, account);
    this.#watching.account(nick, account);
    const address = addressOf(nick);
    if (account === undefined || account === before || !holders.has(address)) return;
    holders.meet(address, { account, guarded: true });
    inlet.push({ type: 'identity', account: this.#parts.account, party: this.party({ account }, nick), at });
  }

  #named(nick: string, name: string | undefined, at: Date): void {
    const { holders, self, inlet, account } = this.#parts;
    if (name === undefined || self.is(nick) || !holders.named(addressOf(nick), name)) return;
    inlet.push({ type: 'identity', account, party: this.party({}, nick), at });
  }

  /** We, or with invite-notify somebody else, were asked into a room; it is told there, with who asked. */
  #invited({ nick, params, tags }: IrcMessage, at: Date): void {
    const { network, rooms, inlet, account, self, context } = this.#parts;
    const [who = '', name] = params;
    const channel = name === undefined ? undefined : channelIn(network(), name);
    if (who === '' || channel === undefined || self.is(nick)) return;
    const now = context.clock.monotonic();
    this.#invitations = this.#invitations.filter((before) => now - before < 60_000);
    if (!rooms.isIn(channel) && this.#invitations.length >= mostInvitations) return;
    this.#invitations.push(now);
    const tagged = tags['account'];
    this.#sight(nick, { speaks: true, at });
    inlet.push({
      type: 'room',
      account,
      conversation: rooms.addressOf(channel),
      conversationKind: 'room',
      by: this.party(tagged === undefined ? {} : { account: tagged }, nick),
      act: 'invite',
      detail: who,
      at,
    });
  }

  /** What the line itself vouches for; else what we were told, where every change of it is told. */
  #accountOf(nick: string, account: string | undefined): string | undefined {
    const { has, rooms } = this.#parts;
    if (account !== undefined) return account;
    if (!has('account-notify') || !has('extended-join') || !rooms.sees(nick)) return undefined;
    return this.#accounts.of(nick);
  }

  #now(): Date {
    return new Date(this.#parts.context.clock.now());
  }
}

/** What a server says of those who are lost with another (RFC 2812 §3.1.7): two names of servers and nothing else. */
const splitReason = /^(?:\*|[\w-]+(?:\.[\w*-]+)+) (?:\*|[\w-]+(?:\.[\w*-]+)+)$/;

function evidenceOf({ mask, account }: Source): { userHost?: string; account?: string } {
  const userHost = mask?.slice(mask.indexOf('!') + 1);
  return { ...(userHost !== undefined && { userHost }), ...(account !== undefined && { account }) };
}
