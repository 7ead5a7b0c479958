/*
 * What this room uses of @xmpp/xml 0.14, which comes without types: its tree of elements. Its parser is not ours (ADR
 * 0007), and neither is its `toString`: it lets through what no server takes (`serialise` in core/xml.ts).
 */
declare module '@xmpp/xml' {
  /** An element with its attributes and children. Those from the wire carry their own namespace in `attrs.xmlns`. */
  class Element {
    constructor(name: string, attrs?: Readonly<Record<string, string>>);
    readonly name: string;
    parent: Element | null;
    attrs: Record<string, string>;
    /** Elements, and texts between them. */
    children: (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getName(): string;
    getNS(): string | undefined;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildElements(): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    /** The texts directly in it, joined. */
    getText(): string;
    /** Puts nodes at the end, and makes them its children. */
    append(...nodes: (Element | string)[]): void;
    remove(child: Element): this;
  }

  type Child = Element | string | false | null | undefined | readonly Child[];

  /** Builds an element. Attributes and children that are null or undefined are left out, and so are empty texts. */
  function xml(
    name: string,
    attrs?: Record<string, string | number | null | undefined> | null,
    ...children: readonly Child[]
  ): Element;

  export { Element, xml };
  export default xml;
  export type { Child };
}
