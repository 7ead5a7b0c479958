import type { FloodProfile } from '#connector';
import type { ErrorCode } from '#model';

/** What the server has accepted from a client, as the network sees it. */
export interface Received {
  readonly wire: string;
  /** The network's id for it. */
  readonly id: string;
  readonly kind: 'send' | 'edit' | 'retract' | 'react';
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** Which connection brought it, counted from 1. */
  readonly connection: number;
}

/** What becomes of one send before it is accepted or answered. */
export type Verdict =
  | { readonly say: 'accept' }
  | { readonly say: 'refuse'; readonly code: ErrorCode; readonly detail?: string }
  | { readonly say: 'later'; readonly ms: number }
  /** Taken without a word; `lost`: it goes no further. */
  | { readonly say: 'nothing'; readonly lost: boolean }
  /** Accepted, and the connection dies before the answer. */
  | { readonly say: 'cut' };

/** The server's manners: the verdicts of the sends to come, in the order they were asked for. */
export class Script {
  private readonly verdicts: { verdict: Verdict; times: number }[] = [];
  answerDelayMs = 0;
  withholdAcks = false;
  /** Milliseconds after the answer; undefined: no such receipt. */
  receipts: { readonly delivered?: number; readonly read?: number; readonly beforeAnswer?: boolean } = {};
  flood: FloodProfile | undefined;

  next(verdict: Verdict, times: number): void {
    this.verdicts.push({ verdict, times });
  }

  judge(): Verdict {
    const [first] = this.verdicts;
    if (!first) return { say: 'accept' };
    if (--first.times <= 0) this.verdicts.shift();
    return first.verdict;
  }
}
