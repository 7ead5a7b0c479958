import type { OutboundFile, SessionLog } from '#connector';
import { ContentGone, type Files } from '#files';
import type { AccountId, FileId, WorkspaceId } from '#model';

/** Gives out a file to be handed to a network, if a message of the account carries it; whatever goes wrong, there is none. */
export async function readFile(
  files: Files,
  log: SessionLog,
  { workspace, account, file }: { workspace: WorkspaceId; account: AccountId; file: FileId },
): Promise<OutboundFile | undefined> {
  try {
    if (!(await files.isCarried(file, [account]))) return undefined;
    const stored = (await files.find(workspace, [file])).get(file);
    if (stored === undefined) return undefined;
    const { name, mediaType, size } = stored;
    return { name, mediaType, size, content: await files.open(stored) };
  } catch (error) {
    if (!(error instanceof ContentGone)) log.warn({ err: error, account }, 'a file could not be read');
    return undefined;
  }
}
