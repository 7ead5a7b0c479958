/*
 * The header fields of a message, in their order. Names are the same whatever their case and whether they are written
 * short or long (RFC 3261 §7.3.1, §7.3.3); here they are held long and in small letters.
 */
import { splitList } from './grammar.js';

/** Short names, by RFC 3261 §7.3.3, 3515, 3841, 3892, 4028, 4474, 6665. */
const longNames: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Fields whose grammar is a list, so that a comma in one is the same as another field (RFC 3261 §7.3.1). */
const lists = new Set([
  'accept',
  'accept-contact',
  'accept-encoding',
  'accept-language',
  'alert-info',
  'allow',
  'allow-events',
  'call-info',
  'contact',
  'content-encoding',
  'content-language',
  'diversion',
  'error-info',
  'history-info',
  'in-reply-to',
  'p-asserted-identity',
  'p-associated-uri',
  'p-preferred-identity',
  'path',
  'proxy-require',
  'reason',
  'record-route',
  'reject-contact',
  'request-disposition',
  'require',
  'resource-priority',
  'route',
  'security-client',
  'security-server',
  'security-verify',
  'service-route',
  'supported',
  'unsupported',
  'via',
  'warning',
]);

/** The name under which a field is held: `v` and `VIA` are `via`. */
export function nameOf(name: string): string {
  const low = name.toLowerCase();
  return low.length === 1 ? (longNames[low] ?? low) : low;
}

/** A name and a value. */
export type Field = readonly [name: string, value: string];

export class Headers {
  #fields: Field[];

  constructor(fields: readonly Field[] = []) {
    this.#fields = fields.map(([name, value]) => [nameOf(name), value]);
  }

  /** Of fields whose names are those that `nameOf` gives; they are kept, not copied. */
  static of(fields: Field[]): Headers {
    const headers = new Headers();
    headers.#fields = fields;
    return headers;
  }

  /** From names and values; a copy, where they are headers already. */
  static from(headers: Headers | Readonly<Record<string, string | readonly string[]>>): Headers {
    if (headers instanceof Headers) return new Headers([...headers]);
    return new Headers(
      Object.entries(headers).flatMap(([name, value]) =>
        (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
      ),
    );
  }

  /** The value of the first field of a name, whole: with commas where it is a list. */
  get(name: string): string | undefined {
    const known = nameOf(name);
    for (const field of this.#fields) if (field[0] === known) return field[1];
    return undefined;
  }

  /** The values of all fields of a name, each whole. */
  all(name: string): readonly string[] {
    const known = nameOf(name);
    const values: string[] = [];
    for (const field of this.#fields) if (field[0] === known) values.push(field[1]);
    return values;
  }

  /** The values of all fields of a name, those of lists one by one; a field that holds no list is one value. */
  list(name: string): readonly string[] {
    const values = this.all(name);
    return lists.has(nameOf(name)) ? values.flatMap(splitList) : values;
  }

  /** The words of a list, as of Allow, Supported and Require; what is empty between commas is left out. */
  tokens(name: string): readonly string[] {
    return this.list(name).filter((word) => word !== '');
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Adds a field below all others. */
  add(name: string, value: string): this {
    this.#fields.push([nameOf(name), value]);
    return this;
  }

  /** Adds a field above all others, as a proxy or sender does with Via and Route. */
  prepend(name: string, value: string): this {
    this.#fields.unshift([nameOf(name), value]);
    return this;
  }

  /** One field in place of all of a name; where none was, below all others. */
  set(name: string, value: string): this {
    const known = nameOf(name);
    const at = this.#fields.findIndex(([one]) => one === known);
    if (at < 0) return this.add(known, value);
    this.remove(known);
    this.#fields.splice(at, 0, [known, value]);
    return this;
  }

  remove(name: string): this {
    const known = nameOf(name);
    for (let at = this.#fields.length - 1; at >= 0; at--) {
      if (this.#fields[at]?.[0] === known) this.#fields.splice(at, 1);
    }
    return this;
  }

  [Symbol.iterator](): IterableIterator<Field> {
    return this.#fields[Symbol.iterator]();
  }
}
