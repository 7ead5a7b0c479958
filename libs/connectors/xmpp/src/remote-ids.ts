/*
 * The ids by which messages are spoken of. One that a sender chose lives in its conversation (XEP-0359 `origin-id`, or the
 * stanza's own id); one that an archive or a room gave lives with whoever gave it, and counts only from them.
 */
import { mostIdBytes, type RemoteId } from '#connector';

/** The id that a sender chose for what they said in a conversation. */
export function chosenId(conversation: string, id: string): RemoteId {
  return { scope: `${chosen}${conversation}`, id, by: 'sender' };
}

/** The id that an archive or a room gave a message. */
export function givenId(by: string, id: string): RemoteId {
  return { scope: by, id, by: 'network' };
}

/** No address begins so. */
const chosen = 'id:';

/** The ids of a message that its sender chose, out of all of its ids. */
export function chosenIdsOf(ids: readonly RemoteId[]): readonly string[] {
  return ids.filter(({ scope }) => scope.startsWith(chosen)).map(({ id }) => id);
}

/** The ids that somebody gave a message, out of all of its ids. */
export function idsGivenBy(by: string, ids: readonly RemoteId[]): readonly string[] {
  return ids.filter(({ scope }) => scope === by).map(({ id }) => id);
}

/** Ids as an event bears them: the first is the one to tell duplicates by. Those too long for the house, and doubles, are left out. */
export function bearing(ids: readonly (RemoteId | undefined)[]): {
  readonly remoteId?: RemoteId;
  readonly otherIds?: readonly RemoteId[];
} {
  const known = new Map(
    ids.flatMap((id) =>
      id === undefined || Buffer.byteLength(id.scope + id.id) > mostIdBytes
        ? []
        : [[`${id.scope} ${id.id}`, id] as const],
    ),
  );
  const [remoteId, ...otherIds] = known.values();
  return {
    ...(remoteId !== undefined && { remoteId }),
    ...(otherIds.length > 0 && { otherIds }),
  };
}
