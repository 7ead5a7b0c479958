import type { ResetReason } from '#api';

/** The far end of a stream, whichever way it is reached. Nothing here throws because the peer went. */
export interface Wire {
  /** For people who run this: what kind of stream it is. */
  readonly kind: 'websocket' | 'sse';
  /** Bytes that were written and that the peer has not taken. */
  readonly lying: number;
  /** Resolves when the peer has taken about all of it, or is gone. */
  drained(): Promise<void>;
  /** `frame` is `{cursor, prev, event}` as UTF-8 text. */
  event(cursor: string, frame: Buffer): void;
  heartbeat(cursor: string): void;
  reset(reason: ResetReason): void;
  /** `ephemeral` is JSON. */
  ephemeral(ephemeral: string): void;
  /** Whether the peer has shown life since the last time; asks it to, where it can be asked. */
  checkAlive(): boolean;
  /** Says goodbye with a code, and lets go. After `reset` the code says nothing new. */
  close(code: number, reason: string): void;
  /** Lets go of a peer that does not listen. */
  cut(): void;
  /** Called once, when the peer is gone for whatever reason. */
  onGone(gone: () => void): void;
}
