/* Forms (XEP-0004) as JSON for people and programs: of a room's configuration, of a command. Pure. */
import type { JsonObject, JsonValue } from '#connector';
import { failure, type Failure } from '#model';
import type { Element } from './core/xml.js';
import { answer, type Field, type FieldValue, type Form } from './xep/0004.js';
import { isTrue } from './xep/reading.js';

const many: ReadonlySet<Field['type']> = new Set(['jid-multi', 'list-multi', 'text-multi']);

/** A form with its present values, and the rows of a result where there are some. */
export function shownForm({ title, instructions, fields, rows }: Form): JsonObject {
  return {
    title: title ?? null,
    ...(instructions !== undefined && { instructions }),
    fields: fields
      .filter(({ name, type }) => name !== undefined && type !== 'hidden' && type !== 'fixed')
      .map((field) => fieldOf(field)),
    ...(rows.length > 0 && { rows: rows.map((row) => Object.fromEntries(row)) }),
  };
}

/**
 * A form filled in: what is given, and the present values of the rest.
 * @param whose whose form it is, for the sentence that says what is wrong.
 */
export function filledForm(
  form: Form | undefined,
  given: JsonObject,
  whose: string,
): { readonly form: Element } | { readonly failure: Failure } {
  if (form === undefined) return { failure: failure('unsupported', `${whose} has no form.`) };
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
  const why = unknown === '' ? `${whose} wants ${missing}.` : `${whose} has no field ${unknown}.`;
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
