import { Injectable } from '@nestjs/common';
import { beside, type Alongside } from '#bus';
import { Meter, type Charge, type Heard, type MeteredEnvelope, type Till } from '#metering';
import type { EnvelopeId, Failure, NewEvent, WorkspaceId } from '#model';
import type { Sql } from '#platform';
import { ChargeStore } from './charge.store.js';
import { envelopeRows, type NewEnvelope } from './intake.js';

/** An event that tells of an envelope. */
export interface EnvelopeTold extends NewEvent {
  /** What the envelope is metered at may not stand any more. Not stored. */
  readonly recount?: true;
}

/** What goes with a transaction's events. */
export interface Metering {
  /** The answers, with what they are metered at. */
  readonly answers: readonly NewEnvelope[];
  readonly alongside: readonly Alongside[];
}

/**
 * What envelopes are metered at. Every transaction that makes envelopes, or appends events of them, goes through here once,
 * behind its locks on conversations and envelopes and right before it takes the log's head.
 */
@Injectable()
export class Charges {
  constructor(
    private readonly meter: Meter,
    private readonly store: ChargeStore,
  ) {}

  /** For envelopes that may be refused, each on its own by `take`. */
  async open(sql: Sql, workspace: WorkspaceId, envelopes: readonly NewEnvelope[]): Promise<Till> {
    return await this.meter.open(sql, workspace, envelopes.map(meteredOf));
  }

  /** Takes what an envelope costs, or says why it may not go. */
  take(till: Till, envelope: NewEnvelope): NewEnvelope | { readonly failure: Failure } {
    const taken = till.take(meteredOf(envelope));
    if ('failure' in taken) return taken;
    return charged(envelope, taken.charge);
  }

  /** The rows of one envelope together with its charge, or why it may not go. */
  async one(
    sql: Sql,
    workspace: WorkspaceId,
    envelope: NewEnvelope,
  ): Promise<Alongside | { readonly failure: Failure }> {
    const till = await this.open(sql, workspace, [envelope]);
    const taken = this.take(till, envelope);
    if ('failure' in taken) return taken;
    const metered = till.alongside();
    return beside(envelopeRows([taken]), ...(metered ? [metered] : []));
  }

  /** What still waits will be another number of parts, for its person has changed it: counted so, or refused. */
  async change(
    sql: Sql,
    workspace: WorkspaceId,
    { envelope, parts }: { readonly envelope: EnvelopeId; readonly parts: number },
  ): Promise<Alongside | { readonly failure: Failure } | undefined> {
    const [row] = await this.store.due(sql, [envelope]);
    if (!row) return undefined;
    const till = await this.meter.settle(sql, workspace, { charged: [row] });
    const changed = till.change(row, row.charge, parts);
    if ('failure' in changed) return changed;
    const metered = till.alongside();
    return metered && beside(this.store.rewritten([{ id: envelope, charge: changed.charge }]), metered);
  }

  /**
   * Makes right what the events say of charged envelopes: what failed is paid back as far as nothing left, and another
   * number of parts than was planned is counted so. Counts what came in, and answers that nobody may refuse.
   */
  async settle(
    sql: Sql,
    workspace: WorkspaceId,
    events: readonly EnvelopeTold[],
    {
      heard = [],
      answers = [],
    }: { readonly heard?: readonly Heard[]; readonly answers?: readonly NewEnvelope[] } = {},
  ): Promise<Metering> {
    const ids = events.flatMap(({ recount, subject }) => (recount ? [subject as EnvelopeId] : []));
    const rows = ids.length > 0 ? await this.store.due(sql, ids) : [];
    if (rows.length + heard.length + answers.length === 0) return { answers, alongside: [] };
    const asked = answers.map(meteredOf);
    const till = await this.meter.settle(sql, workspace, { charged: rows, asked, heard });
    const recounted = rows.map(({ charge, counts, ...envelope }) => ({
      id: envelope.envelope,
      charge: till.recount(envelope, charge, counts),
    }));
    for (const one of heard) till.hear(one);
    const taken = answers.map((answer) => charged(answer, till.takeAnyhow(meteredOf(answer)).charge));
    const metered = till.alongside();
    return {
      answers: taken,
      alongside: [
        ...(recounted.length > 0 ? [this.store.rewritten(recounted)] : []),
        ...(metered ? [metered] : []),
      ],
    };
  }

  /** The same for what tells of envelopes and nothing else: what goes with the events. */
  async alongside(
    sql: Sql,
    workspace: WorkspaceId,
    events: readonly EnvelopeTold[],
    ...more: readonly Alongside[]
  ): Promise<Alongside | undefined> {
    const { alongside } = await this.settle(sql, workspace, events);
    const all = [...more, ...alongside];
    return all.length > 0 ? beside(...all) : undefined;
  }
}

function charged(envelope: NewEnvelope, charge: Charge | undefined): NewEnvelope {
  return charge ? { ...envelope, charge } : envelope;
}

function meteredOf({ id, message, account, person, connector, assessment }: NewEnvelope): MeteredEnvelope {
  return {
    envelope: id,
    message,
    account,
    ...(person ? { person } : {}),
    connector,
    ...(assessment ? { parts: assessment.parts, destinations: assessment.destinations } : {}),
  };
}
