/*
 * XEP-0004: Data Forms. A form is read into plain values (it may go to a person as JSON), and answered field by field.
 */
import { xml, type Element } from '../core/xml.js';
import { attribute, childrenOf, isTrue, listOf, mostWords, oneOf, wordsIn, wordsOf } from './reading.js';

export const formNs = 'jabber:x:data';

const fieldTypes = [
  'boolean',
  'fixed',
  'hidden',
  'jid-multi',
  'jid-single',
  'list-multi',
  'list-single',
  'text-multi',
  'text-private',
  'text-single',
] as const;
export type FieldType = (typeof fieldTypes)[number];

const mostFields = 300;
const mostValues = 300;
const mostItems = 500;
/** Longest value that is kept, in UTF-16 code units; a longer one is cut. */
const mostValue = 16_384;

export interface Option {
  readonly value: string;
  readonly label?: string;
}

export interface Field {
  /** Its name; a fixed text may have none (§3.2). */
  readonly name?: string;
  readonly type: FieldType;
  readonly label?: string;
  readonly description?: string;
  readonly required: boolean;
  readonly values: readonly string[];
  readonly options: readonly Option[];
}

export interface Form {
  readonly type: 'form' | 'submit' | 'cancel' | 'result';
  /** What kind of form it is (XEP-0068): the value of a field FORM_TYPE. */
  readonly formType?: string;
  readonly title?: string;
  readonly instructions?: string;
  readonly fields: readonly Field[];
  /** The rows of a result (§3.4): values by name of the field. */
  readonly rows: readonly ReadonlyMap<string, readonly string[]>[];
}

/** What is given for a field: one value, several, or yes or no. */
export type FieldValue = string | boolean | readonly string[];

/**
 * The forms in an element.
 * @param most at most so many are read.
 */
export function formsIn(parent: Element, most = 10): readonly Form[] {
  return listOf(parent, 'x', formNs, most, formOf);
}

/** The first form in an element, of a kind where `formType` says it; undefined without one. */
export function formIn(parent: Element, formType?: string): Form | undefined {
  return formsIn(parent).find((form) => formType === undefined || form.formType === formType);
}

/** Reads an `x` element; undefined where it is no form. */
export function formOf(element: Element): Form | undefined {
  const type = oneOf(attribute(element, 'type'), ['form', 'submit', 'cancel', 'result'] as const);
  if (!element.is('x', formNs) || type === undefined) return undefined;
  const title = wordsIn(element, 'title', formNs);
  const instructions = childrenOf(element, 'instructions', formNs, 20)
    .map((line) => line.getText().slice(0, mostWords).trim())
    .join('\n');
  const fields = childrenOf(element, 'field', formNs, mostFields).map(fieldOf);
  const formType = fields.find(({ name }) => name === 'FORM_TYPE')?.values[0];
  return {
    type,
    ...(formType !== undefined && { formType }),
    ...(title !== undefined && { title }),
    ...(instructions !== '' && { instructions }),
    fields,
    rows: childrenOf(element, 'item', formNs, mostItems).map(
      (item) =>
        new Map(
          childrenOf(item, 'field', formNs, mostFields).flatMap((field) => {
            const name = attribute(field, 'var');
            return name === undefined ? [] : [[name, valuesOf(field)] as const];
          }),
        ),
    ),
  };
}

function fieldOf(field: Element): Field {
  const name = attribute(field, 'var');
  const label = wordsOf(field, 'label');
  const description = wordsIn(field, 'desc', formNs);
  return {
    ...(name !== undefined && { name }),
    // An unknown type is read as the default (§3.3).
    type: oneOf(attribute(field, 'type'), fieldTypes) ?? 'text-single',
    ...(label !== undefined && { label }),
    ...(description !== undefined && { description }),
    required: field.getChild('required', formNs) !== undefined,
    values: valuesOf(field),
    options: childrenOf(field, 'option', formNs, mostValues).flatMap((option) => {
      const [value] = valuesOf(option);
      const words = wordsOf(option, 'label');
      return value === undefined ? [] : [{ value, ...(words !== undefined && { label: words }) }];
    }),
  };
}

function valuesOf(element: Element): readonly string[] {
  return childrenOf(element, 'value', formNs, mostValues).map((value) => value.getText().slice(0, mostValue));
}

/** The values of a field of a form; none where it has no such field. */
export function valuesIn(form: Form | undefined, name: string): readonly string[] {
  return form?.fields.find((field) => field.name === name)?.values ?? [];
}

/** The first value of a field of a form. */
export function valueIn(form: Form | undefined, name: string): string | undefined {
  return valuesIn(form, name)[0];
}

/** Whether a field of a form says yes. */
export function saysYes(form: Form | undefined, name: string): boolean {
  return isTrue(valueIn(form, name));
}

/** A form filled in without having been asked for: fields by name, with the kind of the form where it has one. */
export function submission(
  formType: string | undefined,
  fields: Readonly<Record<string, FieldValue | undefined>>,
  type: 'submit' | 'result' = 'submit',
): Element {
  return xml(
    'x',
    { xmlns: formNs, type },
    formType === undefined ? undefined : filled('FORM_TYPE', formType, 'hidden'),
    Object.entries(fields).map(([name, value]) => (value === undefined ? undefined : filled(name, value))),
  );
}

/** An answer to a form is whole, or says which fields it lacks or has wrong, by name. */
export type Answered =
  | { readonly ok: true; readonly form: Element }
  | { readonly ok: false; readonly missing: readonly string[]; readonly unknown: readonly string[] };

/** Answers a form (§3.2): what is given, what the form proposed for the rest; fixed texts are left out. */
export function answer(form: Form, given: Readonly<Record<string, FieldValue>>): Answered {
  const asked = form.fields.filter(({ name, type }) => name !== undefined && type !== 'fixed');
  const unknown = Object.keys(given).filter((name) => !asked.some((field) => field.name === name));
  const answers = asked.map((field) => {
    const value =
      field.name !== undefined && Object.hasOwn(given, field.name) ? given[field.name] : undefined;
    return { field, values: value === undefined ? field.values : texts(value) };
  });
  const missing = answers.flatMap(({ field: { name = '', required }, values }) =>
    required && values.every((value) => value === '') ? [name] : [],
  );
  if (missing.length > 0 || unknown.length > 0) return { ok: false, missing, unknown };
  const fields = answers.flatMap(({ field: { name = '', type }, values }) =>
    values.length === 0 ? [] : [filled(name, values, type === 'hidden' ? 'hidden' : undefined)],
  );
  return { ok: true, form: xml('x', { xmlns: formNs, type: 'submit' }, ...fields) };
}

/** What is said instead of an answer: the form is not filled in. */
export function cancelled(): Element {
  return xml('x', { xmlns: formNs, type: 'cancel' });
}

function filled(name: string, value: FieldValue, type?: FieldType): Element {
  return xml('field', { var: name, type }, ...texts(value).map((text) => xml('value', {}, text)));
}

function texts(value: FieldValue): readonly string[] {
  if (typeof value === 'boolean') return [value ? '1' : '0'];
  return typeof value === 'string' ? [value] : value;
}
