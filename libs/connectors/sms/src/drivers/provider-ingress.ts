/* What calls of providers have in common. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpAnswer, IngressItem, IngressOutcome, JsonObject, RawRequest } from '#connector';
import { fromTon } from '../sms.addresses.js';

/** A form is read up to so many fields. */
const mostFields = 1_000;

/** Refuses a call: nothing of it is stored. */
export function refused(status: number): IngressOutcome {
  return { outcome: 'refused', answer: { status } };
}

export function accepted(items: readonly IngressItem[], answer: HttpAnswer): IngressOutcome {
  return { outcome: 'accepted', items, answer };
}

/** The fields of a form (application/x-www-form-urlencoded, WHATWG URL §5.1), in order. Too many are none. */
export function formOf(body: Buffer): readonly (readonly [name: string, value: string])[] {
  const fields = [...new URLSearchParams(body.toString('utf8'))];
  return fields.length > mostFields ? [] : fields;
}

/** The query of a URL, as it came. */
export function queryOf({ url }: RawRequest): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}

export function isForm({ headers }: RawRequest): boolean {
  return /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '');
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/** A number or name as a provider writes it. @param region of numbers without a country code */
export function partyFrom(written: string, region: string | undefined): string {
  return fromTon({ ton: written.startsWith('+') ? 1 : 0, npi: 0, addr: written }, region);
}

/** A text of an item, as it was written down; empty where there is none. */
export function wordIn(item: JsonObject, name: string): string {
  const value = item[name];
  return typeof value === 'string' ? value : '';
}
