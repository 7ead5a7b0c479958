import { Injectable } from '@nestjs/common';
import { Access, AccountLinks, type Principal } from '#accounts';
import type { EditMessageBody, Message } from '#api';
import { EventLog, Signals } from '#bus';
import type { Assessment } from '#connector';
import { ChangeStore, History, IntakeStore, type MessageChange } from '#conversations';
import {
  levelOf,
  newId,
  type Capabilities,
  type CapabilityName,
  type EnvelopeKind,
  type MessageContent,
  type MessageId,
} from '#model';
import { Clock, Database, Problem } from '#platform';
import { DUE_CHANNEL, LIFETIME_MS } from './accept.js';
import { assess, leavingAt } from './assess.js';
import { Charges } from './charges.js';
import { Dispatcher } from './dispatcher.js';
import { EnvelopeStore, type EnvelopeChange } from './envelope.store.js';
import { envelopeRows, type NewEnvelope } from './intake.js';
import { optedOut, OptOutStore } from './opt-out.store.js';
import { refused } from './refusal.js';
import { Settler } from './settler.js';

type Act = Exclude<EnvelopeKind, 'message'>;

/** What is done to which message, and how that is told. */
interface About {
  readonly message: Message;
  readonly act: Act;
  readonly change: EnvelopeChange;
  readonly address: string;
  readonly connector: string;
}

const capabilityOf: Record<Act, CapabilityName> = {
  edit: 'edits',
  retraction: 'retractions',
  reaction: 'reactions',
};

/**
 * Corrections, retractions and reactions. Each is an envelope behind its target: a target that still waits is changed or
 * withdrawn in place, one in flight is awaited, a failed one refuses them. What the network cannot carry goes as its
 * declared fallback (DESIGN.md, law 7), or is refused before anything happens.
 */
@Injectable()
export class Changes {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: EnvelopeStore,
    private readonly changes: ChangeStore,
    private readonly intake: IntakeStore,
    private readonly settler: Settler,
    private readonly dispatcher: Dispatcher,
    private readonly history: History,
    private readonly access: Access,
    private readonly links: AccountLinks,
    private readonly optOuts: OptOutStore,
    private readonly charges: Charges,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem 404, 409 */
  async edit(caller: Principal, id: MessageId, body: EditMessageBody): Promise<Message> {
    const message = await this.ours(caller, id);
    const { emote, attachments } = message;
    const content: MessageContent = {
      text: body.text,
      spans: body.spans ?? [],
      emote,
      // What went along still does.
      ...(attachments.length > 0 ? { attachments } : {}),
    };
    const mark = '* ';
    const spans = (body.spans ?? []).map((span) => ({
      ...span,
      start: span.start + mark.length,
      end: span.end + mark.length,
    }));
    const fallback = { content: { text: mark + body.text, spans } };
    return await this.change(caller, message, 'edit', { content }, fallback, body.urgent);
  }

  /** @throws Problem 404, 409 `unsupported` where the network cannot take back */
  async retract(caller: Principal, id: MessageId): Promise<Message> {
    return await this.change(caller, await this.ours(caller, id), 'retraction', {}, undefined);
  }

  /** @throws Problem 404, 409 */
  async react(caller: Principal, id: MessageId, emoji: string, removed: boolean): Promise<Message> {
    const message = await this.history.get(caller, id);
    const quote = message.text.length > 40 ? `${message.text.slice(0, 40).toWellFormed()}…` : message.text;
    const line = { content: { text: `reacted with ${emoji} to “${quote}”`, emote: true } };
    return await this.change(
      caller,
      message,
      'reaction',
      { reaction: { emoji, removed } },
      removed ? undefined : line,
    );
  }

  private async ours(caller: Principal, id: MessageId): Promise<Message> {
    const message = await this.history.get(caller, id);
    if (message.origin === 'remote') {
      throw new Problem(409, 'not-allowed', 'Only a message of one’s own can be changed.');
    }
    return message;
  }

  private async change(
    caller: Principal,
    message: Message,
    act: Act,
    native: EnvelopeChange,
    fallback: EnvelopeChange | undefined,
    urgent = false,
  ): Promise<Message> {
    if (message.erased || message.retractedAt !== null) {
      throw new Problem(409, 'not-allowed', 'The message is gone already.');
    }
    const account = await this.access.mustSee(caller, message.account);
    const here = await this.changes.capabilitiesIn(this.database, message.conversation);
    const way = wayFor(here ?? account.capabilities, act, native, fallback);
    const link = await this.links.of(account.id);
    const now = new Date(this.clock.now());
    const edit: MessageChange = {
      message: message.id,
      type: act,
      ...(act === 'reaction' ? { person: caller.person } : {}),
      ...native,
      at: now,
    };
    const done = await this.database.transaction(async (sql) => {
      const place = (await this.intake.lock(sql, [message.conversation])).get(message.conversation);
      const target = act === 'reaction' ? undefined : await this.store.targetOf(sql, message.id);
      if (target?.fate === 'none') {
        throw new Problem(409, 'not-sent', 'The message never left: send a new one instead.', {
          members: { state: target.state },
        });
      }
      const inPlace = target?.fate === 'waits';
      if (inPlace && act === 'retraction') {
        const { events, settled } = await this.settler.apply(sql, [
          { envelope: target.envelope, whole: { state: 'withdrawn' } },
        ]);
        const told = [...events, ...(await this.changes.apply(sql, [edit]))];
        const metered = await this.charges.alongside(sql, caller.workspace, told);
        return { settled, last: (await this.events.append(sql, caller.workspace, told, metered)).last };
      }
      // Nobody could be told of the change: refused before anything happens, unless it has not left at all.
      if (!inPlace && !way) throw new Problem(409, 'unsupported', cannot[act]);
      const words = inPlace ? native.content : way?.fallback === true ? way.content : undefined;
      const assessment =
        words && place && link
          ? assess(link, { to: place.address, kind: place.kind, content: words, at: now })
          : undefined;
      if (assessment?.failure) throw refused(assessment.failure);
      if (!inPlace && words && (await this.optOuts.among(sql, [message.conversation])).size > 0)
        throw refused(optedOut);
      const told = await this.changes.apply(sql, [edit]);
      if (told.length === 0) return undefined;
      const { workspace } = caller;
      if (inPlace || !way || !place) {
        const waits =
          inPlace && assessment ? { envelope: target.envelope, parts: assessment.parts } : undefined;
        const changed = waits ? await this.charges.change(sql, workspace, waits) : undefined;
        if (changed && 'failure' in changed) throw refused(changed.failure);
        return { settled: new Map(), last: (await this.events.append(sql, workspace, told, changed)).last };
      }
      const about = { message, act, change: way, address: place.address, connector: link?.protocol ?? '' };
      const envelope = this.envelopeFor(caller, about, now, assessment, urgent);
      // What the network carries as such is no message: it is not metered.
      const rows = words ? await this.charges.one(sql, workspace, envelope) : envelopeRows([envelope]);
      if ('failure' in rows) throw refused(rows.failure);
      return { settled: new Map(), last: (await this.events.append(sql, workspace, told, rows)).last };
    });
    if (done) {
      this.events.committed(caller.workspace, done.last);
      this.dispatcher.settled(done.settled);
      this.signals.publish(DUE_CHANNEL, { accounts: [message.account] });
    }
    return await this.history.get(caller, message.id);
  }

  private envelopeFor(
    caller: Principal,
    { message, act, change, address, connector }: About,
    now: Date,
    assessment: Assessment | undefined,
    urgent: boolean,
  ): NewEnvelope {
    const { scheduleAt, why } = leavingAt(undefined, now, assessment, urgent);
    const dueAt = scheduleAt ?? now;
    return {
      id: newId<'EnvelopeId'>(now.getTime()),
      workspace: caller.workspace,
      account: message.account,
      conversation: message.conversation,
      message: message.id,
      kind: act,
      connector,
      ...(scheduleAt ? { waitsFor: 'schedule' } : {}),
      ...(why === undefined ? {} : { detail: why }),
      priority: 0,
      dueAt,
      expiresAt: new Date(dueAt.getTime() + LIFETIME_MS),
      change,
      ...(assessment ? { assessment } : {}),
      route: {
        account: message.account,
        address,
        why: change.fallback ? 'This network cannot carry it: it is told in words.' : 'This conversation.',
        ...(change.fallback ? { fallbackFor: act } : {}),
        ...(urgent ? { urgent: true } : {}),
      },
      person: caller.person,
      orderedBy: message.id,
    };
  }
}

const cannot: Record<Act, string> = {
  edit: 'This network cannot correct what has left.',
  retraction: 'This network cannot take back what has left. It can be hidden for yourself with scope=me.',
  reaction: 'This network cannot carry that reaction.',
};

/** As the network means it, by the fallback, or not at all. */
function wayFor(
  capabilities: Capabilities,
  act: Act,
  native: EnvelopeChange,
  fallback: EnvelopeChange | undefined,
): EnvelopeChange | undefined {
  if (levelOf(capabilities, capabilityOf[act]) === 'native') return native;
  return fallback ? { ...fallback, fallback: true } : undefined;
}
