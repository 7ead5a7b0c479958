/*
 * How sends are accepted. Concurrent requests share a transaction (group commit, one batcher per workspace): idempotency
 * keys, conversations' locks, then one statement that numbers the events and writes messages, envelopes and marks. When it
 * has committed, every request of the batch is answered. A request whose data the tables refuse fails alone.
 */
import { Injectable } from '@nestjs/common';
import type { AccountLink } from '#accounts';
import { beside, EventLog, Signals } from '#bus';
import type { Assessment } from '#connector';
import {
  conversationKey,
  IntakeStore,
  Positions,
  type ConversationAsk,
  type LockedConversation,
  type NewMessage,
} from '#conversations';
import { FileLinks, filesIn, holdFiles, useFiles, type FileUse } from '#files';
import {
  failure,
  newId,
  type AccountId,
  type ConversationId,
  type Failure,
  type FileId,
  type MessageContent,
  type NewEvent,
  type PersonId,
  type WorkspaceId,
} from '#model';
import { Batcher, bisect, Clock, Database, isDataError, type Sql } from '#platform';
import { assess, leavingAt } from './assess.js';
import { Charges } from './charges.js';
import { movedOn } from './envelope.store.js';
import { IdempotencyStore, type Claimed, type IdempotencyKey, type KeptAnswer } from './idempotency.store.js';
import { envelopeRows, type NewEnvelope } from './intake.js';
import { ownMarks } from './marks.js';
import { optedOut, OptOutStore } from './opt-out.store.js';

/** One message to one conversation, gate passed. */
export interface Send {
  readonly to: { readonly conversation: ConversationId } | ConversationAsk;
  /** What speaks for the account, and judges the message. */
  readonly link: AccountLink;
  readonly content: MessageContent;
  readonly scheduleAt?: Date;
  /** The person insists that it leaves now. */
  readonly urgent: boolean;
  /** Why the gate holds it. */
  readonly held?: string;
  /** 0 people, 1 bulk. */
  readonly priority: number;
  readonly why: string;
}

/** One request: all its sends are accepted in one transaction, or refused one by one. */
export interface Ask {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly key?: IdempotencyKey;
  readonly sends: readonly Send[];
}

/** A message and its envelope as they were stored. */
export interface Stored {
  readonly message: NewMessage;
  readonly envelope: NewEnvelope;
  readonly sequence: bigint;
}

export type SendResult = { readonly stored: Stored } | { readonly failure: Failure };

export type Acceptance =
  | { readonly accepted: readonly SendResult[] }
  | Exclude<Claimed, { readonly again: true }>
  /** The tables refused the data. */
  | { readonly refused: Failure };

/** An envelope that nobody could send within a day of its being due expires. */
export const LIFETIME_MS = 86_400_000;

/** The channel on which workers hear that accounts have something due. */
export const DUE_CHANNEL = 'envelopes-due';

type Answer = Acceptance | { readonly again: true };

interface Plan {
  readonly ask: Ask;
  readonly results: SendResult[];
}

@Injectable()
export class Acceptor {
  private readonly batchers = new Map<WorkspaceId, Batcher<Ask, Answer>>();

  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly intake: IntakeStore,
    private readonly keys: IdempotencyStore,
    private readonly optOuts: OptOutStore,
    private readonly charges: Charges,
    private readonly links: FileLinks,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {}

  /** Stores a request's messages. When it resolves with `accepted`, they are committed (DESIGN.md, law 1). */
  async accept(ask: Ask): Promise<Acceptance> {
    for (;;) {
      const answer = await this.batcherOf(ask.workspace).add(ask);
      if (!('again' in answer)) return answer;
    }
  }

  private batcherOf(workspace: WorkspaceId): Batcher<Ask, Answer> {
    let batcher = this.batchers.get(workspace);
    if (!batcher) {
      batcher = new Batcher((asks) => this.acceptAll(workspace, asks), 200);
      this.batchers.set(workspace, batcher);
    }
    return batcher;
  }

  private acceptAll(workspace: WorkspaceId, asks: readonly Ask[]): Promise<readonly Answer[]> {
    return bisect(
      asks,
      (some) => this.commit(workspace, some),
      isDataError,
      () =>
        Promise.resolve({ refused: failure('unsupported', 'The message holds data that cannot be stored.') }),
    );
  }

  private async commit(workspace: WorkspaceId, asks: readonly Ask[]): Promise<readonly Answer[]> {
    const done = await this.database.transaction(async (sql) => {
      const answers = await this.keys.claim(sql, workspace, asks);
      const fresh = asks.filter((_, index) => answers[index] === undefined);
      const { plans, last, accounts } = await this.store(sql, workspace, fresh);
      await this.keys.keep(sql, workspace, plans.map(keptOf));
      return { answers, plans, last, accounts };
    });
    if (done.last !== undefined) {
      this.events.committed(workspace, done.last);
      this.signals.publish(DUE_CHANNEL, { accounts: [...done.accounts] });
    }
    const plans = new Map(done.plans.map((plan) => [plan.ask, plan]));
    return asks.map((ask, index) => done.answers[index] ?? { accepted: plans.get(ask)?.results ?? [] });
  }

  private async store(sql: Sql, workspace: WorkspaceId, asks: readonly Ask[]) {
    const sends = asks.flatMap((ask) => ask.sends);
    const places = sends.flatMap(({ to }) => ('conversation' in to ? [] : [to]));
    const { found, events: made } = await this.intake.resolve(sql, workspace, places);
    const idOf = (send: Send): ConversationId | undefined =>
      'conversation' in send.to
        ? send.to.conversation
        : found.get(conversationKey(send.to.account, send.to.address));
    const locked = await this.intake.lock(
      sql,
      sends.flatMap((send) => idOf(send) ?? []),
    );
    const files = await holdFiles(
      sql,
      sends.flatMap(({ content }) => filesIn(content)),
    );
    made.push(...(await this.intake.reopen(sql, locked.values())));
    const silenced = await this.optOuts.among(sql, locked.keys());
    const positions = new Positions(locked.values());
    const now = new Date(this.clock.now());
    const wanted: { plan: Plan; at: number; message: NewMessage; envelope: NewEnvelope }[] = [];
    const plans = asks.map((ask): Plan => {
      const plan: Plan = { ask, results: [] };
      for (const [at, send] of ask.sends.entries()) {
        const conversation = locked.get(idOf(send) ?? ('' as ConversationId));
        const wrong = whyNot(conversation, silenced) ?? (hasAll(send, files) ? undefined : fileGone);
        if (wrong || !conversation) {
          plan.results[at] = { failure: wrong ?? failure('not-found') };
          continue;
        }
        const { address: to, kind } = conversation;
        const { content, scheduleAt } = send;
        const assessment = assess(send.link, { to, kind, content, at: scheduleAt ?? now });
        if (assessment?.failure) {
          plan.results[at] = { failure: assessment.failure };
          continue;
        }
        wanted.push({ plan, at, ...rowsOf(ask, send, conversation, assessment, positions, now) });
      }
      return plan;
    });
    const till = await this.charges.open(
      sql,
      workspace,
      wanted.map(({ envelope }) => envelope),
    );
    const stored = wanted.flatMap((want) => {
      const taken = this.charges.take(till, want.envelope);
      if (!('failure' in taken)) return [{ ...want, envelope: taken }];
      want.plan.results[want.at] = taken;
      return [];
    });
    const messages = stored.map(({ message }) => message);
    const envelopes = stored.map(({ envelope }) => envelope);
    await useFiles(
      sql,
      stored.flatMap(({ message, envelope }) => this.usesOf(message, envelope)),
    );
    const events = [...made, ...messages.map(createdEvent)];
    if (events.length === 0) return { plans, last: undefined, accounts: new Set<AccountId>() };
    const metered = till.alongside();
    const rows = [this.intake.messages(messages), envelopeRows(envelopes), ownMarks(messages)];
    const { first, last } = await this.events.append(
      sql,
      workspace,
      events,
      beside(...rows, ...(metered ? [metered] : [])),
    );
    for (const [index, { plan, at, message, envelope }] of stored.entries()) {
      plan.results[at] = { stored: { message, envelope, sequence: first + BigInt(made.length + index) } };
    }
    return { plans, last, accounts: new Set(envelopes.map(({ account }) => account)) };
  }

  /** Each file that a message carries, with a link for its recipient. */
  private usesOf(message: NewMessage, envelope: NewEnvelope): FileUse[] {
    return filesIn(message.content).map((file) => ({
      message: message.id,
      account: message.account,
      file,
      link: this.links.make(message.id, file, envelope.dueAt),
    }));
  }
}

const fileGone = failure('not-found', 'There is no such file any more.');

function hasAll({ content }: Send, files: ReadonlySet<FileId>): boolean {
  return filesIn(content).every((file) => files.has(file));
}

function whyNot(
  conversation: LockedConversation | undefined,
  silenced: ReadonlySet<ConversationId>,
): Failure | undefined {
  if (!conversation) return failure('not-found', 'There is no such conversation any more.');
  if (!conversation.held) return movedOn;
  return silenced.has(conversation.id) ? optedOut : undefined;
}

function rowsOf(
  ask: Ask,
  send: Send,
  conversation: LockedConversation,
  assessment: Assessment | undefined,
  positions: Positions,
  now: Date,
): { message: NewMessage; envelope: NewEnvelope } {
  const message: NewMessage = {
    id: newId<'MessageId'>(now.getTime()),
    event: newId<'EventId'>(now.getTime()),
    account: conversation.account,
    conversation: conversation.id,
    position: positions.next(conversation.id, now, 'live'),
    person: ask.person,
    origin: 'own',
    mode: 'live',
    kind: 'message',
    content: send.content,
    at: now,
  };
  const { scheduleAt, why } = leavingAt(send.scheduleAt, now, assessment, send.urgent);
  const waits = send.held !== undefined ? 'gate' : scheduleAt ? 'schedule' : undefined;
  const detail = send.held ?? why;
  const dueAt = scheduleAt ?? now;
  const envelope: NewEnvelope = {
    id: newId<'EnvelopeId'>(now.getTime()),
    workspace: ask.workspace,
    account: conversation.account,
    conversation: conversation.id,
    message: message.id,
    kind: 'message',
    connector: send.link.protocol,
    ...(waits ? { waitsFor: waits } : {}),
    ...(detail === undefined ? {} : { detail }),
    priority: send.priority,
    dueAt,
    expiresAt: new Date(dueAt.getTime() + LIFETIME_MS),
    route: {
      account: conversation.account,
      address: conversation.address,
      why: send.why,
      ...(send.urgent ? { urgent: true } : {}),
    },
    ...(assessment ? { assessment } : {}),
    person: ask.person,
    orderedBy: message.id,
  };
  return { message, envelope };
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

function keptOf({ ask, results }: Plan): { ask: Ask; answer: KeptAnswer } {
  return {
    ask,
    answer: {
      results: results.map((result) =>
        'stored' in result
          ? { message: result.stored.message.id, envelope: result.stored.envelope.id }
          : { failure: result.failure },
      ),
    },
  };
}
