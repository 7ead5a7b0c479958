/*
 * Bytes in; stream header, stanzas and end out. Nothing that a peer can write makes it throw, hold more than it may, or
 * work longer than its bytes are worth: what is not clean XML of the kind that RFC 6120 §11 allows is a fault, and after a
 * fault nothing is read.
 *
 * Bytes are parsed a small piece at a time, when somebody asks for the next item. So a paused stream parses nothing, a
 * long stanza can be read with pauses in it, and a short text that is kept somewhere keeps no more than its piece alive.
 */
import { isUtf8 } from 'node:buffer';
import { Element } from '@xmpp/xml';
import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes';

/** The namespace of streams (RFC 6120 §4.8.1). */
export const streamNamespace = 'http://etherx.jabber.org/streams';
/** What stanzas are in: those of clients (RFC 6120 §4.8.2), and those of components. */
export const clientNamespace = 'jabber:client';
export const componentNamespace = 'jabber:component:accept';
/** Stands in `attrs.xmlns` for "in no namespace": an empty one would look as if the parent's held. */
export const noNamespace = 'about:no-namespace';

/** What the other side said when it opened its stream (RFC 6120 §4.7). None of it has been believed yet. */
export interface StreamHeader {
  readonly id: string | undefined;
  readonly from: string | undefined;
  readonly version: string | undefined;
  readonly language: string | undefined;
  /** The content namespace: `jabber:client`, `jabber:component:accept`. */
  readonly content: string;
}

/** Why a stream cannot be read any further, by the condition that RFC 6120 §4.9.3 names for it. */
export interface StreamFault {
  readonly condition:
    'not-well-formed' | 'restricted-xml' | 'invalid-namespace' | 'unsupported-encoding' | 'policy-violation';
  /** A sentence; nothing of what the peer wrote is in it. */
  readonly detail: string;
}

export type StreamItem =
  | { readonly kind: 'open'; readonly header: StreamHeader }
  | { readonly kind: 'stanza'; readonly stanza: Element }
  | { readonly kind: 'end' }
  | { readonly kind: 'fault'; readonly fault: StreamFault };

export interface StreamReaderLimits {
  /**
   * Bytes of one stanza, and of what stands between two. A roster of ten thousand or an avatar fits into the 1 MiB that
   * is usual; RFC 6120 §13.12 asks for 10,000 at least, and servers allow their clients 64 to 512 KiB.
   */
  readonly stanzaBytes: number;
}

const usual: StreamReaderLimits = { stanzaBytes: 1_048_576 };
/** Levels of elements with the stream's own; forwarded messages in results in messages are far from it. */
const mostLevels = 100;
const mostAttributes = 100;
/** An element costs some 40 times its bytes: of `<a/>` alone, a stanza of full size would hold a hundred megabytes. */
const bytesPerElement = 40;
const piece = 4_096;

/** Ends the parser's work at once; caught where it was begun. */
class Stop extends Error {
  constructor(readonly fault: StreamFault) {
    super(fault.condition);
  }
}

export class StreamReader {
  readonly #limits: StreamReaderLimits;
  readonly #parser = new SaxesParser({
    xmlns: true,
    position: false,
    defaultXMLVersion: '1.0',
    forceXMLVersion: true,
  });
  #held: Buffer = Buffer.alloc(0);
  #from = 0;
  readonly #items: StreamItem[] = [];
  #over = false;
  /** What an end tag has made whole. The parser tells the end first, and then that it was another element's. */
  #done: StreamItem | undefined;
  /** The namespace that stanzas come in. */
  #content = '';
  #levels = 0;
  #open: Element | undefined;
  #attributes = 0;
  /** Of the stanza at hand: bytes fed to the parser, and nodes made of them. */
  #bytes = 0;
  #nodes = 0;

  constructor(limits: Partial<StreamReaderLimits> = {}) {
    this.#limits = { ...usual, ...limits };
    const parser = this.#parser;
    parser.on('error', ({ message }) => {
      if (message === crossed) this.#done = undefined;
      throw stop('not-well-formed', 'The server sent what is not well-formed XML.');
    });
    parser.on('xmldecl', ({ version, encoding }) => {
      if (version !== '1.0') throw stop('restricted-xml', 'The server writes another XML than 1.0.');
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8') {
        throw stop('unsupported-encoding', 'The server writes another encoding than UTF-8.');
      }
    });
    parser.on('doctype', restricted);
    parser.on('processinginstruction', restricted);
    parser.on('comment', restricted);
    parser.on('opentagstart', () => {
      this.#settle();
      this.#attributes = 0;
      if (++this.#levels > mostLevels) throw stop('policy-violation', 'The server nests too deeply.');
      if (++this.#nodes * bytesPerElement > this.#limits.stanzaBytes) {
        throw stop('policy-violation', 'The server sent a stanza of too many elements.');
      }
    });
    parser.on('attribute', () => {
      if (++this.#attributes > mostAttributes) {
        throw stop('policy-violation', 'The server sent an element of too many attributes.');
      }
    });
    parser.on('opentag', (tag) => {
      this.#opened(tag);
    });
    parser.on('closetag', () => {
      this.#closed();
    });
    parser.on('text', (text) => {
      this.#text(text);
    });
    parser.on('cdata', (text) => {
      this.#text(text);
    });
  }

  /** Takes bytes in; they are parsed when they are asked for. The buffer must not change any more. */
  push(chunk: Buffer): void {
    if (this.#over) return;
    const rest = this.#held.subarray(this.#from);
    this.#held = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.#from = 0;
  }

  /**
   * The next item. `more` where a piece has been parsed and no item is whole yet: ask again, now or after others had
   * their turn. Undefined when bytes are needed. After `end` and `fault` nothing comes any more.
   */
  next(): StreamItem | 'more' | undefined {
    const item = this.#items.shift();
    if (item !== undefined) return item;
    if (this.#over) return undefined;
    const until = this.#pieceEnd();
    if (until === this.#from) return undefined;
    const bytes = this.#held.subarray(this.#from, until);
    this.#from = until;
    this.#parse(bytes);
    if (this.#from === this.#held.length) this.#drop();
    return this.#items.shift() ?? (this.#held.length === 0 ? undefined : 'more');
  }

  /** Whether something has come that nobody asked for yet, blanks aside: before a restart there must be nothing. */
  get isAhead(): boolean {
    if (this.#items.length > 0 || this.#open !== undefined) return true;
    for (let at = this.#from; at < this.#held.length; at++) {
      if (!blanks.includes(this.#held[at] ?? 0)) return true;
    }
    return false;
  }

  /** Where the next piece ends: before a character that has not come whole. */
  #pieceEnd(): number {
    const held = this.#held;
    const most = Math.min(held.length, this.#from + piece);
    // The last character begins at most four bytes before the end.
    for (let back = 1; back <= 4 && most - back >= this.#from; back++) {
      const byte = held[most - back] ?? 0;
      if ((byte & 0xc0) === 0x80) continue;
      const length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      return length > back ? most - back : most;
    }
    return most;
  }

  #parse(bytes: Buffer): void {
    this.#bytes += bytes.length;
    try {
      if (!isUtf8(bytes)) throw stop('not-well-formed', 'The server sent what is not UTF-8.');
      this.#parser.write(bytes.toString('utf8'));
      this.#settle();
      if (this.#bytes > this.#limits.stanzaBytes) {
        throw stop('policy-violation', 'The server sent a stanza that is too large.');
      }
    } catch (error) {
      const fault =
        error instanceof Stop
          ? error.fault
          : stop('not-well-formed', 'The server sent what cannot be read as XML.').fault;
      // What stood before it in the same piece is whole and counts, unless the stream was over.
      this.#settle();
      if (!this.#over) this.#items.push({ kind: 'fault', fault });
      this.#over = true;
    }
    if (this.#over) this.#drop();
  }

  #drop(): void {
    this.#held = nothing;
    this.#from = 0;
  }

  #opened(tag: SaxesTagNS): void {
    if (this.#levels === 1) {
      this.#header(tag);
      return;
    }
    // Taken for a stanza, it would swallow all that follows until the limit is reached.
    if (tag.uri === streamNamespace && tag.local === 'stream') {
      throw stop('not-well-formed', 'The server opened a stream inside its stream.');
    }
    const element = new Element(tag.local);
    element.attrs = attributesOf(tag, this.#content);
    if (this.#open !== undefined) this.#open.append(element);
    this.#open = element;
  }

  #header(tag: SaxesTagNS): void {
    if (tag.uri !== streamNamespace || tag.local !== 'stream') {
      throw stop('invalid-namespace', 'What the server opened is no XMPP stream.');
    }
    const { id, from, version, 'xml:lang': language } = tag.attributes;
    this.#content = tag.ns[''] ?? '';
    this.#items.push({
      kind: 'open',
      header: {
        id: id?.value,
        from: from?.value,
        version: version?.value,
        language: language?.value,
        content: this.#content,
      },
    });
    this.#next();
  }

  #closed(): void {
    this.#settle();
    this.#levels--;
    if (this.#levels === 0) {
      this.#done = { kind: 'end' };
      return;
    }
    const element = this.#open;
    if (element === undefined) return;
    this.#open = element.parent ?? undefined;
    if (element.parent === null) {
      this.#done = { kind: 'stanza', stanza: element };
    }
  }

  #settle(): void {
    const done = this.#done;
    if (done === undefined || this.#over) return;
    this.#done = undefined;
    this.#items.push(done);
    this.#over = done.kind === 'end';
    this.#next();
  }

  #text(text: string): void {
    this.#settle();
    const children = this.#open?.children;
    if (children === undefined) {
      // Blanks between stanzas keep the connection alive (RFC 6120 §4.6.1); words there are nobody's.
      if (/[^ \t\r\n]/.test(text)) throw stop('not-well-formed', 'The server sent text between stanzas.');
      return;
    }
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + text;
    else children.push(text);
  }

  #next(): void {
    this.#bytes = 0;
    this.#nodes = 0;
  }
}

/** What saxes 6.0.0 says of an end tag that is not the open element's. */
const crossed = 'unexpected close tag.';
const nothing = Buffer.alloc(0);
const blanks: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/**
 * The attributes that belong to the element itself. Those in a foreign namespace are left out: XMPP defines none but
 * xml:lang, and `x:from` must never be taken for `from`. A component's stanzas are told as those of a client: they are the
 * same in another namespace (XEP-0114 §3).
 */
function attributesOf(tag: SaxesTagNS, content: string): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const { name, prefix, value } of Object.values<SaxesAttributeNS>(tag.attributes)) {
    if (prefix === '' ? name !== '__proto__' : prefix === 'xml') attrs[name] = value;
  }
  const namespace = tag.uri === content && content === componentNamespace ? clientNamespace : tag.uri;
  attrs['xmlns'] = namespace === '' ? noNamespace : namespace;
  return attrs;
}

function restricted(): never {
  throw stop('restricted-xml', 'The server sent XML of a kind that no stream may hold.');
}

function stop(condition: StreamFault['condition'], detail: string): Stop {
  return new Stop({ condition, detail });
}
