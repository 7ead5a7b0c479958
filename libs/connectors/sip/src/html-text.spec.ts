import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { textOfHtml } from './html-text.js';

describe('HTML in words', () => {
  test.each([
    [
      '<html><head><title>x</title></head><body><p>Hello <b>you</b></p><p>there</p></body></html>',
      'Hello you\nthere',
    ],
    ['a<br/>b<BR>c', 'a\nb\nc'],
    ['&lt;b&gt; &amp;&nbsp;&#233;&#x1F600;&unknown;', '<b> & é😀&unknown;'],
    ['&#0;&#xD800;', '\ufffd\ufffd'],
    ['<script>alert(1)</script>hi<style>b{}</style>', 'hi'],
    ['1 < 2 and <not', '1 < 2 and <not'],
    ['1 < 2 <!-- 3 > 2 -->and <b>bold</b>', '1 < 2 and bold'],
    // Small, it has more letters.
    ['İİ<b<>İ<BR>', 'İİİ'],
  ])('%s', (html, text) => {
    expect(textOfHtml(html)).toBe(text);
  });

  test('are found in the time that they are worth', () => {
    for (const bit of ['<', '< ', '<a', '<script>', '<script', '&', '&#', ' ', '\n', '<p>']) {
      // An end that each beginning might look for.
      const html = `${bit.repeat(50_000)}>`;
      const took = (): number => {
        const began = performance.now();
        textOfHtml(html);
        return performance.now() - began;
      };
      expect(Math.min(took(), took(), took())).toBeLessThan(50);
    }
  });

  test('never fail', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.constantFrom('İ', '<', '>', '/', 'b', '!', '-', ' ', '&', '#', ';'))
          .map((units) => units.join('')),
        (html) => {
          textOfHtml(html);
        },
      ),
    );
  });
});
