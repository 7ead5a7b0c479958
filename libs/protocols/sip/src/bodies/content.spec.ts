import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contentOf, firstTextPart, readText, type Content } from './content.js';

const headers = (fields: Readonly<Record<string, string>>) => new Map(Object.entries(fields));
const content = (fields: Readonly<Record<string, string>>, body: Buffer | string): Content => {
  const read = contentOf(headers(fields), Buffer.from(body));
  if ('fault' in read) throw new Error(read.fault);
  return read;
};
const textOf = (type: string, body: Buffer) => readText(content({ 'content-type': type }, body));

describe('a body', () => {
  it('is text where it does not say what it is', () => {
    expect(content({}, 'hi')).toMatchObject({ type: { type: 'text/plain' }, bytes: Buffer.from('hi') });
  });

  it('says what it is for and in which language', () => {
    expect(
      content(
        {
          'content-type': 'Message/IMDN+XML',
          'content-disposition': 'Notification; handling=optional',
          'content-language': 'fr, en',
        },
        '',
      ),
    ).toMatchObject({ type: { type: 'message/imdn+xml' }, disposition: 'notification', language: 'fr' });
  });

  it.each([
    ['deflate', 'with the head and sum of zlib', deflateSync],
    ['deflate', 'without them, as some write it', deflateRawSync],
    ['gzip', 'as files are', gzipSync],
    ['Deflate', 'with a large name', deflateSync],
  ])('is unpacked: %s, %s', (coding, _, pack) => {
    expect(content({ 'content-encoding': coding }, pack(Buffer.from('hello'))).bytes.toString()).toBe(
      'hello',
    );
  });

  it('is unpacked in the other order than it was packed', () => {
    const packed = gzipSync(deflateSync(Buffer.from('hello')));
    expect(content({ 'content-encoding': 'deflate, gzip' }, packed).bytes.toString()).toBe('hello');
  });

  it.each([
    ['unknown', { 'content-encoding': 'br' }, Buffer.from('x'), 415],
    ['too many', { 'content-encoding': 'gzip,gzip,gzip,gzip' }, Buffer.from('x'), 415],
    ['broken', { 'content-encoding': 'deflate' }, Buffer.from('no'), 400],
    ['cut', { 'content-encoding': 'gzip' }, gzipSync(Buffer.from('hello')).subarray(0, 12), 400],
    ['a bomb', { 'content-encoding': 'deflate' }, deflateSync(Buffer.alloc(50_000_000)), 413],
    [
      'a bomb of the raw kind',
      { 'content-encoding': 'deflate' },
      deflateRawSync(Buffer.alloc(50_000_000)),
      413,
    ],
    ['missing, as is its type', { 'content-type': ';;' }, Buffer.from('x'), 400],
  ])('is refused where its packing is %s', (_, fields: Record<string, string>, body, status) => {
    expect(contentOf(headers(fields), body)).toEqual({ status, fault: expect.any(String) });
  });

  it('is refused where it is larger than it may be', () => {
    expect(contentOf(headers({}), Buffer.alloc(11), 10)).toMatchObject({ status: 413 });
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('deflate', 'gzip', 'deflate,gzip', ''),
        fc.uint8Array(),
        (type, coding, bytes) => {
          const read = contentOf(
            headers({ 'content-type': type, 'content-encoding': coding }),
            Buffer.from(bytes),
          );
          if (!('fault' in read)) {
            readText(read);
            firstTextPart(read);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('text', () => {
  it.each([
    ['text/plain', Buffer.from('schön 🦜')],
    ['text/plain; charset=UTF-8', Buffer.from('schön 🦜')],
    ['text/plain; charset="utf-16"', Buffer.from('\ufeffschön 🦜', 'utf16le')],
    ['text/plain; charset=utf-16', Buffer.from('\ufeffschön 🦜', 'utf16le').swap16()],
    ['text/plain; charset=utf-16', Buffer.from('schön 🦜', 'utf16le').swap16()],
    ['text/plain; charset=UTF-16LE', Buffer.from('schön 🦜', 'utf16le')],
    ['text/plain; charset=utf-16be', Buffer.from('schön 🦜', 'utf16le').swap16()],
  ])('is read in its character set: %s', (type, bytes) => {
    expect(textOf(type, bytes)).toBe('schön 🦜');
  });

  it.each([
    ['iso-8859-1', [0xe9], 'é'],
    ['ISO-8859-15', [0xa4], '€'],
    ['iso-8859-7', [0xe1], 'α'],
    ['windows-1252', [0x80], '€'],
    ['us-ascii', [0x61], 'a'],
  ])('is read in older ones: %s', (charset, bytes, text) => {
    expect(textOf(`text/plain; charset=${charset}`, Buffer.from(bytes))).toBe(text);
  });

  it('that names none and is no UTF-8 is what it most likely is', () => {
    expect(textOf('text/plain', Buffer.from([0x63, 0x61, 0x66, 0xe9]))).toBe('café');
  });

  it('in a character set of nobody is a fault, and broken bytes are marked', () => {
    expect(textOf('text/plain; charset=klingon', Buffer.from('x'))).toMatchObject({ status: 415 });
    expect(textOf('text/plain; charset=utf-8', Buffer.from([0x61, 0xff]))).toBe('a\ufffd');
  });
});

describe('several parts', () => {
  const parts = (inside: string, type = 'multipart/mixed; boundary="b 1"') => {
    const part = firstTextPart(content({ 'content-type': type }, inside.replaceAll('\n', '\r\n')));
    return 'fault' in part ? part : readText(part);
  };

  it('are read by the first plain text among them', () => {
    expect(
      parts(
        `A preamble\n--b 1\nContent-Type: text/html\n\n<b>hi</b>\n--b 1\nContent-Type: image/png\n\nxyz\n` +
          `--b 1\nContent-Type: text/plain; charset=utf-8\n\nhi\nthere\n--b 1--\nAn epilogue`,
      ),
    ).toBe('hi\r\nthere');
  });

  it('are read by any text where none is plain, and by none that is a file', () => {
    expect(parts('--b 1\nContent-Type: text/html\n\n<b>hi</b>\n--b 1--')).toBe('<b>hi</b>');
    expect(parts('--b 1\nContent-Disposition: attachment\n\nfile\n--b 1\n\nwords\n--b 1--')).toBe('words');
  });

  it('may hold parts again, be packed as mail is, and lack their end', () => {
    expect(
      parts('--b 1\nContent-Type: multipart/alternative; boundary=c\n\n--c\n\ninner\n--c--\n\n--b 1--'),
    ).toBe('inner');
    expect(parts('--b 1\nContent-Transfer-Encoding: base64\n\naGVs\nbG8=\n--b 1--')).toBe('hello');
    expect(parts('--b 1\nContent-Transfer-Encoding: quoted-printable\n\nsch=C3=B6=\nn\n--b 1--')).toBe(
      'schön',
    );
    expect(parts('--b 1\n\nno end')).toBe('no end');
  });

  it('are told from words that only look like a boundary', () => {
    expect(parts('--b 1\n\nx--b 1\n--b 12\ny\n--b 1--')).toBe('x--b 1\r\n--b 12\r\ny');
  });

  it.each([
    ['no boundary', 'multipart/mixed', '--b 1\n\nx', 400],
    ['no text', 'multipart/mixed; boundary="b 1"', '--b 1\nContent-Type: image/png\n\nx\n--b 1--', 415],
    ['nothing in it', 'multipart/mixed; boundary="b 1"', '', 415],
    [
      'itself in it, again and again',
      'multipart/mixed; boundary=b',
      '--b\nContent-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: multipart/mixed; boundary=b2\n\n--b2\nContent-Type: multipart/mixed; boundary=b3\n\n--b3\nContent-Type: multipart/mixed; boundary=b4\n\n--b4\nContent-Type: multipart/mixed; boundary=b5\n\n',
      400,
    ],
  ])('are refused with %s', (_, type, body, status) => {
    expect(parts(body, type)).toEqual({ status, fault: expect.any(String) });
  });

  it('are unpacked so far as one body may be, however they are packed in each other', () => {
    const packed = (type: string, body: Buffer, times: number): Buffer => {
      const part = Buffer.concat([
        Buffer.from(`--b\r\nContent-Type: ${type}\r\nContent-Encoding: deflate\r\n\r\n`),
        deflateSync(body),
        Buffer.from('\r\n'),
      ]);
      return Buffer.concat([...Array<Buffer>(times).fill(part), Buffer.from('--b--')]);
    };
    const type = 'multipart/mixed; boundary=b';
    const bomb = packed(type, packed(type, packed('text/plain', Buffer.alloc(900_000), 40), 40), 40);
    const unread = packed('image/png', Buffer.alloc(900_000), 40);
    const broken = packed('text/plain', Buffer.from('x'), 1).fill(0xff, 64, 66);
    const fields = { 'content-type': type, 'content-encoding': 'deflate' };
    const read = (body: Buffer) => firstTextPart(content(fields, deflateSync(body)));
    const began = performance.now();
    expect(read(bomb)).toMatchObject({ status: 413 });
    expect(read(unread)).toMatchObject({ status: 415 });
    expect(read(broken)).toMatchObject({ status: 415 });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('are found in good time, however often their boundary seems to come', () => {
    const fields = { 'content-type': 'multipart/mixed; boundary=b' };
    const began = performance.now();
    for (const mark of ['--b', '\n--b x'])
      expect(firstTextPart(content(fields, mark.repeat(1_000_000 / mark.length)))).toMatchObject({
        status: 415,
      });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('are no parts where it is something else', () => {
    const whole = content({ 'content-type': 'text/html' }, 'hi');
    expect(firstTextPart(whole)).toBe(whole);
  });
});
