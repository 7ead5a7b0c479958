/*
 * One transaction of taking in, step by step, in the order in which locks are taken (DESIGN.md §5): leases, identities,
 * conversations, envelopes, the meter, and last the head of the log, in the statement that writes the messages.
 */
import { Injectable } from '@nestjs/common';
import { Desires } from '#accounts';
import { beside, EventLog, type Alongside } from '#bus';
import {
  idsOf,
  type EmitOutcome,
  type InboundCall,
  type InboundChange,
  type InboundContact,
  type InboundIdentity,
  type InboundDeparture,
  type InboundMessage,
  type InboundReceipt,
  type InboundRoom,
  type RemoteId,
} from '#connector';
import {
  ChangeStore,
  conversationKey,
  IntakeStore,
  MarksElsewhere,
  Positions,
  remoteKey,
  standsBy,
  type Bearer,
  type ConversationAsk,
  type MessageChange,
  type NewMessage,
  type ReadElsewhere,
} from '#conversations';
import {
  Charges,
  Consents,
  envelopeRows,
  Receipts,
  type ConsentSaid,
  type Echo,
  type NewEnvelope,
  type Settled,
} from '#delivery';
import { filesIn, holdFiles, useFiles } from '#files';
import {
  failure,
  newId,
  type AccountId,
  type ConversationId,
  type EnvelopeId,
  type IdentityId,
  type MessageId,
  type NewEvent,
  type WorkspaceId,
} from '#model';
import type { Heard } from '#metering';
import type { Sql } from '#platform';
import { Identities, partyKey, RosterItems } from '#roster';
import { partiesOf, remoteAuthor, type Taker, type Unit } from './inbound-units.js';
import { wearAvatars } from './avatars.js';
import { CallIntake, type ToldCall } from './call-intake.js';
import { Claims } from './claims.js';
import { Knowledge, type KnownParty } from './knowledge.js';
import { Leases } from './leases.js';
import { SessionStore } from './session.store.js';

/** What was remembered of a conversation is not so any more: forget and do it again. */
export class StaleKnowledge extends Error {
  override readonly name = 'StaleKnowledge';
}

interface Learnt {
  readonly parties: [AccountId, string, KnownParty][];
  readonly places: [AccountId, string, ConversationId][];
}

export interface Written {
  readonly outcomes: readonly EmitOutcome[];
  readonly settled: ReadonlyMap<EnvelopeId, Settled>;
  readonly learnt: Learnt;
  /** The last event's number; absent where there were none. */
  readonly last: bigint | undefined;
  /** Accounts that have something to send now. */
  readonly due: ReadonlySet<AccountId>;
}

/** The units of one transaction by what they are, and what is found out on the way. */
interface Work {
  readonly outcomes: (EmitOutcome | undefined)[];
  readonly messages: Map<number, { event: InboundMessage; id: MessageId; replyTo?: MessageId }>;
  readonly echoes: Map<number, Echo & { event: InboundMessage }>;
  readonly events: NewEvent[];
  readonly identities: Map<string, IdentityId>;
  readonly places: Map<string, ConversationId>;
  readonly learnt: Learnt;
}

@Injectable()
export class InboundWriter {
  private readonly knowledge = new Knowledge();
  /** Ids given to units, so that a second try finds what a doubtful first one may have stored. */
  private readonly ids = new WeakMap<Unit, MessageId>();

  constructor(
    private readonly leases: Leases,
    private readonly desires: Desires,
    private readonly identities: Identities,
    private readonly rosters: RosterItems,
    private readonly intake: IntakeStore,
    private readonly changes: ChangeStore,
    private readonly marks: MarksElsewhere,
    private readonly receipts: Receipts,
    private readonly consents: Consents,
    private readonly charges: Charges,
    private readonly calls: CallIntake,
    private readonly store: SessionStore,
    private readonly log: EventLog,
  ) {}

  learn(learnt: Learnt): void {
    this.knowledge.learn(learnt.parties, learnt.places);
  }

  forget(accounts: ReadonlySet<AccountId>): void {
    this.knowledge.forget(accounts);
  }

  /** Writes units of one workspace; answers one outcome per unit, in order. */
  async write(sql: Sql, workspace: WorkspaceId, units: readonly Unit[]): Promise<Written> {
    const work: Work = {
      outcomes: await this.admit(sql, units),
      messages: new Map(),
      echoes: new Map(),
      events: [],
      identities: new Map(),
      places: new Map(),
      learnt: { parties: [], places: [] },
    };
    await this.sort(sql, units, work);
    await this.dropDuplicates(sql, units, work);
    await this.findReplies(sql, work);
    await this.meetPeople(sql, units, work);
    const worn = each<InboundIdentity>(units, work, 'identity').flatMap(([, event]) => {
      const identity = work.identities.get(partyKey(event.account, event.party.address));
      return identity === undefined ? [] : [{ identity, event }];
    });
    work.events.push(...(await wearAvatars(sql, this.identities, worn)));
    const told = each<InboundContact>(units, work, 'contact').map(([, event]) => event);
    work.events.push(...(await this.rosters.take(sql, told)));
    await this.findPlaces(sql, workspace, units, work);
    const { rows, said, positions } = await this.messageRows(sql, workspace, units, work);
    work.events.push(...(await this.tellOfCalls(sql, workspace, units, work)));
    const obeyed = await this.consents.obey(sql, said, positions);
    const { events: fates, settled } = await this.receipts.take(
      sql,
      [...work.echoes.values()],
      open<InboundReceipt>(units, work, 'receipt'),
      obeyed.news,
    );
    await this.changeMessages(sql, units, work);
    await this.carryFiles(sql, rows);
    await this.tellOfRooms(sql, units, work);
    await this.keepNotes(sql, units, work);
    const made = [...rows, ...obeyed.messages];
    const events = [...work.events, ...obeyed.events, ...fates, ...made.map(createdEvent)];
    const { answers, alongside } = await this.charges.settle(sql, workspace, events, {
      heard: heardIn(units, work),
      answers: obeyed.envelopes,
    });
    const last =
      events.length > 0
        ? (await this.log.append(sql, workspace, events, this.rowsOf(made, answers, alongside))).last
        : undefined;
    const moved = await this.marks.move(sql, workspace, await this.readsOf(sql, units, work));
    return {
      outcomes: work.outcomes.map((outcome) => outcome ?? { outcome: 'stored' }),
      settled,
      learnt: work.learnt,
      last: moved ?? last,
      due: new Set(obeyed.envelopes.map(({ account }) => account)),
    };
  }

  /** Who does not hold the link any more is fenced; whose account is gone is refused. */
  private async admit(sql: Sql, units: readonly Unit[]): Promise<(EmitOutcome | undefined)[]> {
    const claims = new Map(units.map(({ taker }) => [taker.link, taker]));
    const accounts = new Set(
      units.flatMap(({ event, notes }) => [
        ...(event ? [event.account] : []),
        ...notes.map((note) => note.account as AccountId),
      ]),
    );
    const { held, accounts: ours } = await this.leases.holdAccounts(sql, [...claims.values()], [...accounts]);
    return units.map(({ taker, event }) => {
      if (!held.has(taker.link)) return { outcome: 'fenced' };
      if (event && !ours.has(event.account)) return { outcome: 'refused', failure: failure('account-gone') };
      return undefined;
    });
  }

  /** Tells messages from echoes of our own. */
  private async sort(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const own = each<InboundMessage>(units, work, 'message').filter(
      ([, event]) => event.origin !== 'remote' && event.wireId,
    );
    const ours = await this.receipts.messagesOf(
      sql,
      own.map(([, event]) => ({ account: event.account, wireId: event.wireId ?? '' })),
    );
    for (const [index, event] of each<InboundMessage>(units, work, 'message')) {
      if (event.origin !== 'remote' && event.wireId && ours.has(event.wireId)) {
        work.echoes.set(index, {
          account: event.account,
          wireId: event.wireId,
          ...(event.remoteId && { remoteId: event.remoteId }),
          ...(event.otherIds && { otherIds: event.otherIds }),
          event,
        });
      } else {
        work.messages.set(index, { event, id: this.idOf(units[index] as Unit) });
      }
    }
  }

  /** Finds what replies answer, also where that is being stored with them. */
  private async findReplies(sql: Sql, work: Work): Promise<void> {
    const replies = [...work.messages.values()].filter(({ event }) => event.replyTo);
    if (replies.length === 0) return;
    const bearers = await this.intake.bearers(
      sql,
      replies.flatMap(({ event }) => (event.replyTo ? [{ account: event.account, ...event.replyTo }] : [])),
    );
    for (const reply of replies) {
      const { replyTo, account } = reply.event;
      const target = replyTo && onlyBearer(bearersOf(bearers, account, replyTo));
      if (target) reply.replyTo = target.message;
    }
  }

  private async dropDuplicates(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const claims = new Claims();
    const twice: number[] = [];
    for (const [index, { event, id }] of work.messages)
      if (!claims.add(id, event.account, claimsOf(event))) twice.push(index);
    const held = await this.intake.claimRemoteIds(sql, claims.rows());
    const duplicates = claims.duplicates(held, await this.intake.namesOf(sql, claims.doubtful(held)));
    await this.intake.bequeath(sql, duplicates);
    for (const [index, { id }] of work.messages) if (duplicates.has(id)) this.duplicate(work, index);
    for (const index of twice) this.duplicate(work, index);
    await this.dropSecondTries(sql, units, work);
  }

  /** After a doubtful commit: what has been stored then, under the ids given then, is stored. */
  private async dropSecondTries(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const tried = [...work.messages].filter(([index]) => this.tried.has(units[index] as Unit));
    for (const unit of units) this.tried.add(unit);
    if (tried.length === 0) return;
    const stored = await this.intake.stored(
      sql,
      tried.map(([, { id }]) => id),
    );
    for (const [index, { id }] of tried) if (stored.has(id)) this.duplicate(work, index);
  }
  private readonly tried = new WeakSet<Unit>();

  private duplicate(work: Work, index: number): void {
    work.messages.delete(index);
    work.outcomes[index] = { outcome: 'duplicate' };
  }

  private async meetPeople(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const renames = each(units, work, 'identity').flatMap(([, event]) =>
      event.type === 'identity' && event.formerly !== undefined
        ? [{ account: event.account, from: event.formerly, to: event.party, at: event.at }]
        : [],
    );
    if (renames.length > 0) {
      const { events, moved, vacated } = await this.identities.rename(sql, renames);
      work.events.push(...events, ...(await this.intake.follow(sql, moved, vacated)));
      this.knowledge.forget(new Set(renames.map(({ account }) => account)));
    }
    const departures = each<InboundDeparture>(units, work, 'departure').map(([, event]) => event);
    if (departures.length > 0) {
      const { events, vacated } = await this.identities.depart(sql, departures);
      work.events.push(...events, ...(await this.intake.follow(sql, [], vacated)));
      if (vacated.length > 0) this.knowledge.forget(new Set(vacated.map(({ account }) => account)));
    }
    const asks = new Map<string, Parameters<Identities['resolve']>[1][number]>();
    for (const [index, unit] of units.entries()) {
      if (work.outcomes[index] || !unit.event) continue;
      for (const party of partiesOf(unit.event)) {
        const { account } = unit.event;
        const past = isPast(unit.event);
        const known = past ? undefined : this.knowledge.party(account, party.address);
        if (known && same(known, party))
          work.identities.set(partyKey(account, party.address), known.identity);
        else {
          const key = partyKey(account, party.address, party.stableAddress);
          if (!past || !asks.has(key)) asks.set(key, { account, ...party, ...(past && { past }) });
        }
      }
    }
    const { found, events } = await this.identities.resolve(sql, [...asks.values()]);
    work.events.push(...events);
    for (const [key, identity] of found) work.identities.set(key, identity);
    for (const ask of asks.values()) {
      if (ask.past === true) continue;
      const identity = found.get(partyKey(ask.account, ask.address, ask.stableAddress));
      if (!identity) continue;
      const { name, stableAddress } = ask;
      work.learnt.parties.push([ask.account, ask.address, { identity, name, stableAddress }]);
    }
  }

  private async findPlaces(
    sql: Sql,
    workspace: WorkspaceId,
    units: readonly Unit[],
    work: Work,
  ): Promise<void> {
    const asks: ConversationAsk[] = [];
    for (const [index, { event, taker }] of units.entries()) {
      if (work.outcomes[index] || !event || !('conversationKind' in event) || work.echoes.has(index))
        continue;
      const place = this.knowledge.place(event.account, event.conversation);
      // Somebody's first words in this transaction may be somebody else's than before: their place is asked for again.
      const identity = this.peerOf(event, taker, work);
      const fresh =
        identity !== undefined && work.learnt.parties.some(([, , party]) => party.identity === identity);
      if (place && !fresh) work.places.set(conversationKey(event.account, event.conversation), place);
      else {
        asks.push({
          account: event.account,
          kind: event.conversationKind,
          address: event.conversation,
          ...(identity ? { identity } : {}),
          ...standsBy(taker.connector.describe(), event.conversationKind),
        });
      }
    }
    const { found, events } = await this.intake.resolve(sql, workspace, asks);
    work.events.push(...events);
    for (const ask of asks) {
      const place = found.get(conversationKey(ask.account, ask.address));
      if (!place) continue;
      work.places.set(conversationKey(ask.account, ask.address), place);
      work.learnt.places.push([ask.account, ask.address, place]);
    }
  }

  /** The peer of a direct conversation, where the event is theirs. */
  private peerOf(
    event: InboundMessage | InboundChange | InboundRoom | InboundCall,
    { connector: { addresses } }: Taker,
    work: Work,
  ): IdentityId | undefined {
    if (event.conversationKind !== 'direct' || event.type === 'room') return undefined;
    if (event.type !== 'call' && event.origin !== 'remote') return undefined;
    if (isPast(event)) return undefined;
    const party = event.type === 'call' ? event.party : event.author;
    const [peer = event.conversation] = (addresses.membersOf?.(event.conversation) ?? []).map(
      ({ value }) => value,
    );
    if (party.address !== peer) return undefined;
    return work.identities.get(partyKey(event.account, party.address));
  }

  private async tellOfCalls(
    sql: Sql,
    workspace: WorkspaceId,
    units: readonly Unit[],
    work: Work,
  ): Promise<readonly NewEvent[]> {
    const told = each<InboundCall>(units, work, 'call').flatMap(([, event]): ToldCall[] => {
      const { account, conversation: address, party } = event;
      const conversation = work.places.get(conversationKey(account, address));
      const identity = work.identities.get(partyKey(account, party.address));
      return conversation === undefined ? [] : [{ event, conversation, identity }];
    });
    return told.length > 0 ? await this.calls.take(sql, workspace, told) : [];
  }

  /** The rows of what was said, and what of it speaks of whether its author may be written to. */
  private async messageRows(
    sql: Sql,
    workspace: WorkspaceId,
    units: readonly Unit[],
    work: Work,
  ): Promise<{ rows: NewMessage[]; said: ConsentSaid[]; positions: Positions }> {
    const placed = [...work.messages].map(([index, message]) => ({
      index,
      ...message,
      conversation: work.places.get(conversationKey(message.event.account, message.event.conversation)),
    }));
    const rooms = each<InboundRoom>(units, work, 'room').flatMap(([, event]) => {
      const conversation = work.places.get(conversationKey(event.account, event.conversation));
      return event.act && conversation ? [{ event, conversation }] : [];
    });
    const rung = each<InboundCall>(units, work, 'call').map(([, event]) => ({
      conversation: work.places.get(conversationKey(event.account, event.conversation)),
    }));
    const ids = [...placed, ...rooms, ...rung].flatMap(({ conversation }) => conversation ?? []);
    const locked = await this.intake.lock(sql, ids);
    if (ids.some((id) => !locked.get(id)?.held)) throw new StaleKnowledge();
    work.events.push(...(await this.intake.reopen(sql, locked.values())));
    const positions = new Positions(locked.values());
    const rows = placed.flatMap(({ index, event, id, replyTo, conversation }): NewMessage[] => {
      if (!conversation) return [];
      const author = event.origin === 'remote' ? authorOf(event, work) : undefined;
      return [
        {
          id,
          event: newId<'EventId'>(),
          account: event.account,
          conversation,
          position: units[index]?.position ?? positions.next(conversation, event.at, event.mode),
          ...(author ? { author } : {}),
          origin: event.origin,
          mode: event.mode,
          kind: 'message',
          content: { ...event.content, ...(replyTo ? { replyTo } : {}) },
          at: event.at,
        },
      ];
    });
    const said = placed.flatMap(({ index, event, id, conversation }): ConsentSaid[] => {
      const { consent, origin, mode, at } = event;
      const place = conversation && locked.get(conversation);
      const link = units[index]?.taker;
      if (!consent || origin !== 'remote' || !place || !link) return [];
      return [{ workspace, conversation: place, message: id, consent, mode, at, link }];
    });
    return {
      rows: [
        ...rows,
        ...rooms.map(({ event, conversation }) => roomAct(event, conversation, work, positions)),
      ],
      said,
      positions,
    };
  }

  /** Files that came with messages are carried by them; one that is gone already is not waited for. */
  private async carryFiles(sql: Sql, rows: readonly NewMessage[]): Promise<void> {
    const uses = rows.flatMap(({ id, account, content }) =>
      filesIn(content).map((file) => ({ message: id, account, file })),
    );
    if (uses.length === 0) return;
    const held = await holdFiles(
      sql,
      uses.map(({ file }) => file),
    );
    await useFiles(
      sql,
      uses.filter(({ file }) => held.has(file)),
    );
  }

  private async changeMessages(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const changes = units.flatMap(({ event }, index) =>
      event && isChange(event) && !work.outcomes[index] && !isOldNews(event) ? [{ event, index }] : [],
    );
    if (changes.length === 0) return;
    const bearers = await this.intake.bearers(
      sql,
      changes.map(({ event }) => ({
        account: event.account,
        scope: event.target.scope,
        id: event.target.id,
      })),
    );
    // Whoever takes back the words that told of a change has not taken back what was changed.
    const words = await this.receipts.toldInWords(
      sql,
      [...bearers.values()].flatMap((all) => all.flatMap(({ envelope }) => envelope ?? [])),
    );
    const known = changes.flatMap(({ event }): MessageChange[] => {
      const identity = event.origin === 'remote' ? authorOf(event, work) : undefined;
      if (event.origin === 'remote' && !identity && event.vouched !== true) return [];
      const place = work.places.get(conversationKey(event.account, event.conversation));
      return meantBy(event, bearersOf(bearers, event.account, event.target), identity, place)
        .filter(({ envelope }) => event.type === 'reaction' || !envelope || !words.has(envelope))
        .map(({ message }) => ({
          message,
          type: event.type,
          ...(identity ? { identity } : {}),
          ...(event.vouched === true && event.type !== 'reaction' ? { vouched: true } : {}),
          ...(event.content ? { content: event.content } : {}),
          ...(event.reaction ? { reaction: event.reaction } : {}),
          ...(event.reactions ? { reactions: event.reactions } : {}),
          at: event.at,
        }));
    });
    work.events.push(...(await this.changes.apply(sql, known)));
  }

  private async tellOfRooms(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const facts = each<InboundRoom>(units, work, 'room').flatMap(([, event]) => {
      const conversation = work.places.get(conversationKey(event.account, event.conversation));
      if (!conversation) return [];
      const { joined, topic, name, failure: why } = event;
      return [
        {
          conversation,
          ...(joined === undefined ? {} : { joined }),
          ...(topic === undefined ? {} : { topic }),
          ...(name === undefined ? {} : { title: name }),
          ...(why ? { failure: why } : {}),
        },
      ];
    });
    work.events.push(...(await this.intake.saveRooms(sql, facts)));
    await this.followWishes(sql, units, work);
    const gaps = units.flatMap(({ event }, index) =>
      event?.type === 'gap' && !work.outcomes[index] ? [event] : [],
    );
    await this.intake.saveGaps(
      sql,
      gaps.map(({ account, conversation, from, until, reason }) => {
        const place = conversation === undefined ? undefined : this.knowledge.place(account, conversation);
        return { account, ...(place ? { conversation: place } : {}), from, until, reason };
      }),
    );
  }

  /** What our person read or said on another device. A message that is read is in the tables by now, if it is here. */
  private async readsOf(sql: Sql, units: readonly Unit[], work: Work): Promise<ReadElsewhere[]> {
    const found = units.flatMap(({ event }, index) =>
      event === undefined || work.outcomes[index] ? [] : readIn(event),
    );
    const named = found.flatMap(({ account, upTo }) => (upTo instanceof Date ? [] : [{ account, ...upTo }]));
    const bearers = await this.intake.bearers(sql, named);
    return found.flatMap(({ upTo, ...read }) => {
      const at = upTo instanceof Date ? upTo : onlyBearer(bearersOf(bearers, read.account, upTo))?.at;
      return at === undefined ? [] : [{ ...read, upTo: at }];
    });
  }

  /** What a person has said elsewhere of the rooms they want to be in is wanted here as well; the latest word counts. */
  private async followWishes(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const said = new Map(
      each<InboundRoom>(units, work, 'room').flatMap(([, event]) =>
        event.wanted === undefined
          ? []
          : [[conversationKey(event.account, event.conversation), event] as const],
      ),
    );
    const wishes = [...said.values()].map(({ account, conversation, wanted }) => {
      return { account, address: conversation, options: wanted === false ? undefined : wanted?.options };
    });
    await this.desires.setAll(
      sql,
      'room',
      wishes.flatMap(({ options, ...place }) => (options ? [{ ...place, options }] : [])),
    );
    await this.desires.removeAll(
      sql,
      'room',
      wishes.filter(({ options }) => options === undefined),
    );
  }

  private async keepNotes(sql: Sql, units: readonly Unit[], work: Work): Promise<void> {
    const notes = units.flatMap((unit, index) => {
      const outcome = work.outcomes[index]?.outcome;
      return outcome === 'fenced' || outcome === 'refused' ? [] : unit.notes;
    });
    await this.store.keepNotes(sql, notes);
  }

  /** What is written with the events, where there is anything. */
  private rowsOf(
    messages: readonly NewMessage[],
    answers: readonly NewEnvelope[],
    metered: readonly Alongside[],
  ): Alongside | undefined {
    const all = [
      ...(messages.length > 0 ? [this.intake.messages(messages)] : []),
      ...(answers.length > 0 ? [envelopeRows(answers)] : []),
      ...metered,
    ];
    return all.length > 0 ? beside(...all) : undefined;
  }

  private idOf(unit: Unit): MessageId {
    let id = this.ids.get(unit);
    if (!id) {
      id = newId<'MessageId'>();
      this.ids.set(unit, id);
    }
    return id;
  }
}

/** What others said, and not out of an archive: it is counted. */
function heardIn(units: readonly Unit[], work: Work): Heard[] {
  return [...work.messages].flatMap(([index, { event, id }]): Heard[] => {
    const { account, origin, parts, pricedBy } = event;
    const connector = units[index]?.taker.protocol;
    if (origin !== 'remote' || isPast(event) || connector === undefined) return [];
    return [
      {
        message: id,
        account,
        connector,
        ...(parts === undefined ? {} : { parts }),
        ...(pricedBy === undefined ? {} : { from: pricedBy }),
      },
    ];
  });
}

/** Out of an archive: it tells nothing of how things stand now. */
function isPast(event: NonNullable<Unit['event']>): boolean {
  return 'mode' in event && event.mode === 'history';
}

/** Who an event is from: whoever has the address now, or had it then. */
function authorOf(
  { account, author, mode }: InboundMessage | InboundChange,
  work: Work,
): IdentityId | undefined {
  const then =
    mode === 'history'
      ? work.identities.get(partyKey(account, author.address, author.stableAddress))
      : undefined;
  return then ?? work.identities.get(partyKey(account, author.address));
}

/** The ids of a message, as they are claimed for it. */
function claimsOf(event: InboundMessage): { scope: string; id: string; author: string }[] {
  return idsOf(event).map((id) => ({ scope: id.scope, id: id.id, author: remoteAuthor(id, event) }));
}

/** Whoever bears an id that was given so: an id that a sender chose is never taken for one of the network's. */
function bearersOf(all: ReadonlyMap<string, Bearer[]>, account: AccountId, id: RemoteId): readonly Bearer[] {
  const found = all.get(remoteKey(account, id.scope, id.id)) ?? [];
  return found.filter(({ by }) => by === id.by);
}

/** Of several messages that bear an id nobody knows which is meant. */
function onlyBearer(found: readonly Bearer[]): Bearer | undefined {
  return found.every(({ message }) => message === found[0]?.message) ? found[0] : undefined;
}

/**
 * The messages that a change is about. An id that a sender chose is another sender's too, if they so choose: it finds the
 * latest message of whoever corrects or takes back, and otherwise what alone bears it in the conversation.
 */
function meantBy(
  event: InboundChange,
  found: readonly Bearer[],
  identity: IdentityId | undefined,
  place: ConversationId | undefined,
): readonly Bearer[] {
  if (event.target.by === 'network') return found;
  const here = found.filter(({ conversation }) => conversation === place);
  if (event.type === 'reaction' || event.vouched === true) {
    const only = onlyBearer(here);
    return only ? here : [];
  }
  const theirs = here.filter(({ author }) => author === identity);
  return theirs.filter(({ message }) => message === theirs.at(-1)?.message);
}

type EventOf<T> = Extract<NonNullable<Unit['event']>, { readonly type: T }>;

/** Units of one type that are still open, with their places in the batch. */
function each<E extends NonNullable<Unit['event']>>(
  units: readonly Unit[],
  work: Work,
  type: E['type'],
): [number, E][] {
  return units.flatMap(({ event }, index): [number, E][] =>
    event?.type === type && !work.outcomes[index] ? [[index, event as E]] : [],
  );
}

function open<E extends EventOf<'receipt'>>(units: readonly Unit[], work: Work, type: E['type']): E[] {
  return each<E>(units, work, type).map(([, event]) => event);
}

/** How far an event says that our person has read, having read or said so on another device. */
function readIn(
  event: NonNullable<Unit['event']>,
): { readonly account: AccountId; readonly address: string; readonly upTo: Date | RemoteId }[] {
  if (event.type === 'read') {
    const { account, conversation: address, upTo } = event;
    return upTo instanceof Date && Number.isNaN(upTo.getTime()) ? [] : [{ account, address, upTo }];
  }
  if (event.type !== 'message' || event.origin !== 'other-device' || isPast(event)) return [];
  return [{ account: event.account, address: event.conversation, upTo: event.at }];
}

/** An echo that says all that we reacted with then: by now it may be something else, and we know it. */
function isOldNews({ origin, reactions }: InboundChange): boolean {
  return origin === 'own' && reactions !== undefined;
}

function isChange(event: NonNullable<Unit['event']>): event is InboundChange {
  return event.type === 'edit' || event.type === 'retraction' || event.type === 'reaction';
}

function same(
  known: KnownParty,
  party: { readonly name?: string; readonly stableAddress?: string },
): boolean {
  return (
    (party.name === undefined || party.name === known.name) &&
    (party.stableAddress === undefined || party.stableAddress === known.stableAddress)
  );
}

function roomAct(
  event: InboundRoom,
  conversation: ConversationId,
  work: Work,
  positions: Positions,
): NewMessage {
  const author = event.by ? work.identities.get(partyKey(event.account, event.by.address)) : undefined;
  return {
    id: newId<'MessageId'>(),
    event: newId<'EventId'>(),
    account: event.account,
    conversation,
    position: positions.next(conversation, event.at, 'live'),
    ...(author ? { author } : {}),
    origin: 'remote',
    mode: 'live',
    kind: event.act ?? 'message',
    content: { text: event.detail ?? event.topic ?? '' },
    at: event.at,
  };
}

function createdEvent(message: NewMessage): NewEvent {
  return {
    id: message.event,
    type: 'message.created',
    audience: { kind: 'account', account: message.account },
    subject: message.id,
    data: { message: message.id, conversation: message.conversation },
  };
}
