import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cpimHeader, cpimHeaders, readCpim, writeCpim, type Cpim, type CpimHeader } from './cpim.js';

const read = (text: string | Buffer): Cpim => {
  const cpim = readCpim(Buffer.from(text));
  if ('fault' in cpim) throw new Error(cpim.fault);
  return cpim;
};

/** RFC 3862 §5, with the header of another namespace in a language (§3.4, §3.5). */
const example = [
  'From: MR SANDERS <im:piglet@100akerwood.com>',
  'To: Depressed Donkey <im:eeyore@100akerwood.com>',
  'DateTime: 2000-12-13T13:40:00-08:00',
  'Subject: the weather will be fine today',
  "Subject:;lang=fr beau temps prevu pour aujourd'hui",
  'NS: MyFeatures <mid:MessageFeatures@id.foo.com>',
  'Require: MyFeatures.VitalMessageOption',
  'MyFeatures.VitalMessageOption: Confirmation-requested',
  'MyFeatures.WackyMessageOption: Use-silly-font',
  '',
  'Content-type: text/xml; charset=utf-8',
  'Content-ID: <1234567890@foo.com>',
  '',
  '<body>',
  'Here is the text of my message.',
  '</body>',
].join('\r\n');

describe('a message with headers of its own', () => {
  it('says them by name and namespace, and then what it holds (the example of RFC 3862 §5)', () => {
    const cpim = read(example.replace(':;lang=fr', ';lang=fr:'));
    expect(cpimHeader(cpim, 'From')).toBe('MR SANDERS <im:piglet@100akerwood.com>');
    expect(cpimHeaders(cpim, 'Subject')).toEqual([
      'the weather will be fine today',
      "beau temps prevu pour aujourd'hui",
    ]);
    expect(cpim.headers.find(({ language }) => language === 'fr')?.name).toBe('Subject');
    expect(cpimHeader(cpim, 'VitalMessageOption', 'mid:MessageFeatures@id.foo.com')).toBe(
      'Confirmation-requested',
    );
    expect(cpimHeader(cpim, 'VitalMessageOption')).toBeUndefined();
    expect([...cpim.content.headers]).toEqual([
      ['content-type', 'text/xml; charset=utf-8'],
      ['content-id', '<1234567890@foo.com>'],
    ]);
    expect(cpim.content.body.toString()).toBe('<body>\r\nHere is the text of my message.\r\n</body>');
  });

  it('may end its lines as Unix does, and fold what describes its content', () => {
    const cpim = read('From: <im:a@b>\n\nContent-Type: text/plain;\n charset=utf-8\n\nhi\n');
    expect(cpim.content.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(cpim.content.body.toString()).toBe('hi\n');
  });

  it('may have no headers of its own, and content that says nothing of itself', () => {
    expect(read('\r\n\r\nhi')).toEqual({
      headers: [],
      content: { headers: new Map(), body: Buffer.from('hi') },
    });
  });

  it('says by escapes what no line may hold (§2.3.1)', () => {
    const cpim = read('Subject: a\\nb\\u00fc\\\\c\\"d\r\n\r\n\r\n');
    expect(cpimHeader(cpim, 'Subject')).toBe('a\nbü\\c"d');
  });

  it('may declare the namespace of names without prefix', () => {
    expect(cpimHeader(read('NS: <urn:x>\r\nColour: red\r\n\r\n\r\n'), 'Colour', 'urn:x')).toBe('red');
  });

  it.each([
    ['nothing', ''],
    ['headers without an end', 'From: <im:a@b>\r\n'],
    ['content without a beginning', 'From: <im:a@b>\r\n\r\nContent-Type: text/plain\r\n'],
    ['a header without a name', ': x\r\n\r\n\r\n'],
    ['a line that is no header', 'hello\r\n\r\n\r\nhi'],
    ['too many headers', `${'A: b\r\n'.repeat(200)}\r\n\r\n`],
    ['a header without end', `A: ${'b'.repeat(100_000)}\r\n\r\n\r\n`],
  ])('is none where it is %s', (_, text) => {
    expect(readCpim(Buffer.from(text))).toEqual({ fault: expect.any(String) });
  });

  it('never throws, whatever the bytes', () => {
    const bits = fc.constantFrom(
      'NS',
      ':',
      ' ',
      '<',
      '>',
      '.',
      ';lang=',
      '"',
      '\\',
      '\\u00',
      '\r\n',
      '\n',
      'a',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(bits), (some) => {
        readCpim(Buffer.from(some.join('')));
      }),
      { numRuns: 500 },
    );
  });

  it('reads back as it was written', () => {
    const name = fc.stringMatching(/^[A-Z][A-Za-z-]{0,10}$/).filter((text) => text !== 'NS');
    const header: fc.Arbitrary<CpimHeader> = fc.record(
      {
        name,
        ns: fc.constantFrom('urn:ietf:params:imdn', 'urn:example:x', 'mid:y@example.org'),
        value: fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.toWellFormed().trim()),
        language: fc.constantFrom('en', 'de-CH'),
      },
      { requiredKeys: ['name', 'value'] },
    );
    fc.assert(
      fc.property(fc.array(header, { maxLength: 6 }), fc.uint8Array(), (headers, bytes) => {
        const written: Cpim = {
          headers,
          content: { headers: new Map([['content-type', 'text/plain']]), body: Buffer.from(bytes) },
        };
        expect(read(writeCpim(written))).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });
});
