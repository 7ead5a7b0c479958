/*
 * Just enough XML for a client of servers that write it well: elements, attributes, text and the entities that are
 * always there. It shares nothing with the product's parser, so what it read was on the wire.
 */

/** An element as it was read. */
export interface Tree {
  /** Without its prefix. */
  readonly name: string;
  readonly xmlns: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly (Tree | string)[];
}

/** The first child element of a name, in a namespace where one is given. */
export function child(tree: Tree | undefined, name: string, xmlns?: string): Tree | undefined {
  return childrenOf(tree, name, xmlns)[0];
}

/** Every child element of a name, in a namespace where one is given. */
export function childrenOf(tree: Tree | undefined, name: string, xmlns?: string): readonly Tree[] {
  return (tree?.children ?? []).filter(
    (one): one is Tree =>
      typeof one !== 'string' && one.name === name && (xmlns === undefined || one.xmlns === xmlns),
  );
}

/** The text right inside an element; undefined without the element. */
export function textOf(tree: Tree | undefined): string | undefined {
  return tree?.children.filter((one) => typeof one === 'string').join('');
}

/** A text or an attribute's value as it stands in XML. */
export function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;');
}

interface Open {
  readonly name: string;
  readonly prefixes: ReadonlyMap<string, string>;
  readonly tree: Tree & { readonly children: (Tree | string)[] };
}

const tag = /<([^\s/>]+)((?:\s+[^\s=/>]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/y;
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Reads a stream in pieces of any size and hands over what stands right under its root, with the text of it. */
export class TreeReader {
  private rest = '';
  private raw = '';
  private readonly open: Open[] = [];

  constructor(private readonly took: (stanza: Tree, raw: string) => void) {}

  write(text: string): void {
    this.rest += text;
    while (this.rest !== '' && this.step()) continue;
  }

  private step(): boolean {
    const { rest } = this;
    if (!rest.startsWith('<')) {
      const end = rest.indexOf('<');
      if (end === -1) return false;
      this.take(end, (text) => this.open.at(-1)?.tree.children.push(plain(text)));
      return true;
    }
    if (rest.startsWith('<?')) {
      const end = rest.indexOf('?>');
      if (end !== -1) this.rest = rest.slice(end + 2);
      return end !== -1;
    }
    if (rest.startsWith('</')) {
      const end = rest.indexOf('>');
      if (end !== -1)
        this.take(end + 1, () => {
          this.close();
        });
      return end !== -1;
    }
    tag.lastIndex = 0;
    const found = tag.exec(rest);
    if (!found) return false;
    this.take(found[0].length, () => {
      this.begin(found[1] ?? '', found[2] ?? '');
      if (found[3] === '/') this.close();
    });
    return true;
  }

  private take(length: number, act: (text: string) => void): void {
    const text = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    if (this.open.length > 0) this.raw += text;
    act(text);
  }

  private begin(name: string, attributes: string): void {
    const above = this.open.at(-1);
    const prefixes = new Map(above?.prefixes);
    const attrs: Record<string, string> = {};
    for (const [, key = '', one, two] of attributes.matchAll(attribute)) {
      const value = plain(one ?? two ?? '');
      if (key === 'xmlns') prefixes.set('', value);
      else if (key.startsWith('xmlns:')) prefixes.set(key.slice(6), value);
      else attrs[key] = value;
    }
    const [prefix, local] = name.includes(':') ? (name.split(':') as [string, string]) : ['', name];
    const tree: Open['tree'] = { name: local, xmlns: prefixes.get(prefix) ?? '', attrs, children: [] };
    above?.tree.children.push(tree);
    this.open.push({ name, prefixes, tree });
    if (this.open.length === 1) this.raw = '';
  }

  private close(): void {
    const done = this.open.pop();
    if (done === undefined || this.open.length !== 1) return;
    const raw = this.raw;
    this.raw = '';
    // What was handed over is not kept: the root lives as long as the stream.
    this.open[0]?.tree.children.splice(0);
    this.took(done.tree, raw);
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function plain(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : Number(name.slice(1));
    return String.fromCodePoint(code);
  });
}
