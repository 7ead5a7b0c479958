/* The form that configures a room (XEP-0045 §10.2), as JSON for people and programs. Pure. */
import type { JsonObject, JsonValue, RequestOutcome } from '#connector';
import { failure, type Failure } from '#model';
import type { Element } from './core/xml.js';
import { answer, formIn, type Field, type FieldValue } from './xep/0004.js';
import { isTrue } from './xep/reading.js';

const many: ReadonlySet<Field['type']> = new Set(['jid-multi', 'list-multi', 'text-multi']);

/** The form with its present values; undefined where the answer holds none. */
export function configOf(query: Element | undefined): RequestOutcome | undefined {
  const form = query && formIn(query);
  if (form === undefined) return undefined;
  const fields = form.fields
    .filter(({ name, type }) => name !== undefined && type !== 'hidden' && type !== 'fixed')
    .map((field) => fieldOf(field));
  const title = form.title ?? null;
  return { outcome: 'done', answer: { title, fields } };
}

/** The form filled in: what is given, and the present values of the rest. */
export function configured(
  query: Element | undefined,
  given: JsonObject,
): { readonly form: Element } | { readonly failure: Failure } {
  const form = query && formIn(query);
  if (form === undefined) return { failure: failure('unsupported', 'The room has no form.') };
  const values: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(given)) {
    const read = valueOf(value);
    if (read === undefined)
      return { failure: failure('unsupported', `${name} takes a text, a list of texts, or yes or no.`) };
    values[name] = read;
  }
  const filled = answer(form, values);
  if (filled.ok) return { form: filled.form };
  const [missing, unknown] = [filled.missing.join(', '), filled.unknown.join(', ')];
  const why = unknown === '' ? `The room wants ${missing}.` : `The room has no field ${unknown}.`;
  return { failure: failure('unsupported', why.slice(0, 500)) };
}

function fieldOf({ name = '', type, label, values, options }: Field): JsonObject {
  const [first = ''] = values;
  const value: JsonValue = type === 'boolean' ? isTrue(first) : many.has(type) ? [...values] : first;
  return {
    name,
    type,
    ...(label !== undefined && { label }),
    value,
    ...(options.length > 0 && {
      options: options.map(({ value: one, label: words }) => ({
        value: one,
        ...(words !== undefined && { label: words }),
      })),
    }),
  };
}

function valueOf(value: JsonValue): FieldValue | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return String(value);
  if (!Array.isArray(value)) return undefined;
  const texts = (value as readonly JsonValue[]).filter((one) => typeof one === 'string');
  return texts.length === value.length ? texts : undefined;
}
