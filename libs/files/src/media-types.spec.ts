import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { judgeType, typeName } from './media-types.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const png = bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR');

describe('the type of a file', () => {
  it.each<[string, Buffer, string | undefined, string]>([
    ['a picture', png, 'image/png', 'image/png'],
    ['a picture whose sender says nothing', png, undefined, 'image/png'],
    ['a picture that calls itself a page', png, 'text/html', 'image/png'],
    ['a photo', bytes('\xff\xd8\xff\xe0\0\x10JFIF'), 'image/jpeg', 'image/jpeg'],
    ['WebP', bytes('RIFF\x24\0\0\0WEBPVP8 '), 'image/webp', 'image/webp'],
    ['AVIF', bytes('\0\0\0\x20ftypavif\0\0\0\0'), undefined, 'image/avif'],
    ['MP4', bytes('\0\0\0\x20ftypisom\0\0\x02\0'), undefined, 'video/mp4'],
    ['MP4 that is said to be sound', bytes('\0\0\0\x20ftypisom\0\0\x02\0'), 'audio/mp4', 'audio/mp4'],
    ['WebM', bytes('\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\x82\x84webm'), undefined, 'video/webm'],
    ['Ogg that is said to be sound', bytes('OggS\0\x02\0\0'), 'audio/ogg', 'audio/ogg'],
    ['PDF', bytes('%PDF-1.7\n'), 'text/plain', 'application/pdf'],
    [
      'a document in a ZIP',
      bytes('PK\x03\x04\x14\0\x06\0'),
      'application/vnd.oasis.opendocument.text',
      'application/vnd.oasis.opendocument.text',
    ],
    ['a ZIP that calls itself a picture', bytes('PK\x03\x04\x14\0\x06\0'), 'image/png', 'application/zip'],
    [
      'a program that calls itself a picture',
      bytes('MZ\x90\0\x03\0\0\0'),
      'image/png',
      'application/vnd.microsoft.portable-executable',
    ],
    ['text', Buffer.from('Grüße, hello'), undefined, 'text/plain'],
    ['text in UTF-16', Buffer.from('\ufeffhello', 'utf16le'), undefined, 'text/plain'],
    ['a table', Buffer.from('a,b\n1,2\n'), 'text/csv; charset=utf-8', 'text/csv'],
    ['JSON', Buffer.from('{"a":1}'), 'application/json', 'application/json'],
    ['text that calls itself a picture', Buffer.from('hello'), 'image/png', 'text/plain'],
    ['text that begins as a picture', Buffer.from('GIF89a = 1; alert(1)'), 'image/gif', 'text/plain'],
    ['text that begins as a program', Buffer.from('MZ is a pair of letters'), undefined, 'text/plain'],
    ['a page that calls itself text', Buffer.from(' \n<!DOCTYPE html><p>x'), 'text/plain', 'text/html'],
    ['a script in a page', Buffer.from('<ScRiPt>alert(1)</ScRiPt>'), 'image/png', 'text/html'],
    ['a page behind a mark', Buffer.from('\ufeff<html>'), undefined, 'text/html'],
    ['a page in UTF-16', Buffer.from('\ufeff<html><script>', 'utf16le'), 'text/plain', 'text/html'],
    ['a page behind a comment', Buffer.from('<!-- x --><html>'), 'text/plain', 'text/html'],
    [
      'a drawing',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="x()">'),
      'image/png',
      'image/svg+xml',
    ],
    [
      'a drawing behind a prologue',
      Buffer.from('<?xml version="1.0"?><!DOCTYPE svg><svg>'),
      'text/plain',
      'image/svg+xml',
    ],
    [
      'XHTML',
      Buffer.from('<?xml version="1.0"?><x:html xmlns:x="http://www.w3.org/1999/xhtml">'),
      'text/plain',
      'text/html',
    ],
    ['XML', Buffer.from('<?xml version="1.0"?><a/>'), 'text/plain', 'application/xml'],
    ['a script', Buffer.from('alert(1)'), 'text/javascript', 'text/javascript'],
    ['bytes', bytes('\0\x01\x02\x03\xfe'), undefined, 'application/octet-stream'],
    [
      'bytes that call themselves a picture',
      bytes('\0\x01\x02\x03\xfe'),
      'image/png',
      'application/octet-stream',
    ],
    [
      'bytes that call themselves a page',
      bytes('\0\x01\x02\x03\xfe'),
      'text/html',
      'application/octet-stream',
    ],
    [
      'bytes that call themselves a ZIP',
      bytes('\0\x01\x02\x03\xfe'),
      'application/zip',
      'application/octet-stream',
    ],
    ['bytes of a form that nobody here knows', bytes('\0\x01\x02\x03\xfe'), 'model/stl', 'model/stl'],
    ['bytes of no type at all', bytes('\0\x01\x02'), 'oh; dear\r\nx: y', 'application/octet-stream'],
    ['nothing', Buffer.alloc(0), undefined, 'text/plain'],
    ['nothing that calls itself a picture', Buffer.alloc(0), 'image/png', 'text/plain'],
    ['a head that ends within a character', Buffer.from('x€').subarray(0, 3), undefined, 'text/plain'],
  ])('is that of its content: %s', (_, head, declared, type) => {
    expect(judgeType(head, declared)).toBe(type);
  });

  it('is one line of known letters, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.string(), (head, declared) => {
        expect(typeName(judgeType(Buffer.from(head), declared))).toBeDefined();
      }),
    );
  });

  it('is never a picture, sound or video that its bytes are not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (head) => {
        const type = judgeType(Buffer.from(head), 'image/png');
        if (type === 'image/png') expect(Buffer.from(head).toString('latin1', 1, 4)).toBe('PNG');
      }),
    );
  });
});
