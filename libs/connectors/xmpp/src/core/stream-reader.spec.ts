import { describe, expect, it } from '@jest/globals';
import { Element } from '@xmpp/xml';
import { leastOf, workOf } from '#peers';
import { noNamespace, StreamReader, type StreamItem, type StreamReaderLimits } from './stream-reader.js';
import { serialise } from './xml.js';

const opening = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='s1' from='example.org' version='1.0'
  xml:lang='en' xmlns:stream='http://etherx.jabber.org/streams'>`;

/** All that a reader says of bytes that come in these chunks. */
function readAll(chunks: Iterable<Buffer | string>, limits?: Partial<StreamReaderLimits>): StreamItem[] {
  const reader = new StreamReader(limits);
  const items: StreamItem[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk));
    for (let item = reader.next(); item !== undefined; item = reader.next()) {
      if (item !== 'more') items.push(item);
    }
  }
  return items;
}

/** What it says in one word each: the condition of a fault, the text of a stanza. */
function told(items: readonly StreamItem[]): string[] {
  return items.map((item) => {
    if (item.kind === 'stanza') return serialise(item.stanza);
    return item.kind === 'fault' ? item.fault.condition : item.kind;
  });
}

describe('what a server says', () => {
  it('is a header, stanzas in their order, and an end', () => {
    const items = readAll([`${opening}<presence/>\n <message><body>hi</body></message> </stream:stream>`]);
    expect(items[0]).toEqual({
      kind: 'open',
      header: { id: 's1', from: 'example.org', version: '1.0', language: 'en', content: 'jabber:client' },
    });
    expect(told(items)).toEqual([
      'open',
      '<presence xmlns="jabber:client"/>',
      '<message xmlns="jabber:client"><body>hi</body></message>',
      'end',
    ]);
  });

  it('is the same wherever the network cuts it, in the middle of a character too', () => {
    const text = `${opening}<message to='ümit@example.org'><body>schön &amp; 🦜 &#x1F99C; <![CDATA[<b>]]></body></message></stream:stream>`;
    const bytes = Buffer.from(text);
    const whole = told(readAll([bytes]));
    expect(whole[1]).toContain('schön &amp; 🦜 🦜 &lt;b&gt;');
    for (let at = 1; at < bytes.length; at++) {
      expect(told(readAll([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(whole);
    }
    expect(told(readAll([...bytes].map((byte) => Buffer.of(byte))))).toEqual(whole);
  });

  it('is the same when a character lies across the pieces that are parsed at a time', () => {
    for (const lead of [4_080, 4_081, 4_082, 4_083]) {
      const body = `${'x'.repeat(lead - opening.length)}${'🦜'.repeat(3_000)}`;
      const [, stanza] = readAll([`${opening}<message><body>${body}</body></message>`]);
      expect(stanza?.kind === 'stanza' && stanza.stanza.getChildText('body', 'jabber:client')).toBe(body);
    }
  });

  it('names every element without its prefix, and says the namespace it is in', () => {
    const [, item] = readAll([
      `${opening}<a:message xmlns:a='jabber:client' xmlns:b='urn:b' from='alice@example.org' b:from='mallory@example.org'>` +
        `<body xmlns='urn:trick'/><b:body/><c xmlns=''/></a:message>`,
    ]);
    const stanza = item?.kind === 'stanza' ? item.stanza : new Element('none');
    expect(stanza.is('message', 'jabber:client')).toBe(true);
    expect(stanza.attrs).toEqual({ from: 'alice@example.org', xmlns: 'jabber:client' });
    expect(stanza.getChild('body', 'jabber:client')).toBeUndefined();
    expect(stanza.getChild('body', 'urn:b')).toBeDefined();
    expect(stanza.getChild('c', 'jabber:client')).toBeUndefined();
    expect(stanza.getChild('c')?.attrs.xmlns).toBe(noNamespace);
    expect(serialise(stanza)).toContain('<c xmlns=""/>');
  });

  it('is told to a component as it is told to a client', () => {
    const [, item] = readAll([
      `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>` +
        `<message><body>hi</body><x xmlns='jabber:x:oob'/></message>`,
    ]);
    const stanza = item?.kind === 'stanza' ? item.stanza : new Element('none');
    expect(stanza.getChildText('body', 'jabber:client')).toBe('hi');
    expect(stanza.getChild('x', 'jabber:x:oob')).toBeDefined();
  });

  it('may hold blanks between stanzas, which say nothing', () => {
    const reader = new StreamReader();
    reader.push(Buffer.from(opening));
    expect(reader.next()).toMatchObject({ kind: 'open' });
    reader.push(Buffer.from(' \n\t \r\n'));
    expect(reader.next()).toBeUndefined();
    expect(reader.isAhead).toBe(false);
    reader.push(Buffer.from('<a'));
    expect(reader.isAhead).toBe(true);
  });

  it('is over with its end', () => {
    expect(told(readAll([`${opening}</stream:stream><presence/>`, '<presence/>']))).toEqual(['open', 'end']);
  });
});

describe('what is no XMPP', () => {
  const levels = (count: number): string => '<a>'.repeat(count) + '</a>'.repeat(count);
  it.each([
    ['a doctype', `<!DOCTYPE stream [<!ENTITY a 'b'>]>${opening}`, 'restricted-xml'],
    ['a doctype inside', `${opening}<!DOCTYPE a><a/>`, 'not-well-formed'],
    ['a comment', `${opening}<message><!-- no --></message>`, 'restricted-xml'],
    ['a processing instruction', `${opening}<?php x ?>`, 'restricted-xml'],
    ['an unknown entity', `${opening}<message><body>&foo;</body></message>`, 'not-well-formed'],
    ['an entity of the prototype', `${opening}<body>&constructor;</body>`, 'not-well-formed'],
    ['an unknown entity in an attribute', `${opening}<message to='&foo;'/>`, 'not-well-formed'],
    ['a control character', `${opening}<body>\x01</body>`, 'not-well-formed'],
    ['a control character by reference', `${opening}<body>&#1;</body>`, 'not-well-formed'],
    ['half a character by reference', `${opening}<body>&#xD800;</body>`, 'not-well-formed'],
    ['a character beyond Unicode', `${opening}<body>&#x110000;</body>`, 'not-well-formed'],
    ['an attribute twice', `${opening}<message to='a' to='b'/>`, 'not-well-formed'],
    [
      'an attribute twice by prefixes',
      `${opening}<m xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>`,
      'not-well-formed',
    ],
    ['a prefix of nobody', `${opening}<a:message/>`, 'not-well-formed'],
    ['elements that cross', `${opening}<a><b></a></b>`, 'not-well-formed'],
    ['text between stanzas', `${opening}hello<message/>`, 'not-well-formed'],
    [
      'a stream inside the stream',
      `${opening}${opening.slice(opening.indexOf('<stream'))}`,
      'not-well-formed',
    ],
    ['a stray end', `${opening}</message>`, 'not-well-formed'],
    ['an attribute without quotes', `${opening}<message to=bob/>`, 'not-well-formed'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'not-well-formed'],
    ['a page', '<html><head/></html>', 'invalid-namespace'],
    ['another stream', `<stream xmlns='urn:other'>`, 'invalid-namespace'],
    ['XML 1.1', `<?xml version='1.1'?>${opening.slice(21)}`, 'restricted-xml'],
    [
      'another encoding',
      `<?xml version='1.0' encoding='ISO-8859-1'?>${opening.slice(21)}`,
      'unsupported-encoding',
    ],
    ['too many levels', `${opening}${levels(100)}`, 'policy-violation'],
    ['levels without end', `${opening}${'<a>'.repeat(200_000)}`, 'policy-violation'],
    [
      'too many attributes',
      `${opening}<a ${Array.from({ length: 101 }, (_, at) => `a${String(at)}=''`).join(' ')}/>`,
      'policy-violation',
    ],
    ['a name without end', `${opening}<${'a'.repeat(1_100_000)}`, 'policy-violation'],
    ['an entity without end', `${opening}<a>&${'a'.repeat(1_100_000)}`, 'policy-violation'],
    ['blanks without end', `${opening}${' '.repeat(1_100_000)}`, 'policy-violation'],
    ['a body without end', `${opening}<body>${'x'.repeat(1_100_000)}`, 'policy-violation'],
    ['elements without end', `${opening}<a>${'<a/>'.repeat(200_000)}`, 'policy-violation'],
    ['a header without end', `<stream:stream a='${'x'.repeat(1_100_000)}`, 'policy-violation'],
    ['an end before the beginning', '</stream:stream>', 'not-well-formed'],
  ])('is a fault: %s', (_what, text, condition) => {
    const items = readAll([text]);
    expect(items.at(-1)).toMatchObject({ kind: 'fault', fault: { condition } });
    expect(items.filter(({ kind }) => kind === 'fault')).toHaveLength(1);
  });

  it.each([
    ['a byte that is none of UTF-8', Buffer.of(0xff)],
    ['a character that is written too long', Buffer.of(0xc0, 0xaf)],
    ['half a character', Buffer.of(0xed, 0xa0, 0x80)],
    ['a character that is broken off', Buffer.of(0xf0, 0x9f, 0x3c)],
  ])('is a fault: %s', (_what, bytes) => {
    const items = readAll([`${opening}<message><body>`, bytes, '</body></message>']);
    expect(items.at(-1)).toMatchObject({ kind: 'fault', fault: { condition: 'not-well-formed' } });
  });

  it('takes nothing from what stood before it', () => {
    expect(told(readAll([`${opening}<presence/><presence/>&`, '<message/>', '&x;<message/>']))).toEqual([
      'open',
      '<presence xmlns="jabber:client"/>',
      '<presence xmlns="jabber:client"/>',
      'not-well-formed',
    ]);
  });

  it.each([
    '<message/></presence>',
    '<message></presence>',
    '<message><body></message></body>',
    '</message>',
  ])('is no stanza and no end: %s', (text) => {
    const items = readAll([`${opening}${text}`]).filter((item) => item.kind !== 'open');
    expect(told(items).at(-1)).toBe('not-well-formed');
    expect(told(items)).not.toContain('end');
    expect(told(items)).toHaveLength(text.startsWith('<message/>') ? 2 : 1);
  });

  it('leaves nothing on an element that every object has', () => {
    const [, item] = readAll([`${opening}<message __proto__='x' constructor='y'/>`]);
    const attrs = item?.kind === 'stanza' ? item.stanza.attrs : {};
    expect(Object.getPrototypeOf(attrs)).toBe(Object.prototype);
    expect(Object.keys(attrs)).toEqual(['constructor', 'xmlns']);
  });
});

describe('the work of reading', () => {
  /** How long each question of a reader takes, in milliseconds. */
  function timesOf(text: string): number[] {
    const reader = new StreamReader();
    reader.push(Buffer.from(text));
    const times: number[] = [];
    for (;;) {
      const began = performance.now();
      const item = reader.next();
      times.push(performance.now() - began);
      if (item === undefined) return times;
    }
  }

  it.each([
    ['a body of a megabyte', `<message><body>${'x'.repeat(1_000_000)}</body></message>`],
    ['references', `<message><body>${'&amp;'.repeat(200_000)}</body></message>`],
    ['sections', `<message><body>${'<![CDATA[x]]>'.repeat(75_000)}</body></message>`],
    ['elements', `<message>${'<a/>'.repeat(26_000)}</message>`],
    ['small stanzas', '<r/>'.repeat(250_000)],
    ['levels and namespaces', `<a>${`${'<a xmlns="u">'.repeat(98)}${'</a>'.repeat(98)}`.repeat(200)}</a>`],
  ])('comes in small pieces, whatever there is of %s', async (_what, text) => {
    // Now and then garbage is collected or others have their turn, and hardly ever at the same question again.
    let least = timesOf(`${opening}${text}`);
    const longest = (): number => {
      const times = timesOf(`${opening}${text}`);
      least = least.map((time, at) => Math.min(time, times[at] ?? Infinity));
      return least.reduce((one, other) => Math.max(one, other), 0);
    };
    expect(await leastOf(15, longest)).toBeLessThan(15);
  });

  it('grows with what is read and not faster', async () => {
    const time = (count: number): number => {
      const text = `${opening}<message><body>${'&amp;<![CDATA[x]]>]]'.repeat(count)}</body></message>`;
      return workOf(() => readAll([text], { stanzaBytes: 64_000_000 }));
    };
    time(20_000);
    const growth = (): number => {
      const [one, eight] = [time(20_000), time(160_000)];
      return eight / one;
    };
    expect(await leastOf(24, growth)).toBeLessThan(24);
  });
});
