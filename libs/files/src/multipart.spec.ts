import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MalformedUpload } from './broken.js';
import { boundaryOf, fileOfForm } from './multipart.js';

/** A body in pieces of that many bytes. */
async function* inPieces(body: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < body.length; at += size) {
    await Promise.resolve();
    yield body.subarray(at, at + size);
  }
}

async function read(body: string | Buffer, size = 7, boundary = 'b') {
  const form = await fileOfForm(inPieces(Buffer.from(body as string), size), boundary);
  const chunks: Uint8Array[] = [];
  for await (const chunk of form.content) chunks.push(Buffer.from(chunk));
  return { ...form, content: Buffer.concat(chunks) };
}

const part = (head: string, content: string): string => `--b\r\n${head}\r\n\r\n${content}\r\n`;
const file = (content: string, name = 'x.txt'): string =>
  part(
    `Content-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: Text/Plain; a=b`,
    content,
  );

describe('a form with a file in it', () => {
  it('gives the file, whatever stands around it', async () => {
    const field = part('content-disposition: form-data; name="a"', 'b');
    for (const body of [
      `${file('hello')}--b--`,
      `${file('hello')}--b--\r\nepilogue`,
      `preamble\r\n${field}${field}${file('hello')}${field}--b--\r\n`,
      `\r\n--b  \t\r\n${file('hello').slice(5)}--b--`,
    ]) {
      expect(await read(body)).toMatchObject({
        name: 'x.txt',
        mediaType: 'text/plain',
        content: Buffer.from('hello'),
      });
    }
  });

  it('gives every byte of it, however it is cut up (RFC 2046 §5.1.1)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.constantFrom('\r\n', '--b', '\r\n--', '\r', '\r\n--a', '\r\n-', 'b--'),
            fc.string({ maxLength: 4 }),
          ),
        ),
        fc.integer({ min: 1, max: 40 }),
        async (pieces, size) => {
          const content = Buffer.from(pieces.join('').replaceAll('\r\n--b', ''));
          fc.pre(!content.includes('\r\n--b'));
          const body = Buffer.concat([Buffer.from(file('').slice(0, -2)), content, Buffer.from('\r\n--b--')]);
          fc.pre(!`\r\n${content.toString('latin1')}`.includes('\r\n--b'));
          expect((await read(body, size)).content).toEqual(content);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['"photo.jpg"', 'photo.jpg'],
    ['photo.jpg', 'photo.jpg'],
    ['"a%22b%0D%0A.txt"', 'a"b\r\n.txt'],
    ['"a\\"b\\\\c.txt"', 'a"b\\c.txt'],
    ['"Grüße.pdf"', 'Grüße.pdf'],
    ['"100%.txt"', '100%.txt'],
    ['""', ''],
    [`"x"; filename*=UTF-8''Gr%C3%BC%C3%9Fe`, 'Grüße'],
    [`"x"; filename*=UTF-8''%zz`, 'x'],
  ])('reads its name: %s', async (written, name) => {
    const body = `${part(`Content-Disposition: form-data; name="file"; filename=${written}`, 'x')}--b--`;
    expect((await read(body)).name).toBe(name);
  });

  it.each([
    ['of nothing', ''],
    ['without a boundary', 'hello'],
    ['without a file', `${part('Content-Disposition: form-data; name="file"', 'x')}--b--`],
    ['that ends within the file', file('hello').slice(0, -4)],
    ['that ends behind the file', file('hello')],
    ['that ends within a head', '--b\r\nContent-Disposition: form-data'],
    ['with an endless head', `--b\r\n${'x'.repeat(20_000)}`],
    ['with a broken boundary', `--bad\r\n${file('x')}--b--`],
    ['of endless fields', `${part('Content-Disposition: form-data; name="x"', '').repeat(200)}--b--`],
  ])('%s is refused', async (_, body) => {
    await expect(read(body, 1_000)).rejects.toBeInstanceOf(MalformedUpload);
  });

  it('closes the body when its reader has enough', async () => {
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
      try {
        yield Buffer.from(file('').slice(0, -2));
        for (;;) {
          await Promise.resolve();
          yield Buffer.alloc(1_000);
        }
      } finally {
        closed = true;
      }
    }
    for await (const chunk of (await fileOfForm(body(), 'b')).content) if (chunk.length > 0) break;
    expect(closed).toBe(true);
  });
});

it.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; boundary="a b;c"; charset=utf-8', undefined],
  ['multipart/form-data; boundary="a b:c"; charset=utf-8', 'a b:c'],
  ['multipart/form-data; Boundary=----WebKitFormBoundaryx', '----WebKitFormBoundaryx'],
  ['multipart/form-data', undefined],
  ['multipart/form-data; boundary=', undefined],
  [`multipart/form-data; boundary=${'x'.repeat(71)}`, undefined],
])('the boundary of %j is %j', (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});
