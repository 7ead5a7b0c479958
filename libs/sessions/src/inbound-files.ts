import type { FileOutcome, SessionLog } from '#connector';
import { Broken, type Files, type Incoming } from '#files';
import { failure, type Failure, type PersonId } from '#model';
import { Problem, StorageFull } from '#platform';

/** Takes in a file that a network hands over; whatever goes wrong is an outcome, as the contract says. */
export async function receiveFile(
  files: Files,
  log: SessionLog,
  { person, ...incoming }: Omit<Incoming, 'person'> & { readonly person: PersonId | undefined },
): Promise<FileOutcome> {
  if (person === undefined) return { outcome: 'refused', failure: failure('account-gone') };
  try {
    const { id, name, mediaType, size } = await files.receive({ ...incoming, person });
    return { outcome: 'stored', attachment: { file: id, name, mediaType, size } };
  } catch (error) {
    return { outcome: 'refused', failure: failureOf(error, log) };
  }
}

function failureOf(error: unknown, log: SessionLog): Failure {
  if (error instanceof Problem) return failure('too-large', error.detail);
  if (error instanceof Broken) return failure('network-unreachable', error.message);
  if (!(error instanceof StorageFull)) log.warn({ err: error }, 'a file could not be taken in');
  return failure('storage-unavailable');
}
