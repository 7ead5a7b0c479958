import { cleanText, type Id } from '#model';
import { z } from 'zod';

/** The most UTF-16 code units that a message's text may have. */
export const maxTextLength = 65_536;

/** The most items that one page may have, and how many it has where nothing is said. */
export const maxPageSize = 200;
export const usualPageSize = 50;

/** The most recipients of one `POST /v1/messages`. */
export const maxRecipients = 10_000;

/** Recipients up to which `POST /v1/messages` answers with the messages themselves (201); above, with a job (202). */
export const maxRecipientsAtOnce = 100;

/** The most rows of a price book, and the most caps of a workspace. */
export const maxPrices = 50_000;
export const maxCaps = 1_000;

/** More unread messages of one conversation than this are not counted. */
export const maxUnread = 1_000;

/** The most conversations that one stream may watch. */
export const maxWatched = 200;

/**
 * Why the server closed a stream (RFC 6455 §7.4.2 leaves these numbers to applications). After the first three, coming
 * again is of no use; after the others it is: resume by cursor.
 */
export const closeCodes = {
  invalid: 4400,
  notSignedIn: 4401,
  notAllowed: 4403,
  slow: 4408,
  tooMany: 4429,
} as const;

/** The cookie that carries the inbox's web session. */
export const sessionCookie = 'parley_session';

const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  .meta({ format: 'uuid' });

/** A lower-case UUID with its brand: plain text goes in, a branded id comes out. */
export function idOf<I extends Id<string>>(): z.ZodType<I, string> {
  return uuid as unknown as z.ZodType<I, string>;
}

/** A moment, RFC 3339 in UTC. */
export const Time = z.iso.datetime();

/** A moment as a client may write it: RFC 3339 with any offset. */
export const TimeIn = z.iso.datetime({ offset: true });

/** A position in the event log. Opaque, but for `compareCursors`. */
export const Cursor = z.string().min(1).max(64);

/** Where a message stands in its conversation. Opaque, but sorts as text. */
export const Position = z.string().min(1).max(64);

/** The place at which the next page begins. Opaque. */
export const Next = z.string().min(1).max(512);

export const Version = z.int().min(0);

/** Text that every engine can store: cleaned as `cleanText` does, then measured. */
export function text(min: number, max: number): z.ZodString {
  return z.string().overwrite(cleanText).min(min).max(max);
}

/** An address on a network, as a person types it; its connector makes it canonical or refuses it. */
export const AddressText = text(1, 1_024);

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const maxJsonDepth = 32;

/** What keeps a JSON value from being stored: a NUL or lone surrogate (PostgreSQL refuses both), or too deep nesting. */
function faultOf(value: unknown): string | undefined {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (next.depth > maxJsonDepth) return `nested deeper than ${String(maxJsonDepth)}`;
    if (typeof next.value === 'string') {
      if (cleanText(next.value) !== next.value) return 'holds a NUL or a lone surrogate';
    } else if (typeof next.value === 'object' && next.value !== null) {
      for (const [key, inner] of Object.entries(next.value)) {
        if (cleanText(key) !== key) return 'a key holds a NUL or a lone surrogate';
        open.push({ value: inner, depth: next.depth + 1 });
      }
    }
  }
  return undefined;
}

/** A JSON object that can be stored as it is. */
export const JsonObjectIn = z.record(z.string(), z.unknown()).superRefine((value, context) => {
  const fault = faultOf(value);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
}) as unknown as z.ZodType<JsonObject, JsonObject>;

export const JsonObjectOut = z.record(z.string(), z.unknown()) as unknown as z.ZodType<
  JsonObject,
  JsonObject
>;
export const JsonValueOut = z.unknown() as unknown as z.ZodType<JsonValue, JsonValue>;

/** A yes or no in a query: `?erase`, `?erase=true`, `?erase=false`. */
export const Flag = z.enum(['', 'true', 'false']).transform((word) => word !== 'false');

/** How many items a page shall have. */
export const Limit = z.coerce.number<number | string>().int().min(1).max(maxPageSize).default(usualPageSize);

/** One page of a list; `next` is there where more may follow. */
export function pageOf<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodExactOptional<z.ZodString> }> {
  return z.object({ items: z.array(item), next: Next.exactOptional() });
}

/** An amount of money as a decimal of at most six places behind the point: `"0.05"`. */
export const Amount = z.string().regex(/^-?\d{1,13}(\.\d{1,6})?$/);

/** The same key with the same body is the same request; for sends for seven days. */
export const idempotent = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
    .exactOptional(),
});

/** How a list is asked for. */
export const PageQuery = z.strictObject({ limit: Limit, next: Next.exactOptional() });
