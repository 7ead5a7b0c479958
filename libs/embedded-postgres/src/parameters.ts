/*
 * How the engine is set up. It runs as PostgreSQL's single-user backend: no postmaster beside it means no checkpointer
 * and no autovacuum, which Housekeeping makes up for, and no timers: statement_timeout and lock_timeout never fire.
 */

/** What initdb is told. */
export const initialisation: string[] = ['--wal-segsize=1'];

/** How much log may gather before a checkpoint, in MB. It bounds the disk that the log takes and the time of a recovery. */
export const checkpointAfterMegabytes = 32;

/** The engine's command line: PGlite's own parameters, then ours. */
export function parameters(defaults: readonly string[]): string[] {
  const ours: Record<string, string> = {
    // A quarter of the default: 115 MB less of resident memory, for reads that are a tenth slower where they miss.
    shared_buffers: '32MB',
    // Old segments are kept for new ones up to here. A checkpoint comes at half of it.
    max_wal_size: `${String(2 * checkpointAfterMegabytes)}MB`,
    min_wal_size: '8MB',
    // Only what ends the engine is worth a line; an error is its client's, and its statement may hold somebody's words.
    log_min_messages: 'fatal',
    log_min_error_statement: 'panic',
  };
  return [...defaults, ...Object.entries(ours).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
