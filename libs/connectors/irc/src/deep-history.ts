/* What is older than we have it, asked for by a person: CHATHISTORY BEFORE, or LATEST where nothing is known yet. */
import type { HistoryAsk, HistoryOutcome } from '#connector';
import { referenceTo } from './catch-up.js';
import { timestampOf, type Answer, type ChatHistory } from './chat-history.js';
import type { Network } from './network.js';

/**
 * One page, oldest first. The server's own limit may make it shorter; only an empty page is the end, as the standard has
 * it.
 */
export async function askHistory(
  history: ChatHistory,
  network: Network,
  target: string,
  { before, limit }: HistoryAsk,
  signal: AbortSignal,
): Promise<HistoryOutcome> {
  const { historyLimit = 0 } = network;
  const most = String(historyLimit === 0 ? limit : Math.min(limit, historyLimit));
  const ask = (reference: string): Promise<Answer> =>
    history.ask(
      {
        verb: reference === '*' ? 'LATEST' : 'BEFORE',
        target,
        parameters: [reference, most],
        use: 'history',
      },
      signal,
    );
  for (const reference of referencesOf(before, network)) {
    const answer = await ask(reference);
    if (answer.answer === 'broken') return { outcome: 'refused', failure: answer.failure };
    // An id that the server does not know: the time may do.
    if (answer.answer === 'refused') {
      if (reference.startsWith('msgid=') && !signal.aborted) continue;
      return { outcome: 'refused', failure: answer.failure };
    }
    const { events, first, messages } = answer.page;
    // Only what was said in the very millisecond that was asked for: on with what is before it.
    const stood = first !== undefined && before !== undefined && first.at >= before.at.getTime();
    if (stood && reference === timestampOf(before.at.getTime() + 1)) continue;
    return {
      outcome: 'done',
      events: events.flatMap((event) => ('mode' in event ? [event] : [])).slice(-limit),
      complete: messages === 0,
      ...(first !== undefined && {
        next: {
          at: new Date(first.at),
          remoteIds:
            first.msgid === undefined ? [] : [{ scope: 'msgid', id: first.msgid, by: 'network' as const }],
        },
      }),
    };
  }
  return { outcome: 'done', events: [], complete: true };
}

/** How to name the place, best first: by its id, then by its time with what was said in the same millisecond. */
function referencesOf(before: HistoryAsk['before'], network: Network): readonly string[] {
  if (before === undefined) return ['*'];
  const at = before.at.getTime();
  const msgid = before.remoteIds.find(({ scope }) => scope === 'msgid')?.id;
  const byId = referenceTo(msgid === undefined ? {} : { msgid }, network);
  return [...(byId === undefined ? [] : [byId]), timestampOf(at + 1), timestampOf(at)];
}
