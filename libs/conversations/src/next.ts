import { isUuid } from '#model';
import { Problem } from '#platform';
import type { Standing } from './history.store.js';

/*
 * Where the next page of a list begins: one number and, for rows that share it, one id. Opaque to clients.
 */

export interface PageEdge {
  readonly number: bigint;
  readonly id: string;
}

/** Before the first row of a list in descending order. */
export const top: PageEdge = { number: 2n ** 63n - 1n, id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

export function encodeNext(edge: PageEdge): string {
  return Buffer.from(`${String(edge.number)} ${edge.id}`).toString('base64url');
}

/** @throws Problem 422 `invalid` for a text that `encodeNext` did not make */
export function decodeNext(next: string | undefined): PageEdge {
  if (next === undefined) return top;
  const [, number = '', id = ''] = /^(\d{1,19}) (\S+)$/.exec(Buffer.from(next, 'base64url').toString()) ?? [];
  if (number === '' || !isUuid(id) || BigInt(number) > top.number) throw notOurs('next');
  return { number: BigInt(number), id };
}

/** Where a search goes on: below this place. Any place will do, also one before 1970. */
export function encodeBelow(standing: Standing): string {
  return Buffer.from(`below ${String(standing.position)} ${String(standing.sequence)}`).toString('base64url');
}

/** @throws Problem 422 `invalid` for a text that `encodeBelow` did not make */
export function decodeBelow(next: string): Standing {
  const text = Buffer.from(next, 'base64url').toString();
  const [, position = '', sequence = ''] = /^below (-?\d{1,19}) (\d{1,19})$/.exec(text) ?? [];
  const standing = { position: BigInt(position), sequence: BigInt(sequence) };
  const fits = BigInt.asIntN(64, standing.position) === standing.position && standing.sequence <= top.number;
  if (position === '' || !fits) throw notOurs('next');
  return standing;
}

/** A cursor, position or page mark that was not made here. */
export function notOurs(pointer: string): Problem {
  return new Problem(422, 'invalid', 'The request has mistakes; each is named.', {
    errors: [{ pointer, detail: 'is none that this server has given' }],
  });
}
