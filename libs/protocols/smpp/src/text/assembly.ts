/* One message in parts, as far as it has come: what is kept of it, and how that is written and read back. */
import { createHash } from 'node:crypto';
import type { Coding } from './codings.js';
import { possible, type Concatenation } from './headers.js';
import { contentOf, type Content, type Part } from './incoming.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Octets of a part as they are kept. */
export interface KeptPart {
  readonly coding: Coding;
  readonly base64: string;
}

/**
 * A message in parts. While it is collected, `given` is empty and `parts` is what has come. Once it has been given out,
 * whole or not, `given` has the digests of what was, so that its parts are known when the message centre hands them over
 * again; `parts` then has what came again.
 */
export interface Assembly {
  readonly from: string;
  readonly to: string;
  readonly size: Concatenation['size'];
  readonly reference: number;
  readonly of: number;
  /** When its first part came, and when it is given out as it is, or forgotten where it has been given out. */
  readonly since: number;
  readonly due: number;
  readonly parts: ReadonlyMap<number, KeptPart>;
  readonly given: ReadonlyMap<number, string>;
}

/** Parts that belong together have all of this in common. */
export function keyOf({
  from,
  to,
  size,
  reference,
  of,
}: Omit<Assembly, 'since' | 'due' | 'parts' | 'given'>): string {
  return JSON.stringify([from, to, size, reference, of]);
}

export function kept({ coding, bytes }: Part): KeptPart {
  return { coding, base64: bytes.toString('base64') };
}

/** Tells equal parts from others. */
export function digestOf({ coding, base64 }: KeptPart): string {
  return createHash('sha256').update(`${coding} ${base64}`).digest('base64url').slice(0, 16);
}

/** About how many octets it takes when it is written. */
export function weightOf({ from, to, parts, given }: Assembly): number {
  let weight = 200 + 6 * (from.length + to.length) + 28 * given.size;
  for (const { coding, base64 } of parts.values()) weight += coding.length + base64.length + 16;
  return weight;
}

/** What the parts with these numbers say, in order; of those between that are missing, a mark where they would be. */
export function said(assembly: Assembly): Content {
  const numbers = Array.from({ length: assembly.of }, (_, index) => index + 1);
  return contentOf(
    numbers.map((number) => {
      const part = assembly.parts.get(number);
      return part && { coding: part.coding, bytes: Buffer.from(part.base64, 'base64') };
    }),
  );
}

export function written(assembly: Assembly): Json {
  const { parts, given, ...plain } = assembly;
  return {
    ...plain,
    parts: Object.fromEntries(
      Array.from(parts, ([number, { coding, base64 }]) => [number, [coding, base64]]),
    ),
    given: Object.fromEntries(given),
  };
}

const sizes: ReadonlySet<unknown> = new Set([8, 16, 'sar']);

/** Reads back what was written; undefined for anything else. */
export function readBack(value: unknown): Assembly | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { from, to, size, reference, of, since, due, parts, given } = value as Record<string, unknown>;
  const texts = typeof from === 'string' && typeof to === 'string' && sizes.has(size);
  const numbers = [reference, of, since, due].every((number) => Number.isFinite(number));
  if (!texts || !numbers || !isRecord(parts) || !isRecord(given)) return undefined;
  const common = { size, reference, of } as Pick<Concatenation, 'size' | 'reference' | 'of'>;
  if (!possible({ ...common, number: 1 })) return undefined;
  return {
    from,
    to,
    ...common,
    since: since as number,
    due: due as number,
    parts: new Map(
      Object.entries(parts).flatMap(([number, part]) => {
        const [coding, base64] = Array.isArray(part) ? (part as unknown[]) : [];
        if (typeof coding !== 'string' || typeof base64 !== 'string') return [];
        return [[Number(number), { coding: coding as Coding, base64 }]];
      }),
    ),
    given: new Map(Object.entries(given).map(([number, digest]) => [Number(number), String(digest)])),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
