/** What JSON can carry. A field that is `undefined` is left out. */
export type JsonLike =
  string | number | boolean | null | readonly JsonLike[] | { readonly [key: string]: JsonLike | undefined };
