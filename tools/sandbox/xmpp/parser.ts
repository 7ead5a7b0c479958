/* Bytes of one stream, to elements: strict where RFC 6120 §11 is, and bounded. */
import { StringDecoder } from 'node:string_decoder';
import type { Element } from './element.js';

export type Fault = 'not-well-formed' | 'restricted-xml' | 'policy-violation';

export interface StreamHandler {
  opened(attrs: Readonly<Record<string, string>>): void;
  element(element: Element): void;
  closed(): void;
  fault(fault: Fault): void;
}

interface Open {
  readonly element: Element;
  /** The name as it was written, and what prefixes mean inside. */
  readonly written: string;
  readonly prefixes: Readonly<Record<string, string>>;
}

class NotTaken extends Error {
  constructor(readonly fault: Fault) {
    super(fault);
  }
}

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const tagPattern = /^<(\/?)([^\s/>='"<&]+)((?:\s+[^\s=/>'"<]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>$/;
const attributePattern = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

export class StreamParser {
  readonly #handler: StreamHandler;
  readonly #mostCharacters: number;
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #open: Open[] = [];
  #isOver = false;
  /** Characters of the stanza at hand. */
  #size = 0;

  constructor(handler: StreamHandler, mostCharacters: number) {
    this.#handler = handler;
    this.#mostCharacters = mostCharacters;
  }

  /** A new stream begins on the same connection (RFC 6120 §4.3.3). */
  restart(): void {
    this.#open = [];
    this.#size = 0;
  }

  /** What was read and not understood before TLS has no meaning after it. */
  forget(): void {
    this.restart();
    this.#rest = '';
    this.#decoder = new StringDecoder('utf8');
  }

  feed(chunk: Buffer): void {
    this.#rest += this.#decoder.write(chunk);
    try {
      for (let token = this.#token(); token !== undefined && !this.#isOver; token = this.#token()) {
        this.#take(token);
      }
      if (this.#size + this.#rest.length > this.#mostCharacters) throw new NotTaken('policy-violation');
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      this.#isOver = true;
      this.#rest = '';
      this.#handler.fault(error.fault);
    }
  }

  /** The next whole tag, or text up to one. */
  #token(): string | undefined {
    const rest = this.#rest;
    if (rest === '' || this.#isOver) return undefined;
    const cut = (end: number): string | undefined => {
      if (end <= 0) return undefined;
      this.#rest = rest.slice(end);
      return rest.slice(0, end);
    };
    if (!rest.startsWith('<')) {
      const next = rest.indexOf('<');
      if (next !== -1) return cut(next);
      // An entity may be cut in the middle.
      const amp = rest.lastIndexOf('&');
      return cut(amp === -1 || rest.includes(';', amp) || rest.length - amp > 12 ? rest.length : amp);
    }
    if (rest.startsWith('<![CDATA[')) return cut(rest.indexOf(']]>') + 3 > 2 ? rest.indexOf(']]>') + 3 : 0);
    if (rest.startsWith('<!')) {
      if ('<![CDATA['.startsWith(rest)) return undefined;
      throw new NotTaken('restricted-xml');
    }
    if (rest.startsWith('<?')) return cut(rest.indexOf('?>') === -1 ? 0 : rest.indexOf('?>') + 2);
    let quote = '';
    for (let at = 1; at < rest.length; at++) {
      const character = rest[at] ?? '';
      if (quote !== '') {
        if (character === quote) quote = '';
      } else if (character === '"' || character === "'") quote = character;
      else if (character === '>') return cut(at + 1);
      else if (character === '<') throw new NotTaken('not-well-formed');
    }
    return undefined;
  }

  #take(token: string): void {
    if (forbidden.test(token)) throw new NotTaken('not-well-formed');
    if (this.#open.length > 1) this.#size += token.length;
    if (this.#size > this.#mostCharacters) throw new NotTaken('policy-violation');
    if (token.startsWith('<![CDATA[')) this.#text(token.slice(9, -3));
    else if (token.startsWith('<?')) {
      if (this.#open.length > 0 || !token.startsWith('<?xml ')) throw new NotTaken('restricted-xml');
    } else if (token.startsWith('<')) this.#tag(token);
    else this.#text(decode(token));
  }

  #text(value: string): void {
    if (this.#open.length > 1) this.#open.at(-1)?.element.children.push(value);
    else if (value.trim() !== '') throw new NotTaken('not-well-formed');
  }

  #tag(token: string): void {
    const [whole, closing, written = '', given = '', empty] = tagPattern.exec(token) ?? [];
    if (whole === undefined) throw new NotTaken('not-well-formed');
    if (closing === '/') {
      if (given !== '' || empty === '/' || this.#open.at(-1)?.written !== written)
        throw new NotTaken('not-well-formed');
      this.#close();
      return;
    }
    const raw: Record<string, string> = {};
    for (const [, name = '', double, single] of given.matchAll(attributePattern)) {
      if (Object.hasOwn(raw, name)) throw new NotTaken('not-well-formed');
      raw[name] = decode(double ?? single ?? '');
    }
    const outer = this.#open.at(-1);
    const prefixes: Record<string, string> = { ...outer?.prefixes };
    const attrs: Record<string, string> = {};
    for (const [name, value] of Object.entries(raw)) {
      if (name === 'xmlns') prefixes[''] = value;
      else if (name.startsWith('xmlns:')) prefixes[name.slice(6)] = value;
      else attrs[name] = value;
    }
    const [prefix, local] = written.includes(':') ? written.split(':', 2) : ['', written];
    const xmlns = prefixes[prefix ?? ''];
    if (xmlns === undefined || local === undefined || local === '') throw new NotTaken('not-well-formed');
    const element: Element = { name: local, attrs: { ...attrs, xmlns }, children: [] };
    this.#open.push({ element, written, prefixes });
    if (this.#open.length > 500) throw new NotTaken('policy-violation');
    if (outer === undefined) this.#handler.opened(element.attrs);
    else if (this.#open.length > 2) outer.element.children.push(element);
    if (empty === '/') this.#close();
  }

  #close(): void {
    const ended = this.#open.pop();
    if (this.#open.length === 0) {
      this.#isOver = true;
      this.#handler.closed();
    } else if (this.#open.length === 1 && ended !== undefined) {
      this.#size = 0;
      this.#handler.element(ended.element);
    }
  }
}

function decode(value: string): string {
  return value.replace(/&([^;&]*;?)/g, (_, reference: string) => {
    const [, hex, decimal, name] = /^(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|(\w+));$/i.exec(reference) ?? [];
    const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
    const found =
      name === undefined ? (code <= 0x10ffff ? String.fromCodePoint(code) : undefined) : named[name];
    if (found === undefined || forbidden.test(found)) throw new NotTaken('not-well-formed');
    return found;
  });
}
