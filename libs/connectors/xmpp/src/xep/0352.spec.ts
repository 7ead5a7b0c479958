import { expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { clientState, offersClientState } from './0352.js';

test('whether anybody looks is told where the server wants to know (XEP-0352)', () => {
  expect(offersClientState(readStanza(`<features><csi xmlns='urn:xmpp:csi:0'/></features>`))).toBe(true);
  expect(offersClientState(readStanza(`<features><csi xmlns='urn:evil'/></features>`))).toBe(false);
  expect(serialise(clientState(true))).toBe('<active xmlns="urn:xmpp:csi:0"/>');
  expect(serialise(clientState(false))).toBe('<inactive xmlns="urn:xmpp:csi:0"/>');
});
