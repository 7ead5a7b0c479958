import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { carbonIn, enableCarbons, looksLikeCarbon, uncopied } from './0280.js';

const isSelf = (from: string): boolean => from === 'romeo@montague.example';
const inner = `<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='juliet@capulet.example/balcony' to='romeo@montague.example/garden' type='chat'><body>What man art thou</body></message></forwarded>`;
const copy = (from: string, content: string) =>
  readStanza(`<message ${from} to='romeo@montague.example/home' type='chat'>${content}</message>`);

describe('carbons (XEP-0280)', () => {
  test.each(['sent', 'received'])('a copy of what was %s is read from our own account', (way) => {
    const message = copy(
      `from='romeo@montague.example'`,
      `<${way} xmlns='urn:xmpp:carbons:2'>${inner}</${way}>`,
    );
    expect(looksLikeCarbon(message)).toBe(true);
    const carbon = carbonIn(message, isSelf);
    expect(carbon?.way).toBe(way);
    expect(carbon?.message.attrs['from']).toBe('juliet@capulet.example/balcony');
  });

  test('a copy without a from is of our own account (RFC 6120 §8.1.2.1)', () => {
    expect(carbonIn(copy('', `<received xmlns='urn:xmpp:carbons:2'>${inner}</received>`), isSelf)?.way).toBe(
      'received',
    );
  });

  test.each([
    `from='tybalt@capulet.example/home'`,
    `from='romeo@montague.example/garden'`,
    `from='montague.example'`,
  ])('a copy %s is forged: it is no copy, and looks like one', (from) => {
    const message = copy(from, `<received xmlns='urn:xmpp:carbons:2'>${inner}</received>`);
    expect(carbonIn(message, isSelf)).toBeUndefined();
    expect(looksLikeCarbon(message)).toBe(true);
  });

  test.each([
    [
      'both ways at once',
      `<sent xmlns='urn:xmpp:carbons:2'>${inner}</sent><received xmlns='urn:xmpp:carbons:2'>${inner}</received>`,
    ],
    ['nothing within', `<sent xmlns='urn:xmpp:carbons:2'/>`],
    ['two messages within', `<sent xmlns='urn:xmpp:carbons:2'>${inner}${inner}</sent>`],
    ['another namespace', `<sent xmlns='urn:xmpp:carbons:1'>${inner}</sent>`],
    [
      'no message within',
      `<sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client'/></forwarded></sent>`,
    ],
    [
      'a copy within other words',
      `<body xmlns='urn:b'><sent xmlns='urn:xmpp:carbons:2'>${inner}</sent></body>`,
    ],
  ])('%s is no copy', (_, content) => {
    expect(carbonIn(copy(`from='romeo@montague.example'`, content), isSelf)).toBeUndefined();
  });

  test('are asked for, and kept from', () => {
    expect(serialise(enableCarbons())).toBe('<enable xmlns="urn:xmpp:carbons:2"/>');
    expect(serialise(uncopied())).toBe('<private xmlns="urn:xmpp:carbons:2"/>');
  });
});
