import { expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { correctedIn, correcting } from './0308.js';

test('a correction names the message that it corrects (XEP-0308)', () => {
  expect(
    correctedIn(
      readStanza(
        `<message id='good1'><body>window</body><replace id='bad1' xmlns='urn:xmpp:message-correct:0'/></message>`,
      ),
    ),
  ).toBe('bad1');
  expect(serialise(correcting('bad1'))).toBe('<replace xmlns="urn:xmpp:message-correct:0" id="bad1"/>');
});

test.each([
  `<replace xmlns='urn:xmpp:message-correct:0'/>`,
  `<replace xmlns='urn:xmpp:message-correct:0' id=''/>`,
  `<replace id='bad1'/>`,
  `<replace xmlns='urn:xmpp:message-correct:0' id='${'i'.repeat(2_000)}'/>`,
])('%s corrects nothing', (replace) => {
  expect(correctedIn(readStanza(`<message>${replace}</message>`))).toBeUndefined();
});
