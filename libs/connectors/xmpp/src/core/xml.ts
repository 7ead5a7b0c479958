/*
 * The tree of elements that everything in this room speaks in, and its way onto the wire. Whatever a person typed goes
 * through `serialise`: there and nowhere else is a text made harmless. One character that XML forbids would end the
 * stream, and its resumption as well.
 */
import build, { Element, type Child } from '@xmpp/xml';
import { noNamespace, StreamReader } from './stream-reader.js';

export { Element, type Child };

/**
 * Builds an element. Children and attributes that are null or undefined are left out, and the attributes given are copied.
 * Say a namespace (`xmlns`) wherever it differs from the parent's.
 */
export function xml(
  name: string,
  attrs?: Readonly<Record<string, string | number | null | undefined>> | null,
  ...children: readonly Child[]
): Element {
  return build(name, { ...attrs }, ...children);
}

/**
 * An element as it goes onto the wire. Every character that XML 1.0 §2.2 does not allow is taken out (controls, lone
 * surrogates, U+FFFE and U+FFFF), and line ends and tabs pass through a parser as they are.
 * @param around the namespace that holds where the element will stand; what it shares is not said again.
 */
export function serialise(element: Element, around?: string): string {
  const { xmlns } = element.attrs;
  let text = `<${element.name}`;
  for (const [name, value] of Object.entries(element.attrs)) {
    if (name === 'xmlns') {
      if (value !== around) text += ` xmlns="${value === noNamespace ? '' : inAttribute(value)}"`;
    } else {
      text += ` ${name}="${inAttribute(value)}"`;
    }
  }
  if (element.children.length === 0) return `${text}/>`;
  text += '>';
  for (const child of element.children) {
    text += child instanceof Element ? serialise(child, xmlns ?? around) : inText(child);
  }
  return `${text}</${element.name}>`;
}

/** Whether an element takes no more than so many bytes on the wire. */
export function fits(element: Element, bytes: number): boolean {
  // Nothing grows to more than six bytes a character (`&quot;`): most stanzas need no closer look.
  return roughly(element) * 6 <= bytes || Buffer.byteLength(serialise(element)) <= bytes;
}

function roughly(element: Element): number {
  let length = element.name.length * 2 + 5;
  for (const [name, value] of Object.entries(element.attrs)) length += name.length + value.length + 4;
  for (const child of element.children) {
    length += typeof child === 'string' ? child.length : roughly(child);
  }
  return length;
}

/**
 * A stanza as the stream reader yields it, from its text: names without prefixes, a namespace on every element.
 * @param text of one stanza, in the default namespace `jabber:client`.
 * @throws Error where the text is not one stanza that the reader takes.
 */
export function readStanza(text: string): Element {
  const reader = new StreamReader();
  const stream = `<stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">`;
  reader.push(Buffer.from(`${stream}${text}</stream:stream>`));
  const stanzas: Element[] = [];
  for (;;) {
    const item = reader.next();
    if (item === undefined) throw new Error('The stanza has no end.');
    if (item === 'more') continue;
    if (item.kind === 'fault') throw new Error(item.fault.detail);
    if (item.kind === 'stanza') stanzas.push(item.stanza);
    if (item.kind === 'end') break;
  }
  const [stanza, ...others] = stanzas;
  if (stanza === undefined || others.length > 0) throw new Error('That is not one stanza.');
  return stanza;
}

/** What XML 1.0 §2.2 does not count as a character. */
const forbidden = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
/** What makes a closer look worth while: most texts hold none of it. */
const special = /[&<>"'\0-\x1f\ud800-\udfff\ufffe\uffff]/;

function inText(text: string): string {
  if (!special.test(text)) return text;
  return text
    .replace(forbidden, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#xD;');
}

/** A parser makes one blank of every blank in an attribute, unless it is written as a reference (XML 1.0 §3.3.3). */
function inAttribute(value: string): string {
  if (!special.test(value)) return value;
  return inText(value)
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;')
    .replaceAll('\t', '&#x9;')
    .replaceAll('\n', '&#xA;');
}
