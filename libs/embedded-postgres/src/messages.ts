/* What the two threads say to each other. */
import type { Bytes } from './wire.js';

/** A connection that sits idle in a transaction while others wait. */
export interface SlowOwner {
  readonly applicationName: string;
  /** The tag of the last command that it ran (`UPDATE 1`): never its text, which may hold somebody's words. */
  readonly lastCommand: string;
  readonly idleMs: number;
  readonly waiting: number;
  /** Whether the connection has been ended for it (25P03), or this is the warning. */
  readonly ended: boolean;
}

/** Figures of the worker that runs now. */
export interface WorkerStats {
  /** Open virtual connections. */
  readonly connections: number;
  /** Connections that wait for their turn. */
  readonly waiting: number;
  /** Whether some connection holds the engine with an open transaction. */
  readonly owned: boolean;
  /** Batches (round trips) answered. */
  readonly batches: number;
  /** The longest single batch, in ms: for so long everybody else has waited. */
  readonly longestBatchMs: number;
  /** How often the settings of the session had to be changed from one connection's to another's. */
  readonly switches: number;
  readonly checkpoints: number;
  readonly vacuums: number;
}

export interface WorkerOptions {
  readonly dataDir: string;
  readonly archive?: Uint8Array | string;
  readonly idleTransactionMs: number;
}

export type Question = 'ping' | 'stats' | 'dump' | 'close';

export type ToWorker =
  | { readonly kind: 'open'; readonly id: number }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: Bytes }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'question'; readonly number: number; readonly question: Question };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** It cannot go on (or not begin), and ends itself. */
  | { readonly kind: 'dying'; readonly why: string }
  | { readonly kind: 'bytes'; readonly id: number; readonly bytes: Bytes }
  | { readonly kind: 'end'; readonly id: number }
  | { readonly kind: 'slow-owner'; readonly owner: SlowOwner }
  /** Its own work may take longer than a statement of a client's may. */
  | { readonly kind: 'long-work'; readonly on: boolean }
  | { readonly kind: 'answer'; readonly number: number; readonly value: WorkerStats | Uint8Array | undefined }
  | { readonly kind: 'failure'; readonly number: number; readonly why: string };
