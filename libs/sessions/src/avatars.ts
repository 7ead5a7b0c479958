import type { InboundIdentity } from '#connector';
import { holdFiles, releaseFiles, useFiles } from '#files';
import type { AccountId, FileId, IdentityId, NewEvent } from '#model';
import type { Sql } from '#platform';
import type { Identities } from '#roster';

/** What somebody looks like from now on; the last word on them counts. */
export interface Worn {
  readonly identity: IdentityId;
  readonly event: InboundIdentity;
}

/**
 * Gives people the avatars that were told. A file that is gone meanwhile is nobody's; the one that was worn before is let
 * go.
 */
export async function wearAvatars(
  sql: Sql,
  identities: Identities,
  worn: readonly Worn[],
): Promise<readonly NewEvent[]> {
  const told = new Map<IdentityId, { readonly account: AccountId; readonly file: FileId | null }>();
  for (const { identity, event } of worn) {
    if (event.avatar === undefined) continue;
    const { account, avatar } = event;
    if (avatar?.file !== undefined || avatar === null)
      told.set(identity, { account, file: avatar?.file ?? null });
  }
  if (told.size === 0) return [];
  const held = await holdFiles(
    sql,
    [...told.values()].flatMap(({ file }) => file ?? []),
  );
  const given = new Map(
    [...told].flatMap(([identity, { file }]) =>
      file === null || held.has(file) ? [[identity, file] as const] : [],
    ),
  );
  const { events, changed } = await identities.wear(sql, given);
  await releaseFiles(sql, changed);
  await useFiles(
    sql,
    changed.flatMap((identity) => {
      const { account, file } = told.get(identity) ?? {};
      return account && file ? [{ message: identity, account, file }] : [];
    }),
  );
  return events;
}
