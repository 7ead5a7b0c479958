/*
 * The element tree of the sandbox. A name is local, and every element that came from a peer has its namespace in its own
 * `xmlns`, so that no prefix can fool anybody. Built elements without one get their parent's.
 */
import { ns } from './namespaces.js';

export interface Element {
  readonly name: string;
  readonly attrs: Record<string, string>;
  children: (Element | string)[];
}

type Child = Element | string | undefined;

/** An element; `attrs` may be the namespace alone. What is undefined is left out. */
export function el(
  name: string,
  attrs: string | Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): Element {
  const given = typeof attrs === 'string' ? { xmlns: attrs } : attrs;
  const own = Object.fromEntries(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  const element: Element = { name, attrs: own, children: children.filter((one) => one !== undefined) };
  if (own['xmlns'] !== undefined) inherit(element, own['xmlns']);
  return element;
}

/** A stanza: an element of `jabber:client`. */
export function stanza(
  name: 'message' | 'presence' | 'iq',
  attrs: Readonly<Record<string, string | undefined>>,
  ...children: readonly Child[]
): Element {
  return el(name, { xmlns: ns.client, ...attrs }, ...children);
}

function inherit(element: Element, xmlns: string): void {
  for (const child of elements(element)) {
    if (child.attrs['xmlns'] !== undefined) continue;
    child.attrs['xmlns'] = xmlns;
    inherit(child, xmlns);
  }
}

export function elements(element: Element): readonly Element[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** The first child of this name and namespace (the parent's where none is given). */
export function child(
  element: Element | undefined,
  name: string,
  xmlns = element?.attrs['xmlns'],
): Element | undefined {
  return element && elements(element).find((one) => one.name === name && one.attrs['xmlns'] === xmlns);
}

export function all(
  element: Element | undefined,
  name: string,
  xmlns = element?.attrs['xmlns'],
): readonly Element[] {
  if (element === undefined) return [];
  return elements(element).filter((one) => one.name === name && one.attrs['xmlns'] === xmlns);
}

/** Whether it has a child of this namespace, with this name if one is given. */
export function has(element: Element, xmlns: string, name?: string): boolean {
  return elements(element).some(
    (one) => one.attrs['xmlns'] === xmlns && (name === undefined || one.name === name),
  );
}

/** Its text, without that of its children. */
export function text(element: Element | undefined): string {
  return element?.children.filter((one) => typeof one === 'string').join('') ?? '';
}

/** A copy of its own, with other attributes; undefined takes one away. */
export function copy(element: Element, attrs: Readonly<Record<string, string | undefined>> = {}): Element {
  const own = Object.fromEntries(
    Object.entries({ ...element.attrs, ...attrs }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    ),
  );
  return {
    name: element.name,
    attrs: own,
    children: element.children.map((one) => (typeof one === 'string' ? one : copy(one))),
  };
}

/** As text, inside a parent of the namespace given. */
export function write(element: Element, outer: string = ns.client): string {
  const { xmlns = outer, ...attrs } = element.attrs;
  // What belongs to the stream bears its prefix, and what is in it the namespace of the stream's content.
  const isStream = xmlns === ns.streams;
  const name = isStream ? `stream:${element.name}` : element.name;
  const inner = isStream ? outer : xmlns;
  const declared = xmlns !== outer && !isStream ? ` xmlns='${escape(xmlns)}'` : '';
  const written = Object.entries(attrs).map(([key, value]) => ` ${key}='${escape(value)}'`);
  const open = `<${name}${declared}${written.join('')}`;
  if (element.children.length === 0) return `${open}/>`;
  const content = element.children.map((one) => (typeof one === 'string' ? escape(one) : write(one, inner)));
  return `${open}>${content.join('')}</${name}>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export function escape(value: string): string {
  return value.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
