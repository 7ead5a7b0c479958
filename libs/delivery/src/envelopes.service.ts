import { Injectable } from '@nestjs/common';
import { Access, AccountLinks, type Principal } from '#accounts';
import type { Envelope } from '#api';
import { EventLog, Signals } from '#bus';
import { IntakeStore, MessageViews, Sight } from '#conversations';
import { FileLinks } from '#files';
import { failure, newId, type EnvelopeId, type EnvelopeState, type MessageId, type NewEvent } from '#model';
import { Clock, Database, Problem, type Sql } from '#platform';
import { DUE_CHANNEL, LIFETIME_MS } from './accept.js';
import { assess, leavingAt } from './assess.js';
import { Charges } from './charges.js';
import { Dispatcher } from './dispatcher.js';
import { EnvelopeStore, envelopeChanged } from './envelope.store.js';
import { EnvelopeViews } from './envelope.views.js';
import { optedOut, OptOutStore } from './opt-out.store.js';
import { refused } from './refusal.js';
import { Settler } from './settler.js';
import type { EnvelopeNews } from './settle.js';
import { SweepStore } from './sweep.store.js';

/** What people do with envelopes: look, withdraw, send again, and decide what the gate holds. */
@Injectable()
export class Envelopes {
  constructor(
    private readonly database: Database,
    private readonly events: EventLog,
    private readonly store: EnvelopeStore,
    private readonly sweeps: SweepStore,
    private readonly settler: Settler,
    private readonly dispatcher: Dispatcher,
    private readonly views: EnvelopeViews,
    private readonly messages: MessageViews,
    private readonly access: Access,
    private readonly sight: Sight,
    private readonly spoken: AccountLinks,
    private readonly intake: IntakeStore,
    private readonly optOuts: OptOutStore,
    private readonly charges: Charges,
    private readonly links: FileLinks,
    private readonly signals: Signals,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem 404 */
  async ofMessage(caller: Principal, message: MessageId): Promise<Envelope[]> {
    const found = await this.messages.byIds([message], await this.sight.of(caller));
    if (!found.has(message)) throw new Problem(404, 'not-found', 'There is no such message.');
    return await this.views.ofMessage(message);
  }

  /** Withdraws what still waits. @throws Problem 404, 409 `too-late` */
  async cancel(caller: Principal, id: EnvelopeId): Promise<Envelope> {
    await this.mustSee(caller, id);
    const state = await this.apply(caller, { envelope: id, whole: { state: 'withdrawn' } });
    if (state !== 'withdrawn') {
      throw new Problem(
        409,
        'too-late',
        'It is on its way already, or its fate is sealed: nothing is left to withdraw.',
        {
          members: { state },
        },
      );
    }
    return await this.view(id);
  }

  /** Refuses what the gate holds. @throws Problem 404, 409 `not-held` */
  async refuse(caller: Principal, id: EnvelopeId, reason: string | undefined): Promise<Envelope> {
    await this.mustBeHeld(caller, id);
    await this.apply(caller, {
      envelope: id,
      whole: {
        state: 'failed',
        failure: failure('not-allowed', reason ?? 'An admin refused it.', 'give-up'),
      },
    });
    return await this.view(id);
  }

  /** Lets go what the gate holds: it takes its place in the lane now. @throws Problem 404, 409 `not-held` */
  async release(caller: Principal, id: EnvelopeId): Promise<Envelope> {
    await this.mustBeHeld(caller, id);
    const done = await this.database.transaction(async (sql) => {
      const row = await this.store.release(sql, id);
      if (!row) return undefined;
      const scheduled = row.waits_for === 'schedule';
      const { last } = await this.events.append(
        sql,
        caller.workspace,
        [envelopeChanged(row)],
        scheduled ? undefined : this.sweeps.takePlaces(),
      );
      return { last, account: row.account_id };
    });
    if (!done) throw notHeld();
    this.events.committed(caller.workspace, done.last);
    this.signals.publish(DUE_CHANNEL, { accounts: [done.account] });
    return await this.view(id);
  }

  /**
   * Sends again what failed, expired or is unknown: a new envelope at the tail, charged anew.
   * @throws Problem 404, 409 `not-resendable`, or what the meter refuses it for
   */
  async resend(caller: Principal, id: EnvelopeId): Promise<Envelope> {
    const old = await this.mustSee(caller, id);
    const link = await this.spoken.of(old.account);
    if (!link) throw noEnvelope();
    const copy = newId<'EnvelopeId'>();
    const now = this.clock.now();
    const last = await this.database.transaction(async (sql) => {
      await this.intake.lock(sql, [old.conversation]);
      const known = (await this.store.lock(sql, [id])).get(id);
      const ready = (await this.store.byIds(sql, [id])).get(id);
      if (
        !known ||
        !ready ||
        !resendable.has(known.state) ||
        !(await this.store.markResent(sql, [id])).has(id)
      )
        return undefined;
      const { to, conversationKind, content } = ready.envelope;
      const at = new Date(now);
      const assessment =
        ready.envelope.kind === 'message'
          ? assess(link, { to, kind: conversationKind, content, at })
          : undefined;
      if (assessment?.failure) throw refused(assessment.failure);
      const silenced = await this.optOuts.among(sql, [old.conversation]);
      if (ready.envelope.kind === 'message' && silenced.size > 0) throw refused(optedOut);
      const { scheduleAt = at, why } = leavingAt(undefined, at, assessment, ready.urgent);
      await this.links.prolong(sql, old.message);
      const events: NewEvent[] = [
        envelopeChanged({ ...rowOf(old), id: copy, state: 'accepted' }),
        envelopeChanged({ ...rowOf(old), state: known.state }),
      ];
      const row = {
        id: copy,
        workspace: caller.workspace,
        account: old.account,
        conversation: old.conversation,
        message: old.message,
        kind: old.kind,
        connector: link.protocol,
        ...(scheduleAt > at ? { waitsFor: 'schedule' as const } : {}),
        ...(why === undefined ? {} : { detail: why }),
        priority: 0,
        dueAt: scheduleAt,
        expiresAt: new Date(scheduleAt.getTime() + LIFETIME_MS),
        ...(assessment ? { assessment } : {}),
        ...(await this.changeOf(sql, id)),
        route: {
          account: old.account,
          address: old.route?.address ?? '',
          why: 'Sent again by a person; it may arrive twice.',
          resendOf: id,
          ...(ready.urgent ? { urgent: true as const } : {}),
        },
        person: caller.person,
        orderedBy: copy,
      };
      const rows = await this.charges.one(sql, caller.workspace, row);
      if ('failure' in rows) throw refused(rows.failure);
      return (await this.events.append(sql, caller.workspace, events, rows)).last;
    });
    if (last === undefined) {
      throw new Problem(
        409,
        'not-resendable',
        'Only what failed, expired or is unknown can be sent again, and only once.',
        {
          members: { state: old.state },
        },
      );
    }
    this.events.committed(caller.workspace, last);
    this.signals.publish(DUE_CHANNEL, { accounts: [old.account] });
    return await this.view(copy);
  }

  private async changeOf(sql: Sql, id: EnvelopeId) {
    const change = await this.store.changeOf(sql, id);
    return change ? { change } : {};
  }

  private async apply(caller: Principal, news: EnvelopeNews): Promise<EnvelopeState | undefined> {
    const done = await this.database.transaction(async (sql) => {
      const { events, settled } = await this.settler.apply(sql, [news]);
      if (events.length === 0) return { settled, last: undefined };
      const metered = await this.charges.alongside(sql, caller.workspace, events);
      const { last } = await this.events.append(sql, caller.workspace, events, metered);
      return { settled, last };
    });
    if (done.last !== undefined) this.events.committed(caller.workspace, done.last);
    this.dispatcher.settled(done.settled);
    return done.settled.get(news.envelope)?.state;
  }

  private async view(id: EnvelopeId): Promise<Envelope> {
    const found = (await this.views.byIds([id])).get(id);
    if (!found) throw noEnvelope();
    return found;
  }

  private async mustSee(caller: Principal, id: EnvelopeId): Promise<Envelope> {
    const found = (await this.views.byIds([id], await this.sight.of(caller))).get(id);
    if (!found) throw noEnvelope();
    return found;
  }

  /** An admin decides on what the gate holds in the whole workspace, and sees of it what the envelope says: no text. */
  private async mustBeHeld(caller: Principal, id: EnvelopeId): Promise<void> {
    const found = await this.store.heldIn(this.database, caller.workspace, id);
    if (found === undefined) throw noEnvelope();
    if (!found) throw notHeld();
  }
}

const resendable: ReadonlySet<EnvelopeState> = new Set<EnvelopeState>(['failed', 'expired', 'unknown']);

function rowOf(envelope: Envelope) {
  return {
    id: envelope.id,
    account_id: envelope.account,
    conversation_id: envelope.conversation,
    message_id: envelope.message,
    state: envelope.state,
  };
}

function noEnvelope(): Problem {
  return new Problem(404, 'not-found', 'There is no such envelope.');
}

function notHeld(): Problem {
  return new Problem(409, 'not-held', 'The gate does not hold this envelope.');
}
