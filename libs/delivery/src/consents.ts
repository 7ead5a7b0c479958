import { Injectable } from '@nestjs/common';
import type { AccountLink } from '#accounts';
import type { Consent } from '#connector';
import { conversationKey, type LockedConversation, type NewMessage, type Positions } from '#conversations';
import {
  newId,
  type ConversationId,
  type MessageId,
  type Mode,
  type NewEvent,
  type WorkspaceId,
} from '#model';
import { Clock, type Sql } from '#platform';
import { LIFETIME_MS } from './accept.js';
import { assess } from './assess.js';
import type { NewEnvelope } from './intake.js';
import { optedOut, OptOutStore, type OptOutRow } from './opt-out.store.js';
import type { EnvelopeNews } from './settle.js';

/** A message, about to be stored, in which somebody says whether they want to be written to. */
export interface ConsentSaid {
  readonly workspace: WorkspaceId;
  /** Locked. */
  readonly conversation: LockedConversation;
  readonly message: MessageId;
  readonly consent: Consent;
  readonly mode: Mode;
  readonly at: Date;
  readonly link: Pick<AccountLink, 'connector' | 'protocol' | 'settings'>;
}

/** What follows of it, for the transaction that stores it. */
export interface Obeyed {
  /** What waited to go to them and does not any more. */
  readonly news: readonly EnvelopeNews[];
  readonly events: readonly NewEvent[];
  /** What they are answered. */
  readonly messages: readonly NewMessage[];
  readonly envelopes: readonly NewEnvelope[];
}

/**
 * Obeys who asks not to be written to, or to be written to again. What is out of an archive counts where nothing later is
 * known, and is never answered; what changes nothing is not answered either, but for a call for help.
 */
@Injectable()
export class Consents {
  constructor(
    private readonly store: OptOutStore,
    private readonly clock: Clock,
  ) {}

  /** @param said in the order in which it was said */
  async obey(sql: Sql, said: readonly ConsentSaid[], positions: Positions): Promise<Obeyed> {
    if (said.length === 0) return { news: [], events: [], messages: [], envelopes: [] };
    const standing = await this.store.said(
      sql,
      said.map(({ conversation: { account, address } }) => ({ account, address })),
    );
    const changed = new Map<string, OptOutRow>();
    const silenced = new Set<ConversationId>();
    const asked: ConsentSaid[] = [];
    for (const one of said) {
      const { act, answer } = one.consent;
      const changes = act !== 'help' && this.changes(one, standing);
      if (changes) {
        const { account, address, id } = one.conversation;
        const row = { account, address, optedOut: act === 'out', message: one.message, at: one.at };
        standing.set(conversationKey(account, address), row);
        changed.set(conversationKey(account, address), row);
        if (row.optedOut) silenced.add(id);
      }
      if (answer !== undefined && one.mode !== 'history' && (changes || act === 'help')) asked.push(one);
    }
    const events = await this.store.save(sql, [...changed.values()]);
    const waiting = await this.store.waiting(sql, [...silenced]);
    return {
      news: waiting.map((envelope) => ({ envelope, whole: { state: 'failed', failure: optedOut } })),
      events,
      ...(await this.answers(sql, asked, positions)),
    };
  }

  private changes(
    { conversation, consent, mode, at }: ConsentSaid,
    standing: ReadonlyMap<string, OptOutRow>,
  ) {
    const before = standing.get(conversationKey(conversation.account, conversation.address));
    if (!before) return true;
    if (mode === 'history' && before.at >= at) return false;
    return before.optedOut !== (consent.act === 'out');
  }

  private async answers(sql: Sql, asked: readonly ConsentSaid[], positions: Positions) {
    const wanted = new Map<ConversationId, number>();
    for (const { conversation } of asked) wanted.set(conversation.id, (wanted.get(conversation.id) ?? 0) + 1);
    const granted = await this.store.grantAnswers(sql, wanted);
    const messages: NewMessage[] = [];
    const envelopes: NewEnvelope[] = [];
    for (const one of asked) {
      const left = granted.get(one.conversation.id) ?? 0;
      if (left <= 0) continue;
      granted.set(one.conversation.id, left - 1);
      const pair = this.answer(one, positions);
      if (!pair) continue;
      messages.push(pair.message);
      envelopes.push(pair.envelope);
    }
    return { messages, envelopes };
  }

  /** The answer as a message of the account's own; undefined where nothing may go there at all. */
  private answer({ workspace, conversation, consent, link }: ConsentSaid, positions: Positions) {
    const now = new Date(this.clock.now());
    const { id, account, address, kind } = conversation;
    const content = { text: consent.answer ?? '', notice: true };
    const assessment = assess(link, { to: address, kind, content, at: now });
    if (assessment?.failure) return undefined;
    const message: NewMessage = {
      id: newId<'MessageId'>(now.getTime()),
      event: newId<'EventId'>(now.getTime()),
      account,
      conversation: id,
      position: positions.next(id, now, 'live'),
      origin: 'own',
      mode: 'live',
      kind: 'message',
      content,
      at: now,
    };
    const envelope: NewEnvelope = {
      id: newId<'EnvelopeId'>(now.getTime()),
      workspace,
      account,
      conversation: id,
      message: message.id,
      kind: 'message',
      connector: link.protocol,
      priority: 0,
      dueAt: now,
      expiresAt: new Date(now.getTime() + LIFETIME_MS),
      route: { account, address, why: whyOf[consent.act], urgent: true, consent: true },
      ...(assessment ? { assessment } : {}),
      orderedBy: message.id,
    };
    return { message, envelope };
  }
}

const whyOf: Record<Consent['act'], string> = {
  out: 'They asked not to be written to any more; the law has them told that it is so.',
  in: 'They asked to be written to again; the law has them told that it is so.',
  help: 'They asked what this is; the law has them told.',
};
