import { expect, test } from '@jest/globals';
import { readStanza } from '../core/xml.js';
import { occupantIdIn } from './0421.js';

test('an occupant id is read by its namespace (XEP-0421)', () => {
  expect(
    occupantIdIn(
      readStanza(
        `<presence><occupant-id xmlns='urn:xmpp:occupant-id:0' id='dd72603deec90a38ba552f7c68cbcc61bca202cd'/></presence>`,
      ),
    ),
  ).toBe('dd72603deec90a38ba552f7c68cbcc61bca202cd');
  expect(
    occupantIdIn(readStanza(`<presence><occupant-id xmlns='urn:evil' id='a'/></presence>`)),
  ).toBeUndefined();
  expect(
    occupantIdIn(readStanza(`<presence><occupant-id xmlns='urn:xmpp:occupant-id:0'/></presence>`)),
  ).toBeUndefined();
});
