import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanName, contentDisposition } from './file-names.js';

describe('the name of a file', () => {
  it.each([
    ['photo.jpg', 'photo.jpg'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\alice\\photo.jpg', 'photo.jpg'],
    ['..', 'file'],
    ['.htaccess', 'htaccess'],
    ['', 'file'],
    ['///', 'file'],
    ['a\r\nSet-Cookie: x=y.txt', 'aSet-Cookie: x=y.txt'],
    ['a\0b\x1b[2Jc.txt', 'ab[2Jc.txt'],
    ['photo\u202egpj.exe', 'photogpj.exe'],
    ['  a \t b .txt. ', 'a b .txt'],
    ['Grüße 🎉.pdf', 'Grüße 🎉.pdf'],
    ['نامه\u200cای.pdf', 'نامه\u200cای.pdf'],
    ['\ud800x.txt', '\ufffdx.txt'],
  ])('%j is kept as %j', (raw, clean) => {
    expect(cleanName(raw)).toBe(clean);
  });

  it('is cut in the middle where it is too long', () => {
    const name = cleanName(`${'ü'.repeat(400)}.tar.gz`);
    expect(name).toMatch(/^ü+\.gz$/);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(cleanName('🎉'.repeat(300)).isWellFormed()).toBe(true);
  });

  it('is a name of one place and one line, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (raw) => {
        const name = cleanName(raw);
        expect(name).not.toMatch(/[/\\\0-\x1f\x7f]|^\.|^$/);
        expect(name.isWellFormed()).toBe(true);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(cleanName(name)).toBe(name);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('Content-Disposition', () => {
  it.each([
    ['photo.jpg', 'attachment; filename="photo.jpg"'],
    ['a"b\\c%41.txt', `attachment; filename="a_b_c_41.txt"; filename*=UTF-8''a%22b%5Cc%2541.txt`],
    ['Grüße (1).pdf', `attachment; filename="Gr__e (1).pdf"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%281%29.pdf`],
  ])('says %j once for everybody and once whole', (name, header) => {
    expect(contentDisposition('attachment', name)).toBe(header);
  });

  it('is one line of ASCII whose quotation nothing ends, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (raw) => {
        const header = contentDisposition('inline', cleanName(raw));
        expect(header).toMatch(
          /^inline; filename="[^"\\\r\n]*"(; filename\*=UTF-8''[!#$&+.^_`|~0-9A-Za-z%-]*)?$/,
        );
        expect(header).toMatch(/^[\x20-\x7e]*$/);
      }),
      { numRuns: 1_000 },
    );
  });
});
