/*
 * The note with which one worker hands a stream to the next (XEP-0198 §5): written last, after everything that came over
 * the stream is stored; taken away before it is used, for a stream is resumed once. After a crash there is none.
 */
import type { JsonValue, SessionContext } from '#connector';
import { fieldsOf, readNote, type Notes } from '#connector/session';
import type { AccountId } from '#model';
import type { Self } from './core/port.js';
import type { Resumable } from './core/stream-management.js';
import { jidOf, selfOf } from './xmpp.addresses.js';

const noteKey = 'xmpp.stream';

export interface HandedOver {
  readonly self: Self;
  readonly resumable: Resumable;
}

/** What to note, with the last of what is stored. */
export function handOver(account: AccountId, { self, resumable }: HandedOver): Notes {
  return [{ account, key: noteKey, value: { jid: self.full, id: resumable.id, handled: resumable.handled } }];
}

/**
 * Takes the note that an earlier worker has left, so that nobody takes it again; once. Never rejects.
 * @returns undefined where there is none, or it cannot be taken now: then the stream begins anew.
 */
export async function takeOver(context: SessionContext, account: AccountId): Promise<HandedOver | undefined> {
  const noted = await readNote(context, account, noteKey);
  const found = handedOver(noted?.value);
  if (found === undefined) return undefined;
  try {
    await context.emit({ events: [], keyValues: [{ account, key: noteKey, value: null }] });
    const left = await context.keyValues.read(account, noteKey);
    return left === undefined || left === null ? found : undefined;
  } catch {
    return undefined;
  }
}

function handedOver(value: JsonValue | undefined): HandedOver | undefined {
  const { jid, id, handled } = fieldsOf(value);
  const parsed = typeof jid === 'string' ? jidOf(jid) : undefined;
  if (parsed?.resource === undefined || typeof id !== 'string' || typeof handled !== 'number')
    return undefined;
  return { self: selfOf(parsed), resumable: { id, handled, acknowledged: 0 } };
}
