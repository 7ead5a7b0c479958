import { isUuid } from '#model';
import { Problem } from '#platform';

/** A page of a list that is ordered by id. */
export interface Page<T> {
  items: T[];
  next?: string;
}

/**
 * The id after which the next page begins.
 * @throws Problem 422 `invalid` when it is not what an earlier page gave.
 */
export function afterOf(query: { readonly next?: string }): string | undefined {
  if (query.next !== undefined && !isUuid(query.next)) {
    throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
      errors: [{ pointer: 'next', detail: 'is not the next of an earlier page' }],
    });
  }
  return query.next;
}

/** Cuts a page out of rows of which one more was asked for than the page may have. */
export function pageOf<Row extends { readonly id: string }, T>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => T,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return last && rows.length > limit ? { items: items.map(view), next: last.id } : { items: items.map(view) };
}

/**
 * Where the next page of a list begins that is ordered by a text. Opaque to clients.
 * @param list the list's name: what one list gave is nothing to another.
 */
export function encodeAfter(list: string, text: string): string {
  return Buffer.from(`${list} ${text}`).toString('base64url');
}

/** @throws Problem 422 `invalid` for what `encodeAfter` did not make of that list */
export function decodeAfter(list: string, next: string | undefined): string | undefined {
  if (next === undefined) return undefined;
  const text = Buffer.from(next, 'base64url').toString();
  if (text.startsWith(`${list} `)) return text.slice(list.length + 1);
  throw new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
    errors: [{ pointer: 'next', detail: 'is none that this server has given' }],
  });
}
