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
  // As long as what it is made of: some letters grow when they become small (İ).
  const low = html.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());
  const marks = /<(?:(\/?)([a-z][a-z0-9]{0,10})|[!?/])/g;
  const words: string[] = [];
  const say = (from: number, until: number): void => {
    words.push(html.slice(from, until).replace(/[ \t\r\n]+/g, ' '));
  };
  for (let at = 0; at < html.length;) {
    marks.lastIndex = at;
    const mark = marks.exec(low);
    const end = mark !== null && low.startsWith('<!--', mark.index) ? '-->' : '>';
    const close = mark === null ? -1 : low.indexOf(end, mark.index);
    if (mark === null || close === -1) {
      say(at, html.length);
      break;
    }
    say(at, mark.index);
    const [, ends, name = ''] = mark;
    if (ends === '' && hidden.has(name)) {
      at = low.indexOf(`</${name}`, close);
      if (at === -1) break;
    } else {
      // A paragraph ends with its end, a line with the mark itself.
      if (lineEnds.has(name) && (ends !== '' || name === 'br')) words.push('\n');
      at = close + end.length;
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
