/* Stanzas of the corpus, maimed: what a broken, a strange or a hostile server may say. The same seed gives the same. */

/** Numbers in [0, 1), the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Drawing {
  readonly me: string;
  readonly room: string;
}

const oddTexts: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '99999999999999999999',
  'NaN',
  'true',
  '2026-13-45T99:99:99Z',
  '2026-01-02',
  'x'.repeat(5_000),
  '\u202eolleh',
  '\ufeff\u200b',
  '👩‍👩‍👧‍👦'.repeat(50),
  '\ufffe'.replace('\ufffe', '\ufffd'),
  '../../etc/passwd',
  'javascript:alert(1)',
  '*'.repeat(3_000),
  '```'.repeat(500),
  '&gt;'.repeat(2_000),
  '\n'.repeat(2_000),
  '__proto__',
  'constructor',
  '=====',
  'AAAA',
];
const oddAddresses: readonly string[] = [
  '',
  '@',
  '/',
  'a@b@c',
  '{me}',
  '{bare}',
  '{bare}/other',
  '{domain}',
  '{room}',
  '{room}/alice',
  '{room}/',
  'mallory@{domain}',
  'mallory@elsewhere.example.org/x',
  'rooms.{domain}',
  `${'x'.repeat(2_000)}@{domain}`,
  'bob@{domain}/\u0130\u00df\u{1f600}',
  'xn--@{domain}',
];

export class HostileStanzas {
  readonly #random: () => number;
  readonly #corpus: readonly string[];
  readonly #drawing: Drawing;
  readonly #namespaces: readonly string[];
  readonly #names: readonly string[];
  readonly #parts: readonly string[];

  constructor(seed: number, corpus: readonly string[], drawing: Drawing) {
    this.#random = seeded(seed);
    this.#corpus = corpus;
    this.#drawing = drawing;
    const all = corpus.join('');
    this.#namespaces = [...new Set([...all.matchAll(/xmlns='([^']+)'/g)].map(([, one = '']) => one))];
    this.#names = [...new Set([...all.matchAll(/<([a-zA-Z-]+)/g)].map(([, one = '']) => one))];
    // Whole elements without others in them, to be put elsewhere.
    this.#parts = [
      ...new Set([...all.matchAll(/<([a-zA-Z-]+)(?: [^<>]*)?(?:\/>|>[^<]*<\/\1>)/g)].map(([one]) => one)),
    ];
  }

  /** A stanza that is well-formed, however strange: the stream goes on after it. */
  wellFormed(): string {
    let stanza = this.#one(this.#corpus);
    const changes = Math.floor(this.#random() * 4);
    for (let i = 0; i < changes; i++) stanza = this.#change(stanza);
    return this.#filled(stanza);
  }

  /** Bytes that need not be XML. */
  broken(): Buffer {
    const bytes = Buffer.from(this.wellFormed());
    const at = Math.floor(this.#random() * bytes.length);
    switch (Math.floor(this.#random() * 5)) {
      case 0:
        return bytes.subarray(0, at);
      case 1:
        bytes[at] = Math.floor(this.#random() * 256);
        return bytes;
      case 2:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from('<![CDATA['), bytes.subarray(at)]);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from('&#x0;&lol;'), bytes.subarray(at)]);
      default:
        return Buffer.concat([bytes.subarray(at), bytes]);
    }
  }

  #change(stanza: string): string {
    switch (Math.floor(this.#random() * 9)) {
      case 0:
        return this.#replace(
          stanza,
          /(?<=\s)(from|to|jid|by)='[^']*'/g,
          (_, name) => `${name}='${this.#one(oddAddresses)}'`,
        );
      case 1:
        return this.#replace(
          stanza,
          /(?<=\s)(?!xmlns)([\w:-]+)='[^']*'/g,
          (_, name) => `${name}='${this.#one(oddTexts)}'`,
        );
      case 2:
        return this.#replace(stanza, /\s(?!xmlns)[\w:-]+='[^']*'/g, () => '');
      case 3:
        return this.#replace(stanza, /xmlns='[^']*'/g, () => `xmlns='${this.#one(this.#namespaces)}'`);
      case 4:
        return this.#replace(
          stanza,
          /type='[^']*'/g,
          () =>
            `type='${this.#one(['get', 'set', 'result', 'error', 'chat', 'groupchat', 'headline', 'unavailable', 'subscribe', 'nonsense'])}'`,
        );
      case 5:
        return this.#replace(stanza, /(?<=>)[^<>]+(?=<\/)/g, () => this.#one(oddTexts));
      case 6:
        // Another element beside one that stands by itself, or many of it.
        return this.#replace(stanza, /<([a-zA-Z-]+)(?: [^<>]*)?(?:\/>|>[^<]*<\/\1>)/g, (whole) =>
          this.#random() < 0.2 ? whole.repeat(200) : whole + this.#one(this.#parts),
        );
      case 7:
        return this.#replace(stanza, /<([a-zA-Z-]+)(?: [^<>]*)?(?:\/>|>[^<]*<\/\1>)/g, () =>
          this.#one(['', this.#one(this.#parts)]),
        );
      default: {
        const name = this.#one(this.#names);
        return this.#replace(
          stanza,
          /<([a-zA-Z-]+)((?: [^<>]*)?)\/>/g,
          (_, __, attrs) => `<${name}${attrs}/>`,
        );
      }
    }
  }

  /** Replaces one of the places where a pattern fits. */
  #replace(
    stanza: string,
    pattern: RegExp,
    by: (whole: string, first: string, second: string) => string,
  ): string {
    const places = [...stanza.matchAll(pattern)];
    const place = places[Math.floor(this.#random() * places.length)];
    if (place === undefined) return stanza;
    const [whole, first = '', second = ''] = place;
    return stanza.slice(0, place.index) + by(whole, first, second) + stanza.slice(place.index + whole.length);
  }

  #filled(stanza: string): string {
    const { me, room } = this.#drawing;
    const [bare = ''] = me.split('/');
    const id = `f${String(Math.floor(this.#random() * 50))}`;
    return stanza
      .replaceAll('{me}', me)
      .replaceAll('{bare}', bare)
      .replaceAll('{domain}', bare.slice(bare.indexOf('@') + 1))
      .replaceAll('{room}', room)
      .replaceAll('{id}', id);
  }

  #one(list: readonly string[]): string {
    return list[Math.floor(this.#random() * list.length)] ?? '';
  }
}
