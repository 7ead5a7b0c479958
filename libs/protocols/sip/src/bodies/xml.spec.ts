import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readXml, writeXml, xmlChild, xmlChildren, xmlElement, xmlText, type XmlElement } from './xml.js';

const read = (text: string | Buffer): XmlElement => {
  const root = readXml(Buffer.from(text));
  if ('fault' in root) throw new Error(root.fault);
  return root;
};

describe('a document', () => {
  it('is a tree whose elements know their namespaces, whatever the prefixes', () => {
    const root = read(`<?xml version="1.0"?><!-- a note -->
      <a:presence xmlns:a="urn:a" xmlns="urn:b" id="1" a:id="2" xml:lang="en"><b>x<![CDATA[<y>]]>&amp;z</b><c xmlns=""/></a:presence>`);
    expect([root.ns, root.name]).toEqual(['urn:a', 'presence']);
    expect([...root.attributes]).toEqual([
      ['id', '1'],
      ['{urn:a}id', '2'],
      ['xml:lang', 'en'],
    ]);
    expect(xmlText(xmlChild(root, 'urn:b', 'b') ?? root)).toBe('x<y>&z');
    expect(xmlChild(root, '', 'c')).toBeDefined();
    expect(xmlChildren(root, 'urn:a', 'b')).toEqual([]);
  });

  it.each([
    ['UTF-16 with its mark', Buffer.from('\ufeff<?xml version="1.0" encoding="utf-16"?><a>ü</a>', 'utf16le')],
    ['UTF-16 of the other order', Buffer.from('\ufeff<a>ü</a>', 'utf16le').swap16()],
    [
      'the encoding that it names',
      Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>ü</a>', 'latin1'),
    ],
    ['UTF-8 with a mark', Buffer.from('\ufeff<a>ü</a>')],
  ])('may be in %s', (_, bytes) => {
    expect(xmlText(read(bytes))).toBe('ü');
  });

  it.each([
    ['nothing', ''],
    ['blanks', ' \n'],
    ['no XML', 'hello'],
    ['a DTD', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
    ['a DTD from elsewhere', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'],
    ['an unknown entity', '<a>&b;</a>'],
    ['an entity that every object has', '<a>&constructor;</a>'],
    ['a doubled attribute', '<a b="1" b="2"/>'],
    ['an attribute doubled by prefixes', '<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>'],
    ['a prefix of nobody', '<x:a/>'],
    ['elements that cross', '<a><b></a></b>'],
    ['no end', '<a><b/>'],
    ['two roots', '<a/><b/>'],
    ['a control character', '<a>\u0001</a>'],
    ['a control character by reference', '<a>&#1;</a>'],
    ['too many levels', `${'<a>'.repeat(41)}${'</a>'.repeat(41)}`],
    ['too many elements', `<a>${'<b/>'.repeat(3_000)}</a>`],
    ['too many attributes', `<a ${Array.from({ length: 51 }, (_, n) => `b${String(n)}="1"`).join(' ')}/>`],
    ['too many bytes', `<a>${'x'.repeat(131_072)}</a>`],
    ['an encoding of nobody', '<?xml version="1.0" encoding="x-none"?><a/>'],
  ])('is none, and that is told: %s', (_, text) => {
    expect(readXml(Buffer.from(text))).toEqual({ fault: expect.any(String) });
  });

  it('is none where bytes are no characters', () => {
    expect(readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toHaveProperty('fault');
  });

  it('is read in a time that its bytes are worth, however it is made', () => {
    const hostile = [
      `<a>${'&amp;'.repeat(52_000)}</a>`,
      `<a>${'<![CDATA[]]>'.repeat(21_000)}</a>`,
      '<a '.repeat(80_000),
      `<a b="${'&lt;'.repeat(60_000)}"/>`,
      `<a>${'<b xmlns="u">'.repeat(20_000)}`,
      `<a ${'xmlns:x="u" '.repeat(20_000)}/>`,
      `<?xml ${'version '.repeat(30_000)}`,
      `<a>${'<b c="d" e="f"/>'.repeat(2_900)}</a>`,
    ].map((text) => Buffer.from(text).subarray(0, 131_072));
    for (const bytes of hostile) {
      const took = (): number => {
        const began = performance.now();
        readXml(bytes);
        return performance.now() - began;
      };
      // The least of several: others may have had a turn.
      expect(Math.min(took(), took(), took())).toBeLessThan(50);
    }
  });

  it('never throws, whatever the bytes', () => {
    const bits = fc.constantFrom(
      '<',
      '>',
      '/',
      'a',
      '"',
      '=',
      ' ',
      '&',
      ';',
      '<?',
      '?>',
      '<!',
      '-',
      'xmlns',
      ':',
      '\0',
      '[',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.array(bits).map((some) => Buffer.from(some.join(''))),
        ),
        (bytes) => {
          readXml(Buffer.from(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a document of ours', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/).filter((text) => !text.startsWith('xml'));
  const ns = fc.constantFrom('', 'urn:a', 'urn:b', 'urn:c&<"');
  const words = fc
    .string({ unit: 'binary', minLength: 1 })
    .map((text) =>
      text.toWellFormed().replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''),
    );
  const { tree } = fc.letrec<{ tree: XmlElement }>((tie) => ({
    tree: fc
      .tuple(
        ns,
        name,
        fc.dictionary(name, words, { maxKeys: 4 }),
        fc.array(fc.oneof({ depthSize: 'small' }, words, tie('tree')), { maxLength: 4 }),
      )
      .map(([space, local, attributes, children]) => xmlElement(space, local, attributes, joined(children))),
  }));

  /** Texts beside each other are one when they are read. */
  function joined(children: readonly (XmlElement | string)[]): readonly (XmlElement | string)[] {
    const all: (XmlElement | string)[] = [];
    for (const child of children) {
      const last = all.at(-1);
      if (typeof child === 'string' && typeof last === 'string') all[all.length - 1] = last + child;
      else if (child !== '') all.push(child);
    }
    return all;
  }

  it('reads back as it was, with and without prefixes', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom({}, { 'urn:a': 'p', 'urn:b': 'q' }), (root, prefixes) => {
        // The root stands where its namespace needs no prefix.
        expect(read(writeXml(root, prefixes))).toEqual(root);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves out what XML cannot carry', () => {
    const root = xmlElement('', 'a', { b: '\u0000x\ud800' }, ['\u0001y\uffff\ud83d\ude00']);
    expect(xmlText(read(writeXml(root)))).toBe('y😀');
    expect(read(writeXml(root)).attributes.get('b')).toBe('x');
  });
});
