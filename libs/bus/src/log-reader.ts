import type { LogEvent, WorkspaceId } from '#model';
import type { ReaderScope } from './event-log.js';

/** Why a reader must begin again from a snapshot. */
export type ResetReason = 'retention' | 'ahead' | 'access';

export type LogItem =
  | { readonly kind: 'event'; readonly event: LogEvent; readonly prev: bigint }
  | { readonly kind: 'heartbeat'; readonly sequence: bigint }
  /** Always the last item: read a snapshot and open another reader, with the scope as it is then. */
  | { readonly kind: 'reset'; readonly reason: ResetReason };

export interface LogReader extends AsyncIterable<LogItem>, AsyncDisposable {}

export interface ReaderOptions {
  /** How long an idle reader waits for its heartbeat, in milliseconds. */
  readonly heartbeatMs?: number;
  /** How many events may wait for a slow reader before it goes back to reading pages. */
  readonly buffer?: number;
}

export class LogReaders {
  open(
    _workspace: WorkspaceId,
    _scope: ReaderScope,
    _since: bigint | undefined,
    _options?: ReaderOptions,
  ): LogReader {
    throw new Error('not built yet');
  }
}
