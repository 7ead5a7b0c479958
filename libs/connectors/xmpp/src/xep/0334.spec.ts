import { expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { hint, hintsIn } from './0334.js';

test('hints are read by their namespace, and given (XEP-0334)', () => {
  expect(
    hintsIn(
      readStanza(
        `<message><body>x</body><no-copy xmlns="urn:xmpp:hints"/><no-store xmlns="urn:xmpp:hints"/><store xmlns="urn:evil"/></message>`,
      ),
    ),
  ).toEqual(new Set(['no-store', 'no-copy']));
  expect(serialise(hint('store'))).toBe('<store xmlns="urn:xmpp:hints"/>');
});
