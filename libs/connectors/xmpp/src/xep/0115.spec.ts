import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { infoOf, type DiscoInfo } from './0030.js';
import { caps, capsIn, capsNode, verifies, verOf } from './0115.js';

const info = (text: string): DiscoInfo => {
  const read = infoOf(
    readStanza(
      `<iq><query xmlns='http://jabber.org/protocol/disco#info'>${text}</query></iq>`,
    ).getChildElements()[0],
  );
  if (read === undefined) throw new Error('no disco#info');
  return read;
};
const features = ['caps', 'disco#info', 'disco#items', 'muc']
  .map((name) => `<feature var='http://jabber.org/protocol/${name}'/>`)
  .join('');
const exodus = `<identity category='client' name='Exodus 0.9.1' type='pc'/>${features}`;
const psi = `<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>${features}`;
const software = (fields: string) => `<x xmlns='jabber:x:data' type='result'>${fields}</x>`;
const formType = `<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>`;
const psiForm =
  software(`${formType}<field var='ip_version'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>
  <field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field>`);

describe('entity capabilities (XEP-0115)', () => {
  test('the simple example (§5.2) makes the hash that it says', () => {
    expect(verOf(info(exodus))).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
  });

  test('the complex example (§5.3) makes the hash that it says, whatever the order', () => {
    expect(verOf(info(psi + psiForm))).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=');
    expect(verOf(info(psiForm + psi))).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=');
  });

  test('an answer is believed for others if it makes the announced hash', () => {
    const announced = {
      hash: 'sha-1',
      node: 'http://code.google.com/p/exodus',
      ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=',
    };
    expect(verifies(info(exodus), announced)).toBe(true);
    expect(verifies(info(`${exodus}<feature var='urn:xmpp:receipts'/>`), announced)).toBe(false);
    expect(verifies(info(exodus), { ...announced, hash: 'md2' })).toBe(false);
  });

  test.each([
    [
      'the same identity twice',
      `<identity category='client' type='pc'/><identity category='client' type='pc'/>`,
    ],
    ['the same feature twice', `<identity category='client' type='pc'/><feature var='a'/><feature var='a'/>`],
    ['two forms of one kind', exodus + psiForm + psiForm],
    [
      'a form of two kinds',
      exodus + software(`<field var='FORM_TYPE' type='hidden'><value>a</value><value>b</value></field>`),
    ],
    ['the delimiter within a feature', `<identity category='client' type='pc'/><feature var='a&lt;b'/>`],
    ['a feature that is too long to be kept', `${exodus}<feature var='${'x'.repeat(2_000)}'/>`],
  ])('an answer with %s is ill-formed', (_, text) => {
    expect(verOf(info(text))).toBeUndefined();
  });

  test('a form whose kind is not hidden, or that has none, is passed over', () => {
    const visible = software(
      `<field var='FORM_TYPE'><value>urn:x</value></field><field var='a'><value>1</value></field>`,
    );
    const nameless = software(`<field var='a'><value>1</value></field>`);
    expect(verOf(info(exodus + visible + nameless))).toBe('QgayPKawpkPSDYmwT/WM94uAlu0=');
  });

  test('features are sorted by their bytes, not by UTF-16', () => {
    const [astral, high] = ['\u{10000}', '\uFFFD'].map((name) => `<feature var='${name}'/>`);
    const base = `<identity category='client' type='pc'/>`;
    expect(verOf(info(`${base}${astral ?? ''}${high ?? ''}`))).toBe(
      verOf(info(`${base}${high ?? ''}${astral ?? ''}`)),
    );
    // sha1('client/pc//<' U+FFFD '<' U+10000 '<')
    expect(verOf(info(`${base}${astral ?? ''}${high ?? ''}`))).toBe(expectedOrder());
  });

  test('a presence announces them whole or not at all', () => {
    expect(
      capsIn(
        readStanza(
          `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://code.google.com/p/exodus' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>`,
        ),
      ),
    ).toEqual({
      hash: 'sha-1',
      node: 'http://code.google.com/p/exodus',
      ver: 'QgayPKawpkPSDYmwT/WM94uAlu0=',
    });
    for (const c of [
      `<c xmlns='http://jabber.org/protocol/caps' node='n' ver='v'/>`,
      `<c xmlns='urn:c' hash='sha-1' node='n' ver='v'/>`,
      '',
    ]) {
      expect(capsIn(readStanza(`<presence>${c}</presence>`))).toBeUndefined();
    }
    expect(serialise(caps('https://parley.example', 'v='))).toBe(
      '<c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="https://parley.example" ver="v="/>',
    );
    expect(capsNode({ node: 'n', ver: 'v' })).toBe('n#v');
  });
});

function expectedOrder(): string {
  return createHash('sha1').update('client/pc//<\uFFFD<\u{10000}<').digest('base64');
}
