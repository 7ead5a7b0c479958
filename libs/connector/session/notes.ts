/* A session's own durable notes: written with what is stored (`Inlet.flush`), read when the session begins. */
import type { InboundBatch, JsonObject, JsonValue, SessionContext } from '#connector';
import type { AccountId } from '#model';

/** What is to be noted with what is stored now; a null value takes a note away. At most 64 KiB each. */
export type Notes = NonNullable<InboundBatch['keyValues']>;

/**
 * Reads what an earlier session noted. Never rejects: a note that cannot be read is told in the log.
 * @returns undefined where it could not be read; with an undefined value where nothing was noted.
 */
export async function readNote(
  { keyValues, log }: SessionContext,
  account: AccountId,
  key: string,
): Promise<{ readonly value: JsonValue | undefined } | undefined> {
  try {
    return { value: await keyValues.read(account, key) };
  } catch (error) {
    log.warn({ account, key, error: String(error) }, 'a note could not be read');
    return undefined;
  }
}

/** The fields of what was noted; none where it was no object. */
export function fieldsOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
