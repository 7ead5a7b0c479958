/* Answers, forms and pages, as many parts of the sandbox make and read them. */
import { all, child, copy, el, elements, stanza, text, type Element } from './element.js';
import { ns } from './namespaces.js';

/** What a question (iq) is about. */
export function payload(iq: Element): Element | undefined {
  return elements(iq).find(({ name }) => name !== 'error');
}

export function result(iq: Element, content?: Element): Element {
  const { from, to, id } = iq.attrs;
  return stanza('iq', { type: 'result', id, from: to, to: from }, content);
}

type ErrorType = 'auth' | 'cancel' | 'modify' | 'wait';

/** A stanza that comes back with an error (RFC 6120 §8.3). */
export function bounce(
  original: Element,
  type: ErrorType,
  condition: string,
  words?: string,
  ...more: readonly Element[]
): Element {
  const { from, to } = original.attrs;
  const error = el(
    'error',
    { xmlns: ns.client, type },
    el(condition, ns.stanzaErrors),
    words === undefined ? undefined : el('text', ns.stanzaErrors, words),
    ...more,
  );
  const answer = copy(original, { from: to, to: from, type: 'error' });
  // What was asked for need not come back; what was said does.
  if (original.name === 'iq') answer.children = [];
  answer.children.push(error);
  return answer;
}

/** Values of a data form (XEP-0004) by field. */
export function readForm(form: Element | undefined): ReadonlyMap<string, readonly string[]> {
  return new Map(
    all(form, 'field', ns.data).map((field) => [
      field.attrs['var'] ?? '',
      all(field, 'value', ns.data).map((value) => text(value)),
    ]),
  );
}

type Fields = Readonly<Record<string, string | readonly string[] | boolean>>;

export function form(type: 'form' | 'result' | 'submit', formType: string, fields: Fields): Element {
  const field = (name: string, value: Fields[string], kind?: string): Element =>
    el(
      'field',
      { var: name, type: kind ?? (typeof value === 'boolean' && type === 'form' ? 'boolean' : undefined) },
      ...(typeof value === 'string' ? [value] : typeof value === 'boolean' ? [value ? '1' : '0'] : value).map(
        (one) => el('value', {}, one),
      ),
    );
  return el(
    'x',
    { xmlns: ns.data, type },
    field('FORM_TYPE', formType, 'hidden'),
    ...Object.entries(fields).map(([name, value]) => field(name, value)),
  );
}

export function delay(at: number, from?: string): Element {
  return el('delay', { xmlns: ns.delay, stamp: new Date(at).toISOString(), from });
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly complete: boolean;
  readonly count: number;
  /** Number of the first item among all. */
  readonly index: number;
}

/**
 * A page of a list as a result set asks for it (XEP-0059); undefined where it asks from an item that is not there.
 * Without `before` and `after`: the first page.
 */
export function page<T>(
  list: readonly T[],
  idOf: (item: T) => string,
  set: Element | undefined,
  most: number,
): Page<T> | undefined {
  const asked = Number.parseInt(text(child(set, 'max')), 10);
  const max = Number.isNaN(asked) ? most : Math.min(Math.max(asked, 0), most);
  const [after, before] = [child(set, 'after'), child(set, 'before')];
  const place = (id: string): number => list.findIndex((item) => idOf(item) === id);
  let [from, to] = [0, list.length];
  if (after !== undefined && text(after) !== '') {
    from = place(text(after)) + 1;
    if (from === 0) return undefined;
  }
  if (before !== undefined && text(before) !== '') {
    to = place(text(before));
    if (to === -1) return undefined;
  }
  const isBackward = before !== undefined;
  const [start, end] = isBackward ? [Math.max(from, to - max), to] : [from, Math.min(to, from + max)];
  return {
    items: list.slice(start, end),
    complete: isBackward ? start <= from : end >= to,
    count: list.length,
    index: start,
  };
}

/** What a page says of itself (XEP-0059). */
export function resultSet<T>({ items, count, index }: Page<T>, idOf: (item: T) => string): Element {
  const [first, last] = [items[0], items.at(-1)];
  return el(
    'set',
    ns.rsm,
    first === undefined ? undefined : el('first', { index: String(index) }, idOf(first)),
    last === undefined ? undefined : el('last', {}, idOf(last)),
    el('count', {}, String(count)),
  );
}
