/* What a page of HTML says in words: some phones write their messages so. */

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

const lineEnds = new Set(['br', 'p', 'div', 'li', 'tr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6']);
/** What is in these is for machines. */
const hidden = new Set(['script', 'style', 'head', 'title']);

/** The words of HTML, without marks; lines end where blocks do. Nothing of it is ever shown as HTML. */
export function textOfHtml(html: string): string {
  const low = html.toLowerCase();
  const words: string[] = [];
  const say = (from: number, until: number): void => {
    words.push(html.slice(from, until).replace(/[ \t\r\n]+/g, ' '));
  };
  for (let at = 0; at < html.length;) {
    const open = html.indexOf('<', at);
    const close = open === -1 ? -1 : low.indexOf(low.startsWith('<!--', open) ? '-->' : '>', open);
    if (close === -1) {
      say(at, html.length);
      break;
    }
    say(at, open);
    const [, ends, name = ''] = /^<(\/?)([a-z][a-z0-9]{0,10})/.exec(low.slice(open, open + 14)) ?? [];
    if (name === '' && !/^<[!?/]/.test(low.slice(open, open + 2))) {
      words.push('<');
      at = open + 1;
    } else if (ends === '' && hidden.has(name)) {
      const end = low.indexOf(`</${name}`, close);
      if (end === -1) break;
      at = end;
    } else {
      // A paragraph ends with its end, a line with the mark itself.
      if (lineEnds.has(name) && (ends !== '' || name === 'br')) words.push('\n');
      at = html.indexOf('>', close) + 1;
    }
  }
  return withCharacters(words.join(''))
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim();
}

function withCharacters(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,6}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) =>
      name === undefined
        ? characterOf(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
        : (entities[name.toLowerCase()] ?? whole),
  );
}

function characterOf(code: number): string {
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    ? String.fromCodePoint(code)
    : '\ufffd';
}
