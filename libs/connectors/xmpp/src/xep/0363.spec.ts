import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { infoOf } from './0030.js';
import { slotAsk, slotOf, slotRefusalOf, uploadServiceOf } from './0363.js';

const payload = (text: string) => readStanza(`<iq type='result'>${text}</iq>`).getChildElements()[0];
const slot = (put: string, get: string, headers = '') =>
  slotOf(
    payload(
      `<slot xmlns='urn:xmpp:http:upload:0'><put url='${put}'>${headers}</put><get url='${get}'/></slot>`,
    ),
  );
const url = 'https://upload.montague.tld/4a771ac1-f0b2-4a4a-9700-f2a26fa2bb67/tr%C3%A8s%20cool.jpg';

describe('HTTP upload (XEP-0363)', () => {
  test('a service says how large a file may be', () => {
    const info = infoOf(
      payload(`<query xmlns='http://jabber.org/protocol/disco#info'><identity category='store' type='file' name='HTTP File Upload'/><feature var='urn:xmpp:http:upload:0'/>
      <x type='result' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field><field var='max-file-size'><value>5242880</value></field></x></query>`),
    );
    expect(info && uploadServiceOf(info)).toEqual({ maxBytes: 5_242_880 });
    const other = infoOf(
      payload(
        `<query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:http:upload'/></query>`,
      ),
    );
    expect(other && uploadServiceOf(other)).toBeUndefined();
  });

  test('a slot is asked for with the exact size', () => {
    expect(serialise(slotAsk({ name: 'très cool.jpg', size: 23_456, mediaType: 'image/jpeg' }))).toBe(
      '<request xmlns="urn:xmpp:http:upload:0" filename="très cool.jpg" size="23456" content-type="image/jpeg"/>',
    );
  });

  test('a slot is read with the headers that may be sent', () => {
    expect(
      slot(
        url,
        url,
        `<header name='Authorization'>Basic Base64String==</header><header name='Cookie'>foo=bar; user=romeo</header>`,
      ),
    ).toEqual({
      put: {
        url,
        headers: [
          ['authorization', 'Basic Base64String=='],
          ['cookie', 'foo=bar; user=romeo'],
        ],
      },
      get: url,
    });
  });

  test('other headers are left out, and line breaks are taken out', () => {
    expect(
      slot(
        url,
        url,
        `<header name='Host'>evil.example</header><header name='Content-Length'>0</header><header name='Expires'>a&#13;&#10;Host: evil.example</header><header name='Cookie'>\u2028</header>`,
      )?.put.headers,
    ).toEqual([['expires', 'aHost: evil.example']]);
  });

  test.each([
    ['http://upload.example/put', url],
    [url, 'http://upload.example/get'],
    ['ftp://upload.example/put', url],
    ['javascript:alert(1)', url],
    ['', url],
  ])('a slot to put at %j and get at %j is none', (put, get) => {
    expect(slot(put, get)).toBeUndefined();
  });

  test('http is taken where the account allows it, other schemes never', () => {
    const answer = (scheme: string) =>
      payload(
        `<slot xmlns='urn:xmpp:http:upload:0'><put url='${scheme}://127.0.0.1/p'/><get url='${scheme}://127.0.0.1/g'/></slot>`,
      );
    expect(slotOf(answer('http'), true)?.get).toBe('http://127.0.0.1/g');
    expect(slotOf(answer('file'), true)).toBeUndefined();
    expect(slotOf(undefined)).toBeUndefined();
  });

  test('a refusal says how large, or when again', () => {
    const error = (text: string) =>
      slotRefusalOf(
        readStanza(`<iq type='error'><error type='modify'>${text}</error></iq>`).getChildElements()[0],
      );
    expect(
      error(
        `<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>20000</max-file-size></file-too-large>`,
      ),
    ).toEqual({ refusal: 'too-large', maxBytes: 20_000 });
    expect(error(`<retry xmlns='urn:xmpp:http:upload:0' stamp='2017-12-03T23:42:05Z'/>`)).toEqual({
      refusal: 'later',
      at: new Date('2017-12-03T23:42:05Z'),
    });
    expect(error(`<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`)).toBeUndefined();
    expect(slotRefusalOf(undefined)).toBeUndefined();
  });
});
