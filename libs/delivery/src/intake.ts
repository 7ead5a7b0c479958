import type { Alongside } from '#bus';
import type { Assessment } from '#connector';
import type { Charge } from '#metering';
import type {
  AccountId,
  ConversationId,
  EnvelopeId,
  EnvelopeKind,
  MessageId,
  PersonId,
  WaitReason,
  WorkspaceId,
} from '#model';
import { asJson } from '#platform';
import type { EnvelopeChange } from './envelope.store.js';

/** How a message came to go this way. */
export interface Route {
  readonly account: AccountId;
  readonly address: string;
  /** A sentence for the person. */
  readonly why: string;
  /** The envelope of unknown fate that this one is sent again for. */
  readonly resendOf?: EnvelopeId;
  /** The kind of act that is told as a plain message because the network cannot carry it. */
  readonly fallbackFor?: EnvelopeKind;
  /** The person insists that it leaves as soon as it can, whomever it disturbs. */
  readonly urgent?: true;
  /** The law demands it: it goes also to somebody who has asked for no more. */
  readonly consent?: true;
}

/** An envelope about to be stored. */
export interface NewEnvelope {
  readonly id: EnvelopeId;
  readonly workspace: WorkspaceId;
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly kind: EnvelopeKind;
  /** Absent: due at once. Otherwise it gets its place in the lane when it becomes due. `detail` says why, in a sentence. */
  readonly waitsFor?: Extract<WaitReason, 'gate' | 'schedule'>;
  readonly detail?: string;
  /** 0 people, 1 bulk. */
  readonly priority: number;
  readonly dueAt: Date;
  readonly expiresAt: Date;
  readonly change?: EnvelopeChange;
  readonly route: Route;
  /** What the network’s connector said of it: how many parts it will be, and whom it is priced by. */
  readonly assessment?: Assessment;
  /** The protocol of its account. */
  readonly connector: string;
  /** What it is metered at, once the meter has said so. */
  readonly charge?: Charge;
  readonly person?: PersonId;
  /** The subject of the event, in the same append, whose number is its place in the lane. */
  readonly orderedBy: string;
}

/** The rows of new envelopes, written in the statement that numbers their events: the number is the lane order. */
export function envelopeRows(envelopes: readonly NewEnvelope[]): Alongside {
  return {
    params: [
      asJson(envelopes.map((envelope) => ({ ...envelope, assessment: undefined, connector: undefined }))),
    ],
    ctes: (from) => `made_envelope AS (
        INSERT INTO envelope (id, workspace_id, account_id, conversation_id, message_id, kind, state, waits_for, detail,
          lane_order, priority, due_at, expires_at, change, route, charge, person_id)
        SELECT g.id, g.workspace, g.account, g.conversation, g.message, g.kind,
          CASE WHEN g."waitsFor" IS NULL THEN 'accepted' ELSE 'waiting' END, g."waitsFor", g.detail,
          CASE WHEN g."waitsFor" IS NULL THEN n.sequence END, g.priority, g."dueAt", g."expiresAt", g.change, g.route, g.charge, g.person
        FROM json_to_recordset($${String(from)}::json)
          AS g(id uuid, workspace uuid, account uuid, conversation uuid, message uuid, kind text, "waitsFor" text,
            detail text, priority int, "dueAt" timestamptz, "expiresAt" timestamptz, change jsonb, route jsonb,
            charge jsonb, person uuid, "orderedBy" uuid)
        JOIN numbered n ON n.subject = g."orderedBy"
      )`,
  };
}
