/* XEP-0410: MUC Self-Ping. What the answer to a ping of our own place in a room says about whether we are still in it. */

export type SelfPingVerdict =
  /** We are in. */
  | 'joined'
  /** We are not: enter again. */
  | 'gone'
  /** Nobody can tell now: ask again later. */
  | 'unknown';

const alive = new Set(['service-unavailable', 'feature-not-implemented', 'item-not-found']);
const nobody = new Set(['remote-server-not-found', 'remote-server-timeout']);

/**
 * Reads the answer (§3.1).
 * @param answer `result`, `timeout`, or the condition of the stanza error.
 */
export function selfPingVerdict(answer: string): SelfPingVerdict {
  if (answer === 'result' || alive.has(answer)) return 'joined';
  return answer === 'timeout' || nobody.has(answer) ? 'unknown' : 'gone';
}
