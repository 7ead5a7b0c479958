import { DatabaseError } from 'pg';

/** There is too little room on the disk to take new work: nothing was written. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';

  constructor(options?: ErrorOptions) {
    super('too little free space to store anything new', options);
  }
}

/** The connection broke while COMMIT was on its way: the work is stored as a whole or not at all, nobody knows which. */
export class CommitInDoubt extends Error {
  override readonly name = 'CommitInDoubt';

  constructor(options: ErrorOptions) {
    super('the connection was lost during COMMIT', options);
  }
}

/** SQLSTATE class 08 connection, 53 insufficient resources, 57P0x shutting down or starting up, 58 system error; 25P03 idle too long. */
const unavailableStates = /^(08|53|57P0|58|25P03)/;

const unavailableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What node-postgres and its pool say without a code. */
const unavailableWords =
  /^(timeout expired|timeout exceeded when trying to connect|connection terminated|query read timeout|client has encountered a connection error|cannot use a pool after calling end|the client has been closed|client was closed)/i;

/** Prisma's codes (cannot reach, timed out, connection closed, none free), and the kinds that its adapter tells. */
const unavailablePrisma: ReadonlySet<unknown> = new Set([
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  'P2037',
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
]);

/** The error and what caused it, and whatever a driver wrapped. */
function* chain(error: unknown): Generator<Record<string, unknown>> {
  const seen = new Set<unknown>();
  const waiting = [error];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (typeof each !== 'object' || each === null || seen.has(each)) continue;
    seen.add(each);
    const found = each as Record<string, unknown>;
    yield found;
    if (each instanceof AggregateError) waiting.push(...(each.errors as unknown[]));
    const meta = found['meta'] as Record<string, unknown> | undefined;
    waiting.push(found['cause'], meta?.['driverAdapterError']);
  }
}

function stateOf(error: Record<string, unknown>): string | undefined {
  if (error instanceof DatabaseError) return error.code;
  const original = error['originalCode'] ?? error['code'];
  return typeof original === 'string' ? original : undefined;
}

/** Whether the database could not be asked, or could not do its work for want of room: to be tried again later. */
export function isUnavailable(error: unknown): boolean {
  for (const each of chain(error)) {
    if (each instanceof StorageFull || each instanceof CommitInDoubt) return true;
    const state = stateOf(each);
    if (state !== undefined && /^[0-9A-Z]{5}$/.test(state) && unavailableStates.test(state)) return true;
    if (each['syscall'] === 'connect' || unavailablePrisma.has(each['kind'])) return true;
    if (state !== undefined && (unavailableCodes.has(state) || unavailablePrisma.has(state))) return true;
    if (each instanceof Error && unavailableWords.test(each.message)) return true;
  }
  return false;
}

/** Whether the disk is full, or so nearly full that we refuse (SQLSTATE 53100). */
export function isStorageFull(error: unknown): boolean {
  for (const each of chain(error)) if (each instanceof StorageFull || stateOf(each) === '53100') return true;
  return false;
}

/** Serialization failure or deadlock: the same work, done again, may succeed. */
export function mayRetry(error: unknown): boolean {
  for (const each of chain(error)) if (['40001', '40P01'].includes(stateOf(each) ?? '')) return true;
  return false;
}
