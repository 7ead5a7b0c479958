/*
 * XML as bodies of presence and messages have it: read into a small tree, written with everything escaped. What a peer
 * writes costs no more than its bytes are worth: no DTD, no entities but XML's own five, limits on everything.
 */
import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes';
import type { Fault } from './fault.js';

/** An element: its local name and the namespace that it is in, '' where it is in none. */
export interface XmlElement {
  readonly name: string;
  readonly ns: string;
  /** By name; those in a namespace by `{namespace}name`, but for `xml:lang`. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
}

export interface XmlLimits {
  /** Bytes of a document. */
  readonly bytes: number;
  /** Elements in each other, the root with them. */
  readonly depth: number;
  /** Elements, and sections of CDATA, which cost as much. */
  readonly elements: number;
  /** Attributes of one element, declarations of namespaces with them. */
  readonly attributes: number;
}

const usual: XmlLimits = { bytes: 131_072, depth: 40, elements: 3_000, attributes: 50 };

/** Ends the parser's work at once; caught where it was begun. */
class Stop extends Error {}

interface Growing extends XmlElement {
  readonly attributes: Map<string, string>;
  readonly children: (Growing | string)[];
}

/**
 * Reads a document, in UTF-8, in UTF-16 with a byte order mark, or in the encoding that its declaration names.
 * @returns its root, or why it is none: it is too much, no well-formed XML 1.0, or has a DTD.
 */
export function readXml(bytes: Buffer, limits: Partial<XmlLimits> = {}): XmlElement | Fault {
  const most = { ...usual, ...limits };
  if (bytes.length > most.bytes) return { fault: 'The document is too large.' };
  const text = decoded(bytes);
  if (text === undefined) return { fault: 'The document is not in the encoding that it should be in.' };
  try {
    return parse(text, most);
  } catch (error) {
    return { fault: error instanceof Stop ? error.message : 'The document is not well-formed XML.' };
  }
}

function parse(text: string, most: XmlLimits): XmlElement | Fault {
  const parser = new SaxesParser({
    xmlns: true,
    position: false,
    defaultXMLVersion: '1.0',
    forceXMLVersion: true,
  });
  const open: Growing[] = [];
  let root: Growing | undefined;
  let pieces = 0;
  let attributes = 0;
  const piece = (): void => {
    if (++pieces > most.elements) throw new Stop('The document has too many elements.');
  };
  parser.on('error', () => {
    throw new Stop('The document is not well-formed XML.');
  });
  parser.on('doctype', () => {
    throw new Stop('The document has a DTD, which none may have.');
  });
  parser.on('opentagstart', () => {
    attributes = 0;
    piece();
    if (open.length >= most.depth) throw new Stop('The document is nested too deeply.');
  });
  parser.on('attribute', () => {
    if (++attributes > most.attributes) throw new Stop('An element has too many attributes.');
  });
  parser.on('opentag', (tag) => {
    const element: Growing = {
      name: tag.local,
      ns: tag.uri,
      attributes: attributesOf(tag),
      children: [],
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => {
    open.pop();
  });
  const said = (words: string): void => {
    const children = open.at(-1)?.children;
    if (children === undefined) return;
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + words;
    else children.push(words);
  };
  parser.on('text', said);
  parser.on('cdata', (words) => {
    piece();
    said(words);
  });
  parser.write(text).close();
  return root ?? { fault: 'The document is empty.' };
}

function attributesOf(tag: SaxesTagNS): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, local, prefix, uri, value } of Object.values<SaxesAttributeNS>(tag.attributes)) {
    if (prefix === 'xmlns' || name === 'xmlns') continue;
    if (prefix === '') found.set(local, value);
    else found.set(prefix === 'xml' ? name : `{${uri}}${local}`, value);
  }
  return found;
}

/** The text of a document; undefined where its bytes are none in the encoding that it claims. */
function decoded(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  const mark =
    first === 0xfe && second === 0xff
      ? 'utf-16be'
      : first === 0xff && second === 0xfe
        ? 'utf-16le'
        : undefined;
  const declared = /^(?:\xef\xbb\xbf)?<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(
    bytes.toString('latin1', 0, 256),
  )?.[1];
  try {
    return new TextDecoder(mark ?? declared ?? 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Makes an element; attributes and children that are undefined are left out. */
export function xmlElement(
  ns: string,
  name: string,
  attributes: Readonly<Record<string, string | undefined>> = {},
  children: readonly (XmlElement | string | undefined)[] = [],
): XmlElement {
  const present = Object.entries(attributes).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    ns,
    name,
    attributes: new Map(present),
    children: children.filter((child) => child !== undefined),
  };
}

/** All text of an element that is directly in it. */
export function xmlText(element: XmlElement): string {
  return element.children.filter((child) => typeof child === 'string').join('');
}

/** The elements directly in an element, in their order. */
export function xmlElements(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** Of the elements directly in an element, those of a name. */
export function xmlChildren(element: XmlElement, ns: string, name: string): readonly XmlElement[] {
  return xmlElements(element).filter((child) => child.name === name && child.ns === ns);
}

/** The first of them. */
export function xmlChild(element: XmlElement, ns: string, name: string): XmlElement | undefined {
  return xmlChildren(element, ns, name)[0];
}

/**
 * A document, in UTF-8 with its declaration. Whatever XML cannot carry (controls, halves of surrogates) is left out.
 * @param prefixes by namespace, declared at the root. The root's own has none; another without one is declared where it
 *   is used.
 */
export function writeXml(root: XmlElement, prefixes: Readonly<Record<string, string>> = {}): string {
  const declared = Object.entries(prefixes).filter(([ns]) => ns !== root.ns);
  const known = new Map(declared);
  const around = declared.map(([ns, prefix]) => ` xmlns:${prefix}="${escaped(ns)}"`).join('');
  return `<?xml version="1.0" encoding="UTF-8"?>\n${written(root, undefined, known, around)}\n`;
}

/** @param around the namespace that elements without prefix are in where this one stands */
function written(
  { ns, name, attributes, children }: XmlElement,
  around: string | undefined,
  prefixes: ReadonlyMap<string, string>,
  declarations = '',
): string {
  const prefix = prefixes.get(ns);
  const tag = prefix === undefined ? name : `${prefix}:${name}`;
  const own = prefix === undefined && ns !== around ? ` xmlns="${escaped(ns)}"` : '';
  const inside = prefix === undefined ? ns : around;
  const said = [...attributes].map(([key, value]) => ` ${key}="${escaped(value)}"`).join('');
  const head = `<${tag}${own}${declarations}${said}`;
  if (children.length === 0) return `${head}/>`;
  const inner = children.map((child) =>
    typeof child === 'string' ? escaped(child) : written(child, inside, prefixes),
  );
  return `${head}>${inner.join('')}</${tag}>`;
}

/** What XML 1.0 §2.2 does not count as a character. */
const forbidden = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
/** Written as references, so that no reader makes another blank of them (XML 1.0 §2.11, §3.3.3). */
const references: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function escaped(text: string): string {
  return text.replace(forbidden, '').replace(/[&<>"'\t\n\r]/g, (character) => references[character] ?? '');
}
