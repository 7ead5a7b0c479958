import { describe, expect, it } from '@jest/globals';
import {
  brand,
  isOver,
  type Id,
  type AccountId,
  type CallId,
  type CallState,
  ConversationId,
  EnvelopeId,
  EventType,
  IdentityId,
  MessageId,
} from '#model';
import fc from 'fast-check';
import { encodePosition } from './order.js';
import type { Account } from './shapes/accounts.js';
import type { Call } from './shapes/calls.js';
import type { Conversation, Identity, Mark, MyConversation } from './shapes/conversations.js';
import { Event, EventFrame, Snapshot } from './shapes/events.js';
import type { Envelope, Message } from './shapes/messages.js';
import { apply, countsAsUnread, inboxOf, stateOf, type InboxState } from './state.js';

const when = '2026-01-01T00:00:00.000Z';
const idOf = <K extends string>(kind: number, n: number): Id<K> =>
  brand(`0190f0a0-000${String(kind)}-7000-8000-${n.toString(16).padStart(12, '0')}`);
const cursorOf = (sequence: number): string => `a${sequence.toString(36)}`;
const person = idOf<'PersonId'>(0, 1);

interface Fact {
  readonly type: EventType;
  readonly subject: string;
}

interface StoredMark {
  readSequence: number;
  draft: string | null;
  version: number;
}

/**
 * A server that is nothing but a log and tables: what it is asked for is rendered as things are at that moment, which
 * is what makes the law hard. Accounts, rooms and people are few, so that changes meet.
 */
class Tables {
  readonly log: Fact[] = [];
  readonly accounts = new Map<AccountId, Account>();
  readonly identities = new Map<IdentityId, Identity>();
  readonly conversations = new Map<ConversationId, Omit<Conversation, 'peer'> & { peer: IdentityId }>();
  readonly marks = new Map<ConversationId, StoredMark>();
  readonly messages = new Map<
    MessageId,
    Omit<Message, 'author' | 'envelopes'> & { author: IdentityId | null; sequence: number }
  >();
  readonly envelopes = new Map<EnvelopeId, Envelope>();
  readonly hidden = new Set<MessageId>();
  readonly calls = new Map<CallId, Omit<Call, 'peer'> & { peer: IdentityId }>();

  /** A place that was emptied is filled by somebody new: ids never come again. */
  readonly #removed = new Map<string, number>();
  #generation(place: string): number {
    return (this.#removed.get(place) ?? 0) * 1_000;
  }
  #empty(place: string): void {
    this.#removed.set(place, (this.#removed.get(place) ?? 0) + 1);
  }
  #accountAt(n: number): AccountId {
    return idOf(1, n + this.#generation(`account ${String(n)}`));
  }
  #conversationAt(n: number, account: number): ConversationId {
    return idOf(
      3,
      this.#within(n, account) + this.#generation(`conversation ${String(n)} ${String(account)}`) * 1_000,
    );
  }
  #identityAt(n: number, account: number): IdentityId {
    return idOf(2, this.#within(n, account));
  }
  #within(n: number, account: number): number {
    return n * 10 + account + this.#generation(`account ${String(account)}`);
  }

  #tell(type: EventType, subject: string): number {
    return this.log.push({ type, subject });
  }

  account(n: number): void {
    const id = this.#accountAt(n);
    const version = (this.accounts.get(id)?.version ?? 0) + 1;
    this.accounts.set(id, { id, label: `account ${String(version)}`, version } as Account);
    this.#tell(version % 2 ? 'account.changed' : 'session.changed', id);
  }

  removeAccount(n: number): void {
    const id = this.#accountAt(n);
    if (!this.accounts.delete(id)) return;
    for (const conversation of this.conversations.values()) {
      if (conversation.account === id) this.#forget(conversation.id);
    }
    for (const identity of this.identities.values())
      if (identity.account === id) this.identities.delete(identity.id);
    for (const call of this.calls.values()) if (call.account === id) this.calls.delete(call.id);
    this.#empty(`account ${String(n)}`);
    this.#tell('account.removed', id);
  }

  identity(n: number, account: number): void {
    const id = this.#identityAt(n, account);
    if (!this.accounts.has(this.#accountAt(account))) return;
    const version = (this.identities.get(id)?.version ?? 0) + 1;
    this.identities.set(id, {
      id,
      account: this.#accountAt(account),
      name: `name ${String(version)}`,
      avatar: null,
      addresses: [{ address: `nick${String(version)}`, kind: 'transient' }],
      presence: { presence: 'unknown' },
      version,
    });
    this.#tell('identity.changed', id);
  }

  conversation(n: number, account: number): void {
    const id = this.#conversationAt(n, account);
    const peer = this.#identityAt(n, account);
    if (!this.accounts.has(this.#accountAt(account))) return;
    if (!this.identities.has(peer)) this.identity(n, account);
    const version = (this.conversations.get(id)?.version ?? 0) + 1;
    const topic = `topic ${String(version)}`;
    this.conversations.set(id, { id, account: this.#accountAt(account), peer, topic, version } as never);
    this.#tell('conversation.changed', id);
  }

  removeConversation(n: number, account: number): void {
    const id = this.#conversationAt(n, account);
    if (!this.conversations.has(id)) return;
    this.#forget(id);
    this.#empty(`conversation ${String(n)} ${String(account)}`);
    this.#tell('conversation.removed', id);
  }

  message(n: number, account: number, how: number): void {
    const conversation = this.#conversationAt(n, account);
    if (!this.conversations.has(conversation)) return;
    const sequence = this.log.length + 1;
    const id = idOf<'MessageId'>(4, sequence);
    const own = how % 3 === 0;
    const history = !own && how % 5 === 0;
    this.messages.set(id, {
      id,
      sequence,
      conversation,
      cursor: cursorOf(sequence),
      // Some come late: from a network's archive, or with an older time.
      position: encodePosition(BigInt(history ? how : 1_000 + sequence), BigInt(sequence)),
      author: own ? null : this.#identityAt(n, account),
      person: own ? person : null,
      origin: own ? 'own' : 'remote',
      mode: history ? 'history' : 'live',
      kind: 'message',
      text: 'hello',
      version: 1,
    } as never);
    this.#tell('message.created', id);
    if (!own) return;
    // Whoever answers has read: in the same statement, without an event.
    const mark = this.#mark(conversation);
    this.marks.set(conversation, { ...mark, readSequence: sequence, version: mark.version + 1 });
    this.envelope(id);
  }

  changeMessage(which: number): void {
    const message = [...this.messages.values()].at(-1 - (which % 3));
    if (!message) return;
    this.messages.set(message.id, { ...message, text: `${message.text}!`, version: message.version + 1 });
    this.#tell(
      (['message.changed', 'reaction.changed', 'message.erased'] as const)[which % 3] ?? 'message.changed',
      message.id,
    );
  }

  envelope(message: MessageId): void {
    const about = this.messages.get(message);
    if (!about) return;
    const id = idOf<'EnvelopeId'>(5, this.envelopes.size + 1);
    this.envelopes.set(id, {
      id,
      kind: 'message',
      state: 'accepted',
      waitsFor: null,
      failure: null,
      message,
      conversation: about.conversation,
      version: 1,
    } as never);
    this.#tell('envelope.changed', id);
  }

  changeEnvelope(which: number): void {
    const envelope = [...this.envelopes.values()].at(-1 - (which % 3));
    if (!envelope || !this.messages.has(envelope.message)) return;
    const state = (['sending', 'sent', 'failed'] as const)[which % 3] ?? 'sent';
    this.envelopes.set(envelope.id, { ...envelope, state, version: envelope.version + 1 });
    this.#tell('envelope.changed', envelope.id);
  }

  hide(which: number): void {
    const message = [...this.messages.values()].at(-1 - (which % 4));
    if (!message || this.hidden.has(message.id)) return;
    this.hidden.add(message.id);
    const mark = this.#mark(message.conversation);
    this.marks.set(message.conversation, { ...mark, version: mark.version + 1 });
    this.#tell('message.erased', `hidden ${message.id}`);
    this.#tell('read.changed', message.conversation);
  }

  resend(which: number): void {
    const message = [...this.messages.values()].at(-1 - (which % 3));
    if (message) this.envelope(message.id);
  }

  read(n: number, account: number): void {
    const id = this.#conversationAt(n, account);
    if (!this.conversations.has(id)) return;
    const mark = this.#mark(id);
    this.marks.set(id, { ...mark, readSequence: this.log.length, version: mark.version + 1 });
    this.#tell('read.changed', id);
  }

  draft(n: number, account: number): void {
    const id = this.#conversationAt(n, account);
    if (!this.conversations.has(id)) return;
    const mark = this.#mark(id);
    this.marks.set(id, { ...mark, draft: `draft ${String(mark.version)}`, version: mark.version + 1 });
    this.#tell('draft.changed', id);
  }

  ring(n: number, account: number): void {
    const peer = this.#identityAt(n, account);
    if (!this.identities.has(peer)) return;
    const id = idOf<'CallId'>(7, this.log.length + 1);
    this.calls.set(id, {
      id,
      account: this.#accountAt(account),
      peer,
      state: 'ringing',
      version: 1,
    } as never);
    this.#tell('call.changed', id);
  }

  changeCall(which: number): void {
    const call = [...this.calls.values()].at(-1 - (which % 3));
    if (!call || isOver(call.state)) return;
    const state: CallState = which % 2 && call.state === 'ringing' ? 'answered' : 'ended';
    this.calls.set(call.id, { ...call, state, version: call.version + 1 });
    this.#tell('call.changed', call.id);
  }

  #showCall(id: CallId): Call | undefined {
    const call = this.calls.get(id);
    if (!call) return undefined;
    const { id: identity, name, addresses, version } = this.identities.get(call.peer) as Identity;
    return { ...call, peer: { identity, name, address: addresses[0]?.address ?? '', version } };
  }

  #mark(id: ConversationId): StoredMark {
    return this.marks.get(id) ?? { readSequence: 0, draft: null, version: 0 };
  }

  #forget(id: ConversationId): void {
    this.conversations.delete(id);
    this.marks.delete(id);
    for (const message of this.messages.values()) {
      if (message.conversation === id) this.messages.delete(message.id);
    }
  }

  #showMessage(id: MessageId): Message | undefined {
    const stored = this.messages.get(id);
    if (!stored || this.hidden.has(id)) return undefined;
    const { author, sequence, ...message } = stored;
    const identity = author && this.identities.get(author);
    expect(message.cursor).toBe(cursorOf(sequence));
    return {
      ...message,
      author: identity
        ? {
            identity: identity.id,
            name: identity.name,
            address: identity.addresses[0]?.address ?? '',
            version: identity.version,
          }
        : null,
      envelopes: [...this.envelopes.values()]
        .filter((envelope) => envelope.message === id)
        .map(({ id: envelope, kind, state, waitsFor, failure, version }) => ({
          id: envelope,
          kind,
          state,
          waitsFor,
          failure,
          version,
        })),
    };
  }

  #showConversation(id: ConversationId): Conversation | undefined {
    const conversation = this.conversations.get(id);
    return conversation && { ...conversation, peer: this.identities.get(conversation.peer) ?? null };
  }

  #showMark(id: ConversationId): Mark | undefined {
    if (!this.conversations.has(id)) return undefined;
    const mark = this.#mark(id);
    const live = [...this.messages.values()].filter((m) => m.conversation === id && m.mode !== 'history');
    const last = live.at(-1);
    return {
      conversation: id,
      readMark: mark.readSequence === 0 ? null : cursorOf(mark.readSequence),
      unread: live.filter(
        (m) => m.sequence > mark.readSequence && countsAsUnread(m) && !this.hidden.has(m.id),
      ).length,
      countedTo: last ? last.cursor : null,
      draft: mark.draft,
      muted: false,
      pinned: false,
      version: mark.version,
    };
  }

  #showLast(id: ConversationId): Message | undefined {
    const last = [...this.messages.values()]
      .filter((message) => message.conversation === id && !this.hidden.has(message.id))
      .sort((a, b) => (a.position < b.position ? 1 : -1))[0];
    return last && this.#showMessage(last.id);
  }

  /** The conversations of one page, as they are now. Pages are cut by id: an order that changes meanwhile would lose some. */
  showAll(
    accounts: boolean,
    which: (id: string) => boolean = () => true,
  ): Pick<Snapshot, 'accounts' | 'conversations' | 'calls'> {
    const ids = [...this.conversations.keys()].sort().filter(which);
    return {
      accounts: accounts ? [...this.accounts.values()].sort((a, b) => (a.id < b.id ? -1 : 1)) : [],
      conversations: ids.map((id): MyConversation => {
        const [conversation, mine] = [this.#showConversation(id), this.#showMark(id)];
        if (!conversation || !mine) throw new Error('a conversation went while it was read');
        return { ...conversation, mine, lastMessage: this.#showLast(id) ?? null };
      }),
      calls: [...(accounts ? this.calls.keys() : [])]
        .sort()
        .flatMap((id) => this.#showCall(id) ?? [])
        .filter(({ state }) => !isOver(state)),
    };
  }

  readonly #shown = new Map<number, EventFrame>();

  /** Another reader is given everything at once: what was rendered for it is given to later readers too. */
  showEarly(every: number): void {
    for (let at = 1; at <= this.log.length; at++) {
      if (at % every === 0 && !this.#shown.has(at)) this.#shown.set(at, this.#render(at, at - 1));
    }
  }

  show(sequence: number, prev: number): EventFrame {
    return this.#shown.get(sequence) ?? this.#render(sequence, prev);
  }

  /** One event as it is rendered now. */
  #render(sequence: number, prev: number): EventFrame {
    const { type, subject } = this.log[sequence - 1] ?? { type: 'job.changed', subject: '' };
    const [, hidden] = /^hidden (.*)/.exec(subject) ?? [];
    const conversation = this.messages.get(hidden as MessageId)?.conversation;
    const data = Object.fromEntries(
      Object.entries({
        hidden,
        account: this.accounts.get(subject as AccountId),
        identity: this.identities.get(subject as IdentityId),
        ...(type === 'read.changed' || type === 'draft.changed'
          ? { mark: this.#showMark(subject as ConversationId) }
          : { conversation: this.#showConversation(subject as ConversationId) }),
        message: conversation ? this.#showLast(conversation) : this.#showMessage(subject as MessageId),
        envelope: this.envelopes.get(subject as EnvelopeId),
        call: this.#showCall(subject as CallId),
      }).filter(([, entity]) => entity !== undefined),
    );
    const event = { id: idOf(6, sequence), type, at: when, subject, data } as Event;
    return { cursor: cursorOf(sequence), prev: cursorOf(prev), event };
  }
}

/** The version of everything that an inbox shows. */
function versionsOf(state: InboxState): Map<string, number> {
  const shown = inboxOf(state);
  const entities: { readonly id: string; readonly version: number }[] = [...shown.accounts, ...shown.calls];
  for (const { mine, peer, lastMessage, ...conversation } of shown.conversations) {
    entities.push(conversation, { id: `mark of ${mine.conversation}`, version: mine.version });
    if (peer) entities.push(peer);
    if (lastMessage) entities.push(lastMessage, ...lastMessage.envelopes);
    if (lastMessage?.author) {
      entities.push({ id: `author of ${lastMessage.id}`, version: lastMessage.author.version });
    }
  }
  return new Map(entities.map(({ id, version }) => [id, version]));
}

/** An own message moves its mark without an event, so the mark's version is not known then: what it says is. */
function comparable({
  accounts,
  conversations,
  calls,
}: Pick<Snapshot, 'accounts' | 'conversations' | 'calls'>) {
  return {
    accounts,
    calls,
    conversations: conversations.map((one) => ({ ...one, mine: { ...one.mine, version: 0 } })),
  };
}

/** What shows an older version than before. */
function wentBack(before: InboxState, after: InboxState): string[] {
  const now = versionsOf(after);
  return [...versionsOf(before)]
    .filter(([id, version]) => (now.get(id) ?? version) < version)
    .map(([id]) => id);
}

const few = fc.nat({ max: 2 });
const acts = fc.oneof(
  few.map((n) => (tables: Tables) => {
    tables.account(n);
  }),
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.identity(n, a);
  }),
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.conversation(n, a);
  }),
  {
    weight: 4,
    arbitrary: fc.tuple(few, few, fc.nat({ max: 30 })).map(([n, a, how]) => (tables: Tables) => {
      tables.message(n, a, how);
    }),
  },
  {
    weight: 2,
    arbitrary: fc.nat({ max: 8 }).map((n) => (tables: Tables) => {
      tables.changeMessage(n);
    }),
  },
  {
    weight: 2,
    arbitrary: fc.nat({ max: 8 }).map((n) => (tables: Tables) => {
      tables.changeEnvelope(n);
    }),
  },
  few.map((n) => (tables: Tables) => {
    tables.resend(n);
  }),
  few.map((n) => (tables: Tables) => {
    tables.hide(n);
  }),
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.ring(n, a);
  }),
  {
    weight: 2,
    arbitrary: fc.nat({ max: 8 }).map((n) => (tables: Tables) => {
      tables.changeCall(n);
    }),
  },
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.read(n, a);
  }),
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.draft(n, a);
  }),
  fc.tuple(few, few).map(([n, a]) => (tables: Tables) => {
    tables.removeConversation(n, a);
  }),
  few.map((n) => (tables: Tables) => {
    tables.removeAccount(n);
  }),
);
const stretch = fc.array(acts, { maxLength: 40 });

function begin(): Tables {
  const tables = new Tables();
  for (const account of [0, 1]) {
    tables.account(account);
    for (const n of [0, 1]) tables.conversation(n, account);
  }
  return tables;
}

describe('the apply law', () => {
  it('a snapshot with the events since then applied is a fresh snapshot, and nothing goes back on the way', () => {
    fc.assert(
      fc.property(
        stretch,
        stretch,
        stretch,
        stretch,
        fc.infiniteStream(few),
        fc.integer({ min: 1, max: 4 }),
        (before, between, during, after, pace, every) => {
          const tables = begin();
          const run = (act: (tables: Tables) => void): void => {
            act(tables);
            tables.showEarly(every);
          };
          before.forEach(run);
          const cursor = tables.log.length;
          const border = idOf<'ConversationId'>(3, 10);
          // The cursor is read first; every page later than the one before it.
          between.forEach(run);
          const first = {
            cursor: cursorOf(cursor),
            person,
            ...tables.showAll(true, (id) => id < border),
          } as Snapshot;
          during.forEach(run);
          const second = {
            cursor: cursorOf(cursor),
            person,
            ...tables.showAll(false, (id) => id >= border),
          } as Snapshot;
          let state = stateOf([first, second]);

          // A reader that lags: it is given events some acts after they happened, rendered as things are by then.
          let given = cursor;
          const catchUp = (lag: number): void => {
            while (given < tables.log.length - lag) {
              const next = apply(state, [tables.show(++given, given - 1)]);
              expect(wentBack(state, next)).toEqual([]);
              state = next;
            }
          };
          for (const act of after) {
            run(act);
            catchUp(Number(pace.next().value));
          }
          catchUp(0);

          expect(comparable(inboxOf(state))).toEqual(comparable(tables.showAll(true)));
          expect(state.cursor).toBe(cursorOf(tables.log.length));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('taking the same events in twice changes nothing', () => {
    fc.assert(
      fc.property(stretch, (before) => {
        const tables = begin();
        const state = stateOf([{ cursor: cursorOf(0), person, ...tables.showAll(true) }]);
        for (const act of before) act(tables);
        const frames = tables.log.map((_, at) => tables.show(at + 1, at));
        const once = apply(state, frames);
        expect(apply(once, frames)).toEqual(once);
        expect(apply({ ...once, cursor: cursorOf(0) }, frames)).toEqual(once);
      }),
    );
  });

  it('leaves the state that it was given as it was', () => {
    const tables = begin();
    const state = stateOf([{ cursor: cursorOf(0), person, ...tables.showAll(true) }]);
    const was = structuredClone(inboxOf(state));
    tables.message(0, 0, 1);
    tables.removeAccount(1);
    const later = apply(
      state,
      tables.log.map((_, at) => tables.show(at + 1, at)),
    );
    expect(inboxOf(state)).toEqual(was);
    expect(inboxOf(later)).not.toEqual(was);
    expect(apply(state, [])).toBe(state);
  });

  it('gives a new conversation an empty mark, and counts from there', () => {
    const tables = new Tables();
    tables.account(0);
    const state = stateOf([{ cursor: cursorOf(1), person, ...tables.showAll(true) }]);
    tables.conversation(0, 0);
    tables.message(0, 0, 1);
    tables.message(0, 0, 10);
    const frames = [2, 3, 4, 5].map((sequence) => tables.show(sequence, sequence - 1));
    expect(inboxOf(apply(state, frames)).conversations[0]?.mine).toMatchObject({
      unread: 1,
      countedTo: cursorOf(4),
    });
  });
});

describe('what counts as unread', () => {
  const said = { origin: 'remote', mode: 'live', kind: 'message' } as const;
  it('is what others say, live or while we were away', () => {
    expect(countsAsUnread(said)).toBe(true);
    expect(countsAsUnread({ ...said, mode: 'catch-up' })).toBe(true);
  });
  it('is not history, nor our own, nor what a room tells of itself', () => {
    expect(countsAsUnread({ ...said, mode: 'history' })).toBe(false);
    expect(countsAsUnread({ ...said, origin: 'own' })).toBe(false);
    expect(countsAsUnread({ ...said, origin: 'other-device' })).toBe(false);
    expect(countsAsUnread({ ...said, kind: 'topic' })).toBe(false);
  });
});
