/*
 * Bytes from a peer are hostile until parsed. A reader takes an unknown value and gives it a type or throws; the frames
 * of the loopback protocol are written once, as readers, and their types follow from them.
 */

/** The peer said something that its protocol does not allow. The message holds no text of the peer's. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

export type Reader<T> = (value: unknown, what: string) => T;
export type Read<R> = R extends Reader<infer T> ? T : never;

export const text: Reader<string> = (value, what) => {
  if (typeof value !== 'string') throw new ProtocolViolation(`${what} is no text`);
  return value;
};

/** A whole number from 0 on. */
export const count: Reader<number> = (value, what) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new ProtocolViolation(`${what} is no count`);
  return value;
};

export const flag: Reader<boolean> = (value, what) => {
  if (typeof value !== 'boolean') throw new ProtocolViolation(`${what} is no flag`);
  return value;
};

export function oneOf<const T extends string>(words: readonly T[]): Reader<T> {
  const known: ReadonlySet<string> = new Set(words);
  return (value, what) => {
    if (typeof value !== 'string' || !known.has(value))
      throw new ProtocolViolation(`${what} is no known word`);
    return value as T;
  };
}

export function list<T>(reader: Reader<T>, longest: number): Reader<readonly T[]> {
  return (value, what) => {
    if (!Array.isArray(value) || value.length > longest)
      throw new ProtocolViolation(`${what} is no list, or too long`);
    return value.map((item) => reader(item, what));
  };
}

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Must<S extends Shape> = { readonly [K in keyof S]: Read<S[K]> };
type May<S extends Shape> = { readonly [K in keyof S]?: Read<S[K]> };

/** An object with the fields of `must` and perhaps those of `may`; whatever else it holds is dropped. */
export function fields<A extends Shape>(must: A): Reader<Must<A>>;
export function fields<A extends Shape, B extends Shape>(must: A, may: B): Reader<Must<A> & May<B>>;
export function fields(must: Shape, may: Shape = {}): Reader<object> {
  const needed = Object.entries(must);
  const allowed = Object.entries(may);
  return (value, what) => {
    if (typeof value !== 'object' || value === null) throw new ProtocolViolation(`${what} is no object`);
    const raw = value as Record<string, unknown>;
    const read: Record<string, unknown> = {};
    for (const [key, reader] of needed) read[key] = reader(raw[key], key);
    for (const [key, reader] of allowed) if (raw[key] !== undefined) read[key] = reader(raw[key], key);
    return read;
  };
}

type Tagged<Tag extends string, Cases extends Shape> = {
  readonly [K in keyof Cases & string]: { readonly [T in Tag]: K } & Read<Cases[K]>;
}[keyof Cases & string];

/** One of several objects, told apart by the word in one field. */
export function tagged<Tag extends string, Cases extends Shape>(
  tag: Tag,
  cases: Cases,
): Reader<Tagged<Tag, Cases>> {
  const known = new Map<unknown, Reader<unknown>>(Object.entries(cases));
  return (value, what) => {
    if (typeof value !== 'object' || value === null) throw new ProtocolViolation(`${what} is no object`);
    const word = (value as Record<string, unknown>)[tag];
    const reader = known.get(word);
    if (!reader) throw new ProtocolViolation(`${what} is of no known kind`);
    return { [tag]: word, ...(reader(value, what) as object) } as Tagged<Tag, Cases>;
  };
}
