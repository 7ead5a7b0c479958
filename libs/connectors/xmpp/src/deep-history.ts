/* What is older than we have it, asked for by a person: one page of an archive (XEP-0313 §4.3), backwards. */
import type { HistoryAsk, HistoryOutcome, InboundChange, InboundEvent, InboundMessage } from '#connector';
import type { Archive, ArchiveAnswer, Archived } from './archive.js';
import type { ArchiveAsk } from './xep/0313.js';

export interface Searched {
  /** Whose archive: our own bare address or the room's. */
  readonly archive: string;
  /** Of our own: with whom. */
  readonly with?: string;
}

/**
 * One page, oldest first. The place is named by the archive's own id where we know it, else by its time, together with
 * what was sent in the same second: who has that already recognises it.
 */
export async function askHistory(
  archives: Pick<Archive, 'ask'>,
  { archive, with: peer }: Searched,
  { before, limit }: HistoryAsk,
  signal: AbortSignal,
  read: (archive: string, archived: Archived, mode: 'history') => readonly InboundEvent[],
): Promise<HistoryOutcome> {
  const id = before?.remoteIds.find(({ scope, by }) => by === 'network' && scope === archive)?.id;
  const ask = async (more: Partial<ArchiveAsk>, from: string): Promise<ArchiveAnswer> =>
    archives.ask(
      archive,
      { page: { max: limit, before: from }, ...(peer !== undefined && { with: peer }), ...more },
      { signal, urgent: true },
    );
  const byTime = before && { end: new Date(before.at.getTime() + 1_000) };
  let answer = id === undefined ? await ask(byTime ?? {}, '') : await ask({}, id);
  // An id that the archive knows no more: the time will do.
  if (answer.answer === 'refused' && answer.condition === 'item-not-found' && id !== undefined && byTime) {
    answer = await ask(byTime, '');
  }
  if (answer.answer !== 'page') return { outcome: 'refused', failure: answer.failure };
  const { results, page } = answer;
  const [oldest] = results;
  const stood = oldest === undefined || oldest.id === id;
  return {
    outcome: 'done',
    events: results.flatMap((one) => read(archive, one, 'history').filter(isSaid)),
    // What does not move on has come to its end.
    complete: page.complete || stood,
    ...(oldest && {
      next: { at: oldest.at, remoteIds: [{ scope: archive, id: oldest.id, by: 'network' as const }] },
    }),
  };
}

function isSaid(event: InboundEvent): event is InboundMessage | InboundChange {
  return 'mode' in event;
}
