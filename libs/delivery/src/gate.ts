import type {
  AccountId,
  ConversationId,
  ConversationKind,
  ErrorCode,
  MessageContent,
  PersonId,
  WorkspaceId,
} from '#model';

/** A message on its way out, before anything is stored. */
export interface GateQuestion {
  readonly workspace: WorkspaceId;
  readonly person: PersonId;
  readonly account: AccountId;
  /** Absent for an address that was never written to. */
  readonly conversation?: ConversationId;
  readonly kind: ConversationKind;
  readonly address: string;
  readonly content: MessageContent;
}

/** What policy says: let it go, let it go in another form, keep it until somebody decides, or do not take it. */
export type GateVerdict =
  | { readonly verdict: 'allow' }
  | { readonly verdict: 'change'; readonly content: MessageContent }
  | { readonly verdict: 'hold'; readonly why: string }
  | { readonly verdict: 'refuse'; readonly code: ErrorCode; readonly why: string };

/**
 * The point where policy may speak (a port: the server plugs an implementation). Asked once for each message, before it
 * is stored; an error is a refusal, never a way around.
 */
export abstract class Gate {
  abstract consider(question: GateQuestion): Promise<GateVerdict>;
}

/** No policy: everything may go. */
export class OpenGate extends Gate {
  override consider(): Promise<GateVerdict> {
    return Promise.resolve({ verdict: 'allow' });
  }
}
